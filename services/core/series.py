"""Series and their exceptions: what an instance holds, and what an exception is to its series.

An exception that Google has not got yet has the instance it was made from as its base, so that it merges like
anything else: what it changed is pushed, and what Google changed in that instance meanwhile stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.agenda import stands_in
from services.core.errors import UnknownInstanceError
from services.core.frozen import replace
from services.core.intake import cancelled_content
from services.core.records import NO_LOOP, Slot
from services.core.recurrence import InvalidRecurrenceError, occurrence_at
from services.core.slots import FIELD_GROUPS, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from services.core.recurrence import OriginalStart
    from services.core.slots import SlotContent

SERIES_PENDING = "series-pending"
"""Why an exception waits: its series has to reach Google first."""


def instance_content(series: SlotContent, original_start: OriginalStart) -> SlotContent | None:
    """What a series has at one of its instances; `None` when it has no such instance, or is none any more."""
    if not series.schedule.recurrence:
        return None
    try:
        occurrence = occurrence_at(series.schedule, original_start)
    except InvalidRecurrenceError:
        return None
    return None if occurrence is None else replace(series, schedule=Schedule(occurrence.span))


def content_to_restore(slot: Slot, series: Slot | None) -> SlotContent:
    """What a deleted slot comes back with; of an instance that Google cancelled, what the series has.

    Raises:
        UnknownInstanceError: Nobody knows what the instance held: the series is not known, or has none there.
    """
    if slot.series is None or slot.content != cancelled_content(slot.series.original_start):
        return slot.content
    content = None if series is None else instance_content(series.content, slot.series.original_start)
    if content is None:
        raise UnknownInstanceError(slot.series.series_id or slot.id, slot.series.original_start)
    return content


def standing_alone(slot: Slot) -> Slot:
    """An exception whose instance is no more, as a slot of its own: what a person wrote in it survives."""
    return replace(
        slot,
        series=None,
        google=None,
        base=None,
        sent=None,
        refetch=False,
        failure=None,
        generation=slot.generation + 1,
    )


def left_behind(exception: Slot, instance: SlotContent | None, *, slot_id: UUID, now: datetime) -> Slot:
    """A slot for the event of an exception that has it no more: what is to become of the event.

    Args:
        exception: As it was, with Google's copy.
        instance: What the series has in that place now; `None`: nothing, so the event is to be deleted unless
            Google lost it with its instance.
        slot_id: Of the new slot.
        now: Aware, UTC.
    """
    groups: Iterable[str] = ("deleted",) if instance is None else FIELD_GROUPS
    is_lost = instance is None and exception.deleted_at is None
    return replace(
        going_along(exception) if is_lost else exception,
        id=slot_id,
        content=instance or exception.base or exception.content,
        deleted_at=now if instance is None else None,
        edited_at=dict.fromkeys(groups, now),
        created_at=now,
        updated_at=now,
        version=1,
        failure=None,
        open_conflicts=0,
        loop=NO_LOOP,
        quarantined_until=None,
        hold_id=None,
        notify="none",
    )


def is_plain(exception: Slot) -> bool:
    """Whether an exception is as its series has the instance, and Google has none: nothing to hold on to."""
    return (
        exception.google is None
        and exception.sent is None
        and exception.local is not None
        and not exception.dirty
    )


def like_its_series(exception: Slot, series: SlotContent, *, now: datetime) -> Slot:
    """A plain exception after a change of its series: still plain, or gone with its instance."""
    assert exception.series is not None  # noqa: S101  # an exception has its link
    instance = instance_content(series, exception.series.original_start)
    if instance == exception.content:
        return exception
    known = replace(exception, base=instance, version=exception.version + 1, updated_at=now)
    return replace(known, deleted_at=now) if instance is None else replace(known, content=instance)


def rebased(exception: Slot, series: SlotContent, *, now: datetime, revived: bool = False) -> Slot:
    """An exception that is to be made anew at Google, since its series begins another life there.

    One whose instance the series no longer has stands alone if it lives, else it is forgotten. What had
    vanished stays so.

    Args:
        exception: Of the series.
        series: As it is to be there.
        now: Aware, UTC.
        revived: Whether the same event comes back. It may bring back what a deleted exception was, which is
            looked at then.
    """
    assert exception.series is not None  # noqa: S101  # an exception has its link
    if not stands_in(exception):
        return exception
    if is_plain(exception):
        return like_its_series(exception, series, now=now)
    instance = instance_content(series, exception.series.original_start)
    if instance is None and exception.local is not None:
        return standing_alone(exception)
    known = exception.google if revived and exception.local is None else None
    return replace(
        exception,
        google=known,
        base=instance,
        sent=None,
        refetch=known is not None,
        failure=None,
        hold_id=None,
        loop=NO_LOOP,
        quarantined_until=None,
    )


def same_place(one: Slot, other: Slot) -> bool:
    """Whether two states of a slot stand for the same instance, and so for the same event, or for none."""
    if one.series is None or other.series is None:
        return one.series is other.series
    places = [(each.series_id, each.original_start) for each in (one.series, other.series)]
    return places[0] == places[1]


def may_be_lost_by_us(exception: Slot, series: Slot | None) -> bool:
    """Whether a change of ours whose outcome is unknown may have taken the place of a live exception away.

    That Google has it no more is nobody's deletion then; it is looked at once the outcome is known.
    """
    if exception.series is None or exception.local is None or series is None or series.base is None:
        return False
    if series.sent_content is None:
        return False
    start = exception.series.original_start
    has_place = instance_content(series.base, start) is not None
    return has_place and instance_content(series.sent_content, start) is None


def going_along(exception: Slot) -> Slot:
    """An exception that is deleted because its series is, or has no such instance any more."""
    assert exception.series is not None  # noqa: S101  # an exception has its link
    return replace(exception, series=replace(exception.series, went_along=True))


def coming_back(exception: Slot) -> Slot:
    """An exception that comes back with its series or its instance, or is deleted for itself."""
    assert exception.series is not None  # noqa: S101  # an exception has its link
    return replace(exception, series=replace(exception.series, went_along=False))


def waits_for(series: Slot) -> bool:
    """Whether exceptions have to wait until Google has their series as it is here."""
    is_unknown = series.refetch and series.quarantined_until is None
    return (
        is_unknown
        or series.base is None
        or series.local is None
        or series.sent is not None
        or series.moving_to is not None
        or series.base.schedule != series.local.schedule
    )


def is_gone_with(exception: Slot, series: Slot | None) -> bool:
    """Whether what Google has of an exception is gone for as long as its series is, which is to come back."""
    if series is None or exception.series is None or exception.google is None or exception.base is None:
        return False
    return series.base is None and series.local is not None


def is_ahead(series: Slot | None) -> bool:
    """Whether the app has changed a series and Google does not know yet."""
    return series is not None and series.dirty


def is_of_others(series: Slot | None) -> bool:
    """Whether others made a series, so that what is left of an instance cannot stand alone."""
    return series is not None and series.google is not None and series.google.of_others


def has_ended(series: Slot) -> bool:
    """Whether a series is over on both sides, so that nothing can be an instance of it any more."""
    return series.local is None and series.base is None and series.sent is None


def by_original_start(exceptions: Iterable[Slot]) -> dict[OriginalStart, Slot]:
    """The exceptions of one series by the instance that they stand for.

    Of several in one place that is the one that stands in; the others have vanished.
    """
    ordered = sorted(exceptions, key=stands_in)
    return {each.series.original_start: each for each in ordered if each.series is not None}


def has_place(series: Slot, exception: Slot) -> bool:
    """Whether a series lives, and has the instance that an exception stands for."""
    assert exception.series is not None  # noqa: S101  # an exception has its link
    if series.deleted_at is not None:
        return False
    return instance_content(series.content, exception.series.original_start) is not None
