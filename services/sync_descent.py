"""What a run looks up in a slot's history before it takes in an event that the slot may have outgrown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.descent import descended, may_be_older

if TYPE_CHECKING:
    from services.core.events import RemoteEvent
    from services.core.records import Slot
    from services.core.storage import Transaction


async def with_common_past(tx: Transaction, slot: Slot, event: RemoteEvent) -> Slot:
    """The slot as it is to be compared with its event: its base is what both come from, if that is known."""
    if event.content is None or not may_be_older(slot, event.content):
        return slot
    return descended(slot, event.content, await tx.slots.history(slot.user_id, slot.id))
