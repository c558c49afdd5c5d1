"""What a run looks up before it compares a slot with an event that it may have outgrown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.descent import descended, may_be_older
from services.core.frozen import replace
from services.core.pushing import Insert

if TYPE_CHECKING:
    from services.core.events import RemoteEvent
    from services.core.pushing import Call
    from services.core.records import Slot
    from services.core.storage import Transaction


async def with_common_past(tx: Transaction, slot: Slot, event: RemoteEvent) -> Slot:
    """The slot as it is to be compared with its event: its base is what both come from, if that is known."""
    if event.content is None or not may_be_older(slot, event.content):
        return slot
    return descended(slot, event.content, await tx.slots.history(slot.user_id, slot.id))


async def unless_taken(tx: Transaction, slot: Slot, call: Call) -> Call:
    """The call; an insert takes nobody's place where the slot's former event is another slot's by now."""
    if not isinstance(call, Insert) or call.instead_of is None:
        return call
    owners = await tx.slots.find_by_events(slot.user_id, slot.calendar_id, [call.instead_of])
    return replace(call, instead_of=None) if owners else call
