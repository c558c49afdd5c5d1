"""What the push phase does next with one slot, decided from the slot alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from services.core.event_ids import event_id_for
from services.core.records import UNKNOWN_ETAG

if TYPE_CHECKING:
    from services.core.records import Slot
    from services.core.slots import SlotContent


@dataclass(frozen=True, slots=True)
class Nothing:
    """Both sides agree."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """An outcome is unknown, or Google's copy may have changed unseen: look before doing anything else."""

    event_id: str


@dataclass(frozen=True, slots=True)
class Insert:
    """Google has no event for the slot."""

    event_id: str
    content: SlotContent


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


Call: TypeAlias = Nothing | Fetch | Insert | Revive | Patch | Delete


def next_call(slot: Slot) -> Call:
    """The one call to Google that brings the slot further."""
    google, local, base = slot.google, slot.local, slot.base
    if slot.sent is not None or slot.refetch:
        return Fetch(google.event_id if google else event_id_for(slot.id, slot.generation))
    if local == base:
        return Nothing()
    if base is None:
        assert local is not None  # noqa: S101  # both absent are equal
        if google is not None and google.etag == UNKNOWN_ETAG:
            return Fetch(google.event_id)
        if google is not None:
            return Revive(google.event_id, google.etag, local)
        return Insert(event_id_for(slot.id, slot.generation), local)
    assert google is not None  # noqa: S101  # a base is agreed on with a copy
    if local is None:
        return Delete(google.event_id, google.etag)
    return Patch(google.event_id, google.etag, base, local)
