"""Edits of a series by scope: one instance, this and all that follow, all of them.

Google knows no call for "this and following", so it is two changes here as well: the series ends before the
instance, and another one begins with it. What somebody made of later instances goes along, which Google's own
clients do not do.

Source:
    Calendar API guide, 'Recurring events': a change of one instance makes an exception; "this and following"
    by shortening the rule and a new series; exceptions of the shortened part are lost.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from services.core.agenda import original_instant, stands_in
from services.core.carrying import Move, carry, ended, with_exception
from services.core.edits import edit, require_editable
from services.core.errors import UnknownInstanceError
from services.core.frozen import replace
from services.core.records import SeriesLink, Slot
from services.core.recurrence import Weekdays, continued_from, normalise_recurrence, shifted, truncated_before
from services.core.scoped_edits import ScopedEdit
from services.core.series import coming_back, instance_content
from services.core.slots import FIELD_GROUPS, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.core.recurrence import OriginalStart
    from services.core.scoped_edits import Circumstances, Wish
    from services.core.slots import AllDay, SlotContent, Timed


class EditScope(StrEnum):
    """How much of a series an edit of one instance means."""

    THIS = "this"
    FOLLOWING = "following"
    ALL = "all"


def edit_instance(
    series: Slot,
    exception: Slot | None,
    original_start: OriginalStart,
    content: SlotContent | None,
    with_: Circumstances,
) -> ScopedEdit:
    """Change one instance (`None`: cancel it); it becomes an exception.

    Raises:
        UnknownInstanceError: The series has no such instance, or it is cancelled.
        ReadOnlySlotError: Google does not let the app change that.
    """
    now, notify = with_.now, with_.notify
    if exception is not None and stands_in(exception):
        if exception.deleted_at is not None:
            raise UnknownInstanceError(series.id, original_start)
        require_editable(exception, content, copy=exception.google or series.google)
        # Whatever it was deleted along with before, this is about the instance itself.
        known = coming_back(exception)
        if content is None and known.base is None and known.google is None:
            # Google may have the instance all the same, since its series is there: that is to be cancelled.
            known = replace(known, base=instance_content(series.content, original_start))
        edited = edit(known, content, now=now, policy=with_.policy, notify=notify)
        return ScopedEdit(edited.slot, [edited] if edited.changes else [])
    instance = instance_content(series.content, original_start)
    if instance is None:
        raise UnknownInstanceError(series.id, original_start)
    made = _new_exception(series, exception, original_start, instance, with_)
    require_editable(made, content, copy=series.google)
    edited = edit(made, content, now=now, policy=with_.policy, notify=notify)
    if not edited.changes:
        return ScopedEdit(series)
    if exception is not None:
        edited = replace(edited, changes=exception.changes_to(edited.slot.local))
    return ScopedEdit(edited.slot, [replace(edited, slot=replace(edited.slot, version=made.version))])


def edit_following(
    series: Slot,
    exceptions: Iterable[Slot],
    original_start: OriginalStart,
    wish: Wish | None,
    with_: Circumstances,
) -> ScopedEdit:
    """Change an instance and all that follow (`None`: end the series before it).

    Raises:
        UnknownInstanceError: The series has no such instance.
        ReadOnlySlotError: Google does not let the app change that.
    """
    old = series.content
    instance = instance_content(old, original_start)
    if instance is None:
        raise UnknownInstanceError(series.id, original_start)
    if wish is not None and wish.recurrence is None and wish.content == instance:
        return ScopedEdit(series)
    head = truncated_before(old.schedule, original_start)
    if head is None:
        return edit_all(series, exceptions, original_start, wish, with_)
    shortened = replace(old, schedule=_normal(head))
    require_editable(series, shortened)
    cut = original_instant(original_start)
    later = [
        each
        for each in exceptions
        if each.series is not None and stands_in(each) and original_instant(each.series.original_start) >= cut
    ]
    first = edit(series, shortened, now=with_.now, policy=with_.policy, notify=with_.notify)
    if wish is None:
        return ScopedEdit(first.slot, [first, *ended(later, with_)])
    span = wish.content.schedule.span
    if wish.recurrence is None:
        schedule = _normal(continued_from(old.schedule, original_start, span, weekdays=Weekdays.FOLLOW))
    else:
        schedule = Schedule(span, wish.recurrence)
    require_editable(series, replace(wish.content, schedule=schedule))
    tail = _new_series(series, replace(wish.content, schedule=schedule), with_)
    move = Move(old, original_start, wish, tail)
    if not tail.is_series:
        tail = replace(tail, content=with_exception(tail.content, later, move))
    result = ScopedEdit(tail, [first], [tail])
    carry(result, later, move, with_)
    return result


def edit_all(
    series: Slot,
    exceptions: Iterable[Slot],
    original_start: OriginalStart | None,
    wish: Wish | None,
    with_: Circumstances,
) -> ScopedEdit:
    """Change a series as a whole, seen from one of its instances or from itself; `None` deletes it.

    Exceptions stay where the series still has their instances, and move along where it moves.

    Args:
        series: As it is.
        exceptions: Of the series.
        original_start: The instance that `wish` describes; `None`: it describes the series.
        wish: What is wanted.
        with_: Time, ids, policy.

    Raises:
        UnknownInstanceError: The series has no such instance.
        ReadOnlySlotError: Google does not let the app change that.
    """
    old = series.content
    if original_start is not None and instance_content(old, original_start) is None:
        raise UnknownInstanceError(series.id, original_start)
    if wish is None:
        require_editable(series, None)
        gone = edit(series, None, now=with_.now, policy=with_.policy, notify=with_.notify)
        return ScopedEdit(gone.slot, [gone, *ended(exceptions, with_)])
    span = wish.content.schedule.span
    if wish.recurrence is not None:
        schedule = Schedule(span, wish.recurrence)
    elif span == _span_at(old, original_start):
        schedule = old.schedule
    else:
        schedule = _normal(
            shifted(old.schedule, span, original_start=original_start, weekdays=Weekdays.FOLLOW)
        )
    content = replace(wish.content, schedule=schedule)
    require_editable(series, content)
    edited = edit(series, content, now=with_.now, policy=with_.policy, notify=with_.notify)
    result = ScopedEdit(edited.slot, [edited] if edited.changes else [])
    move = Move(old, original_start, wish, edited.slot)
    carry(result, [each for each in exceptions if stands_in(each)], move, with_)
    return result


def _normal(schedule: Schedule) -> Schedule:
    return replace(schedule, recurrence=normalise_recurrence(schedule.recurrence))


def _span_at(series: SlotContent, original_start: OriginalStart | None) -> Timed | AllDay | None:
    if original_start is None:
        return series.schedule.span
    instance = instance_content(series, original_start)
    return None if instance is None else instance.schedule.span


def _new_exception(
    series: Slot,
    vanished: Slot | None,
    original_start: OriginalStart,
    instance: SlotContent,
    with_: Circumstances,
) -> Slot:
    """An exception that does not differ from its instance yet; one that vanished once lives again.

    Until now a client saw the version of the series, so that of the exception goes on from there.
    """
    if vanished is not None:
        vanished = coming_back(vanished)
        return replace(
            vanished, content=instance, base=instance, deleted_at=None, google=None, sent=None, refetch=False,
            edited_at={}, version=max(vanished.version, series.version) + 1,
        )  # fmt: skip
    return Slot(
        user_id=series.user_id,
        id=with_.new_id(),
        calendar_id=series.calendar_id,
        moving_to=series.moving_to,
        content=instance,
        base=instance,
        series=SeriesLink(original_start, series.id),
        source="app",
        created_at=with_.now,
        updated_at=with_.now,
        version=series.version + 1,
    )


def _new_series(series: Slot, content: SlotContent, with_: Circumstances) -> Slot:
    return Slot(
        user_id=series.user_id,
        id=with_.new_id(),
        calendar_id=series.calendar_id,
        content=content,
        source="app",
        created_at=with_.now,
        updated_at=with_.now,
        edited_at=dict.fromkeys(FIELD_GROUPS, with_.now),
        template_event_id=series.google.event_id if series.google else series.template_event_id,
        notify=with_.notify,
    )
