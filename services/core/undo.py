"""Taking a change of a slot back: what is wanted instead, unless somebody changed the same since.

An undo is all or nothing. A field counts as changed since when it no longer holds what the change left; the
fields of a schedule belong together, since half of one may make no sense. What was changed in other fields
stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from services.core.errors import ChangedSinceError
from services.core.slots import SCHEDULE_KEYS, content_from_document, content_to_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.core.records import HistoryEntry, Slot
    from services.core.slots import SlotContent


@dataclass(frozen=True, slots=True)
class BringBack:
    """The change was a deletion."""


@dataclass(frozen=True, slots=True)
class DeleteAgain:
    """The change brought the slot back."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The change was one of fields."""

    fields: Mapping[str, Any]
    """What they held before, as JSON values."""

    @property
    def calendar_id(self) -> str | None:
        """Where the slot was before; `None`: it did not move."""
        return self.fields.get("calendar_id")

    @property
    def recurrence(self) -> tuple[str, ...] | None:
        """The rules before; `None`: they did not change."""
        lines = self.fields.get("recurrence")
        return None if lines is None else tuple(lines)

    def applied_to(self, content: SlotContent) -> SlotContent:
        """The content as it was before the change, its rules aside."""
        document = content_to_document(content)
        own = {name: value for name, value in self.fields.items() if name in document}
        return content_from_document({**document, **own, "recurrence": document["recurrence"]})


Undo: TypeAlias = BringBack | DeleteAgain | Rewrite


def undoing(slot: Slot, entry: HistoryEntry, later: Sequence[HistoryEntry]) -> Undo:
    """What takes a change back.

    Args:
        slot: As it is now.
        entry: The change.
        later: The changes of the slot after it, oldest first.

    Raises:
        ChangedSinceError: The same was changed since.
    """
    current: dict[str, Any] = {
        **content_to_document(slot.content),
        "calendar_id": slot.wanted_calendar_id,
        "deleted": slot.deleted_at is not None,
    }
    left = {name: change["after"] for name, change in entry.fields.items()}
    if "deleted" in left:
        _require_same(slot, entry, {"deleted": left["deleted"]}, current)
        return BringBack() if left["deleted"] else DeleteAgain()
    if not left.keys().isdisjoint(SCHEDULE_KEYS):
        left |= {name: _after(name, later, current) for name in SCHEDULE_KEYS if name not in left}
    _require_same(slot, entry, {**left, "deleted": False}, current)
    return Rewrite({name: change["before"] for name, change in entry.fields.items()})


def _after(name: str, later: Sequence[HistoryEntry], current: Mapping[str, Any]) -> Any:
    """What a field that a change did not touch held after it."""
    return next((each.fields[name]["before"] for each in later if name in each.fields), current[name])


def _require_same(
    slot: Slot, entry: HistoryEntry, left: Mapping[str, Any], current: Mapping[str, Any]
) -> None:
    changed = {
        name: {"left": value, "current": current[name]}
        for name, value in left.items()
        if name in current and current[name] != value
    }
    if changed:
        raise ChangedSinceError(slot.id, entry.seq, changed)
