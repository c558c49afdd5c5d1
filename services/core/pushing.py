"""What the push phase does next with one slot, decided from the slot alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from services.core.event_ids import event_id_for, slot_id_in
from services.core.records import UNKNOWN_ETAG
from services.core.recurrence import instance_key
from services.core.series import is_ahead, is_gone_with, may_be_lost_by_us, waits_for

if TYPE_CHECKING:
    from services.core.records import Slot
    from services.core.slots import SlotContent


@dataclass(frozen=True, slots=True)
class Nothing:
    """Both sides agree."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Google has to get the series of an exception first."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """An outcome is unknown, or Google's copy may have changed unseen: look before doing anything else."""

    event_id: str


@dataclass(frozen=True, slots=True)
class Locate:
    """The event may have moved: look into the other calendar first, then into its own."""

    event_id: str
    destination: str


@dataclass(frozen=True, slots=True)
class Move:
    """The event is to go to another calendar."""

    event_id: str
    etag: str
    destination: str


@dataclass(frozen=True, slots=True)
class Insert:
    """Google has no event for the slot."""

    event_id: str
    content: SlotContent
    template_event_id: str | None = None
    instead_of: str | None = None
    """The event whose place it takes, which has to be dead still; `None`: it takes nobody's."""


@dataclass(frozen=True, slots=True)
class Revive:
    """Google has a tombstone, and the slot lives."""

    event_id: str
    etag: str
    content: SlotContent


@dataclass(frozen=True, slots=True)
class Patch:
    """Google has an older content."""

    event_id: str
    etag: str
    base: SlotContent
    content: SlotContent


@dataclass(frozen=True, slots=True)
class Delete:
    """Google has what the app deleted."""

    event_id: str
    etag: str


Call: TypeAlias = Nothing | Wait | Fetch | Locate | Move | Insert | Revive | Patch | Delete


def next_call(slot: Slot, series: Slot | None = None) -> Call:
    """The one call to Google that brings the slot further.

    Args:
        slot: A slot; an exception that Google does not have yet is looked up before it is changed.
        series: Of an exception: the slot of its series, if it is known.
    """
    if slot.moving_to is not None or (series is not None and series.moving_to is not None):
        call = _call_while_moving(slot)
        if call is not None:
            return call
    known_id = slot.google.event_id if slot.google else _event_id(slot, series)
    is_unseen = slot.google is None and slot.series is not None
    # What an instance shows is not to be taken for older than its series is here.
    is_too_early = is_unseen and is_ahead(series)
    is_to_come_back = slot.series is not None and slot.base is None and slot.local is not None
    # Before Google has the place of an instance, that there is none says nothing.
    is_too_early |= is_to_come_back and series is not None and waits_for(series)
    is_too_early |= may_be_lost_by_us(slot, series) or is_gone_with(slot, series)
    if slot.sent is not None or slot.refetch:
        return Wait() if known_id is None or is_too_early else Fetch(known_id)
    if slot.local == slot.base:
        return Nothing()
    if known_id is None or (series is not None and waits_for(series)):
        return Wait()
    if is_unseen:
        return Wait() if is_too_early else Fetch(known_id)
    return _write(slot, known_id)


def _call_while_moving(slot: Slot) -> Call | None:
    """Before anything else: an edit or a deletion has to find the event where it is."""
    if slot.series is not None:
        # Its series takes it along.
        return Wait()
    google = slot.google
    if google is None or slot.moving_to is None:
        return None
    if slot.sent is not None or slot.refetch:
        return Locate(google.event_id, slot.moving_to)
    if slot.base is None:
        # What is dead at Google has to come to life before it can move.
        return None
    if google.etag == UNKNOWN_ETAG:
        return Locate(google.event_id, slot.moving_to)
    return Move(google.event_id, google.etag, slot.moving_to)


def _write(slot: Slot, event_id: str) -> Call:
    google, local, base = slot.google, slot.local, slot.base
    if base is None:
        assert local is not None  # noqa: S101  # both absent are equal
        if google is not None and google.etag == UNKNOWN_ETAG:
            return Fetch(google.event_id)
        if google is not None:
            return Revive(google.event_id, google.etag, local)
        return Insert(event_id, local, slot.template_event_id, _former_event_id(slot))
    assert google is not None  # noqa: S101  # a base is agreed on with a copy
    if local is None:
        return Delete(google.event_id, google.etag)
    return Patch(google.event_id, google.etag, base, local)


def is_first_look(call: Call, slot: Slot) -> bool:
    """Whether a call looks up an instance that Google may know of by its series alone."""
    return isinstance(call, Fetch) and slot.series is not None and slot.google is None


def wants_news(call: Call, slot: Slot) -> bool:
    """Whether a call needs the newest that can be known of a series and its exceptions.

    It may take the place of an exception that somebody has just made in Google, and its condition says
    nothing of those, whose versions are their own; or it looks at an instance, which shows the series.
    """
    return is_first_look(call, slot) or takes_places(call, slot)


def takes_places(call: Call, slot: Slot) -> bool:
    """Whether a call moves or ends a series, and so may take places of exceptions away."""
    match call:
        case Patch(base=base, content=content):
            return bool(base.schedule.recurrence) and base.schedule != content.schedule
        case Delete():
            return slot.base is not None and bool(slot.base.schedule.recurrence)
        case Nothing() | Wait() | Fetch() | Locate() | Move() | Insert() | Revive():
            return False


def _former_event_id(slot: Slot) -> str | None:
    """The event that the slot had before its id was spent; `None` where it continues one of another slot."""
    template = slot.template_event_id
    if template is None:
        return None
    # What continues another slot's event was made here.
    return template if slot.source == "google" or slot_id_in(template) == slot.id else None


def _event_id(slot: Slot, series: Slot | None) -> str | None:
    """The id that the slot's event has or will have; `None` while that of its series is not known.

    Source: Calendar API guide, 'Recurring events': an instance is named by its series and its original start.
    """
    if slot.series is None:
        return event_id_for(slot.id, slot.generation)
    if series is None or series.google is None:
        return None
    return f"{series.google.event_id}_{instance_key(slot.series.original_start)}"
