"""What an event that only an insert of ours can have made says of the slot that it is to belong to.

An insert that was given up may arrive all the same, after the slot was edited. What the event holds then, the
slot held before: whoever edited it since had seen that, so it is no edit of somebody else's. The slot's
history tells, where no date can: Google dates the arrival, which is later than the edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.frozen import replace
from services.core.slots import (
    SlotContent,
    client_name,
    content_from_document,
    content_to_document,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from services.core.records import HistoryEntry, Slot
    from services.core.slots import FieldGroup


def may_be_older(slot: Slot, remote: SlotContent | None) -> bool:
    """Whether an event under the slot's own id may be of before the slot's last edits."""
    if slot.base is not None or slot.google is not None or slot.series is not None:
        return False
    if slot.local is None or remote is None or slot.local == remote:
        return False
    # Clocks differ, so an edit may bear the earlier date.
    return any(at != slot.created_at for at in slot.edited_at.values())


def descended(slot: Slot, remote: SlotContent, history: Iterable[HistoryEntry]) -> Slot:
    """The slot with what it and its event have in common as its base.

    Args:
        slot: Of which `may_be_older` is true.
        remote: What its event has.
        history: Of the slot, oldest first.

    Returns:
        The slot as it is where its history does not tell of all its edits.
    """
    past = _past(slot, history)
    base = remote
    for group in slot.content.changed_groups(remote):
        known = _common_value(slot, remote, past, group)
        if known is None:
            return slot
        base = base.taking((group,), known)
    return replace(slot, base=base)


def _common_value(
    slot: Slot, remote: SlotContent, past: Sequence[SlotContent], group: FieldGroup
) -> SlotContent | None:
    """A content with what both sides come from in a group; `None`: that is not known."""
    now = getattr(slot.content, group)
    before = [each for each in past if getattr(each, group) != now]
    if any(getattr(each, group) == getattr(remote, group) for each in before):
        return remote
    if before:
        # Both sides have edited it since.
        return before[0]
    was_edited = slot.edited_at.get(group, slot.created_at) != slot.created_at
    return None if was_edited else slot.content


def _past(slot: Slot, history: Iterable[HistoryEntry]) -> list[SlotContent]:
    """What the slot held before, newest first."""
    document = content_to_document(slot.content)
    names = {client_name(name): name for name in document}
    past = []
    for entry in reversed(list(history)):
        document = {**document, **_undone(entry, names)}
        past.append(content_from_document(document))
    return past


def _undone(entry: HistoryEntry, names: Mapping[str, str]) -> dict[str, Any]:
    return {names[client]: change["before"] for client, change in entry.fields.items() if client in names}
