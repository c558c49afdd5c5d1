"""Edits of a series by scope: one instance, this and all that follow, all of them.

Google knows no call for "this and following", so it is two changes here as well: the series ends before the
instance, and another one begins with it. What somebody made of later instances goes along, which Google's own
clients do not do. An exception that changes its place in this way leaves a deleted slot behind, in the name
of the instance that it was, until Google has forgotten that one too.

Source:
    Calendar API guide, 'Recurring events': a change of one instance makes an exception; "this and following"
    by shortening the rule and a new series; exceptions of the shortened part are lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from services.core.agenda import original_instant, stands_in
from services.core.edits import Edit, edit, require_editable
from services.core.errors import UnknownInstanceError
from services.core.records import NO_LOOP, SeriesLink, Slot
from services.core.recurrence import (
    Weekdays,
    continued_from,
    moved_start,
    normalise_recurrence,
    shifted,
    truncated_before,
)
from services.core.series import going_along, instance_content
from services.core.slots import FIELD_GROUPS, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from uuid import UUID

    from services.core.policy import LoopPolicy
    from services.core.records import Notify
    from services.core.recurrence import OriginalStart
    from services.core.slots import AllDay, FieldGroup, SlotContent, Timed


class EditScope(StrEnum):
    """How much of a series an edit of one instance means."""

    THIS = "this"
    FOLLOWING = "following"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the edited instance is to hold."""

    content: SlotContent
    """Of a series edited as a whole: the series; of an instance: the instance, without recurrence."""
    recurrence: tuple[str, ...] | None = None
    """The new rules; `None`: as they are."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an edit needs from outside."""

    now: datetime
    new_id: Callable[[], UUID]
    policy: LoopPolicy
    notify: Notify = "none"


@dataclass(slots=True)
class ScopedEdit:
    """What an edit does: slots that change, and slots that are new."""

    shown: Slot
    """What the client edited, as it is now."""
    edits: list[Edit] = field(default_factory=list)
    added: list[Slot] = field(default_factory=list)
    """To be stored after the edits, which may free an event for them."""


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
        edited = edit(exception, content, now=now, policy=with_.policy, notify=notify)
        return ScopedEdit(edited.slot, [edited] if edited.changes else [])
    instance = instance_content(series.content, original_start)
    if instance is None:
        raise UnknownInstanceError(series.id, original_start)
    made = _new_exception(series, exception, original_start, instance, with_)
    require_editable(made, content, copy=series.google)
    edited = edit(made, content, now=now, policy=with_.policy, notify=notify)
    if not edited.changes:
        return ScopedEdit(series)
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
        return ScopedEdit(first.slot, [first, *_ended(later, with_)])
    span = wish.content.schedule.span
    if wish.recurrence is None:
        schedule = _normal(continued_from(old.schedule, original_start, span, weekdays=Weekdays.FOLLOW))
    else:
        schedule = Schedule(span, wish.recurrence)
    require_editable(series, replace(wish.content, schedule=schedule))
    tail = _new_series(series, replace(wish.content, schedule=schedule), with_)
    move = _Move(old, original_start, wish, tail)
    if not tail.is_series:
        tail = replace(tail, content=_with_exception(tail.content, later, move))
    result = ScopedEdit(tail, [first], [tail])
    _carry(result, later, move, with_)
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
        return ScopedEdit(gone.slot, [gone, *_ended(exceptions, with_)])
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
    move = _Move(old, original_start or old.schedule.span.start, wish, edited.slot)
    _carry(result, [each for each in exceptions if stands_in(each)], move, with_)
    return result


@dataclass(frozen=True, slots=True)
class _Move:
    """Where an edit takes the instances of a series."""

    old: SlotContent
    origin: OriginalStart
    """The instance that was edited."""
    wish: Wish
    target: Slot
    """The series that has the instances afterwards."""

    def place(self, start: OriginalStart) -> OriginalStart:
        """The name that an instance has afterwards."""
        span = self.wish.content.schedule.span
        if self.wish.recurrence is not None:
            return start
        return moved_start(self.old.schedule, self.origin, span, start)

    def overridden(self, start: OriginalStart) -> frozenset[FieldGroup]:
        """What the edit says of the instance itself, over whatever an exception has there."""
        instance = instance_content(self.old, self.origin)
        if start != self.origin or instance is None:
            return frozenset()
        wanted = replace(self.wish.content, schedule=Schedule(self.wish.content.schedule.span))
        return instance.changed_groups(wanted)


