"""A slot on its way from one calendar to another.

Google moves an event, with its guests, its conference and the exceptions of a series, in one call; until that
has happened the slot belongs where the event is. A deleted event in the old calendar means nothing then,
before the new one has been looked at: it may be what the move left behind.

Source:
    Calendar API reference, `events.move`: only events of type default, by their organizer; ids stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.edits import Edit
from services.core.errors import InvalidSlotError, ReadOnlySlotError, SlotMovingError
from services.core.frozen import replace
from services.core.restrictions import Restriction

if TYPE_CHECKING:
    from datetime import datetime

    from services.core.records import PushFailure, Slot


def require_movable(slot: Slot) -> None:
    """Let a wish to move pass.

    Raises:
        InvalidSlotError: It is one instance of a series.
        ReadOnlySlotError: Google does not move such an event.
        SlotMovingError: It is on its way to yet another calendar.
    """
    if slot.series is not None:
        raise InvalidSlotError("/calendar_id", "Only a whole series can move to another calendar.")
    google = slot.google
    if google is not None:
        if google.restriction is not None:
            raise ReadOnlySlotError(slot.id, google.restriction, frozenset({"calendar_id"}))
        if google.of_others:
            raise ReadOnlySlotError(slot.id, Restriction.NOT_ORGANIZER, frozenset({"calendar_id"}))
    if slot.moving_to is not None and not _has_given_up(slot):
        raise SlotMovingError(slot.id, slot.moving_to)


def relocated(slot: Slot, calendar_id: str) -> Slot:
    """The slot with the wish to be in a calendar; what Google does not have moves at once."""
    if slot.google is None and slot.sent is None:
        return replace(slot, calendar_id=calendar_id, moving_to=None, seen_listing=0)
    return replace(slot, moving_to=None if calendar_id == slot.calendar_id else calendar_id, failure=None)


def relocation(edited: Edit, calendar_id: str, *, now: datetime) -> Edit:
    """An edit that also moves the slot: one change with all of it, which is taken back as one."""
    slot, before = edited.slot, edited.slot.wanted_calendar_id
    if not edited.changes:
        slot = replace(slot, version=slot.version + 1, updated_at=now)
    move = {"calendar_id": {"before": before, "after": calendar_id}}
    return Edit(relocated(slot, calendar_id), {**edited.changes, **move})


def arrived(slot: Slot, calendar_id: str) -> Slot:
    """The slot once its event is in a calendar, whose listings have not shown it yet."""
    return replace(slot, calendar_id=calendar_id, moving_to=None, seen_listing=0)


def following_series(exception: Slot, series: Slot) -> Slot:
    """An exception whose series has got, reached or given up another calendar."""
    moved = replace(exception, calendar_id=series.calendar_id, moving_to=series.moving_to)
    if moved.calendar_id != exception.calendar_id:
        moved = replace(moved, seen_listing=0)
    if exception.moving_to is None or series.moving_to is not None:
        return moved
    # What it looked like from here meanwhile may have been what the move left behind.
    return replace(moved, refetch=moved.google is not None, failure=None)


def stayed(slot: Slot, failure: PushFailure) -> Slot:
    """The slot once Google has refused to move it."""
    return replace(slot, moving_to=None, refetch=False, failure=failure)


def _has_given_up(slot: Slot) -> bool:
    """Whether Google refused the move for good."""
    return slot.failure is not None and slot.failure.next_attempt_at is None