def _normal(schedule: Schedule) -> Schedule:
    return replace(schedule, recurrence=normalise_recurrence(schedule.recurrence))


def _span_at(series: SlotContent, original_start: OriginalStart | None) -> Timed | AllDay | None:
    if original_start is None:
        return series.schedule.span
    instance = instance_content(series, original_start)
    return None if instance is None else instance.schedule.span


def _with_exception(content: SlotContent, exceptions: Iterable[Slot], move: _Move) -> SlotContent:
    """What is left of a series when it is one slot: with what an exception of it had changed there."""
    for exception in exceptions:
        assert exception.series is not None  # noqa: S101  # exceptions have their link
        if exception.series.original_start == move.origin and exception.deleted_at is None:
            return _carried_content(exception, content, move)
    return content


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


def _ended(exceptions: Iterable[Slot], with_: Circumstances) -> list[Edit]:
    """Live exceptions, deleted along with their instances."""
    ended = (
        edit(each, None, now=with_.now, policy=with_.policy) for each in exceptions if each.deleted_at is None
    )
    return [replace(each, slot=going_along(each.slot)) for each in ended]


def _carry(result: ScopedEdit, exceptions: Iterable[Slot], move: _Move, with_: Circumstances) -> None:
    """Let exceptions go where their instances went; those whose instances are no more end."""
    for exception in exceptions:
        assert exception.series is not None  # noqa: S101  # exceptions have their link
        start = exception.series.original_start
        link = SeriesLink(move.place(start), move.target.id)
        after = instance_content(move.target.content, link.original_start)
        if after is None or not move.target.is_series:
            result.edits.extend(_ended([exception], with_))
        elif link.original_start != start or link.series_id != exception.series.series_id:
            moved = _carried(exception, link, after, move, with_.now)
            result.edits.append(Edit(moved, exception.changes_to(moved.local)))
            if exception.google is not None and exception.base is not None:
                result.added.append(_left_behind(exception, with_))
        elif exception.deleted_at is None and (groups := move.overridden(start)):
            content = exception.content.taking(groups, after)
            edited = edit(exception, content, now=with_.now, policy=with_.policy, notify=with_.notify)
            result.edits.extend([edited] if edited.changes else [])


def _carried_content(exception: Slot, after: SlotContent, move: _Move) -> SlotContent:
    """What an exception holds in its new place: what it had not changed it takes from there."""
    assert exception.series is not None  # noqa: S101  # exceptions have their link
    start = exception.series.original_start
    before = instance_content(move.old, start)
    if before is None or exception.deleted_at is not None:
        return exception.content
    untouched = frozenset(FIELD_GROUPS) - exception.content.changed_groups(before)
    return exception.content.taking(untouched | move.overridden(start), after)


def _carried(exception: Slot, link: SeriesLink, after: SlotContent, move: _Move, now: datetime) -> Slot:
    """The exception as one of another instance, which Google does not have yet."""
    content = _carried_content(exception, after, move)
    return replace(
        exception,
        series=link,
        content=content,
        base=after,
        google=None,
        sent=None,
        refetch=False,
        failure=None,
        hold_id=None,
        loop=NO_LOOP,
        quarantined_until=None,
        edited_at=dict.fromkeys(after.changed_groups(content), now),
        version=exception.version + 1,
        updated_at=now,
    )


def _left_behind(exception: Slot, with_: Circumstances) -> Slot:
    """The event of an exception that has moved on, to be deleted unless Google lost it with its instance."""
    return replace(
        exception,
        id=with_.new_id(),
        content=exception.base or exception.content,
        deleted_at=with_.now,
        edited_at={"deleted": with_.now},
        created_at=with_.now,
        updated_at=with_.now,
        version=1,
        failure=None,
        open_conflicts=0,
        loop=NO_LOOP,
        quarantined_until=None,
        hold_id=None,
        notify="none",
    )
