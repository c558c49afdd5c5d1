"""Taking back what a slot's history tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.errors import StaleEditError, UnknownHistoryEntryError
from services.core.undo import BringBack, DeleteAgain, Rewrite, undoing
from services.slot_scopes import SlotAddress, SlotEdit
from services.slot_service import VersionCondition
from services.slot_views import find_entry

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.records import Notify, Slot
    from services.core.storage import UnitOfWork
    from services.core.undo import Undo
    from services.slot_service import SlotService
    from services.slot_views import SlotView

_ATTEMPTS = 5


class UndoService:
    """Undoes single changes; each undo is an edit like any other, pushed to Google and in the history."""

    def __init__(self, *, uow: UnitOfWork, slots: SlotService) -> None:
        self._uow = uow
        self._slots = slots

    async def undo(
        self, user_id: UUID, address: SlotAddress, seq: int, *, notify: Notify = "none"
    ) -> SlotView:
        """Take one change of a slot back.

        Raises:
            UnknownSlotError: There is no such slot.
            UnknownInstanceError: There is no such instance.
            UnknownHistoryEntryError: The slot's history has no such change.
            ChangedSinceError: The same was changed since.
            StaleEditError: The slot changes too fast.
            ReadOnlySlotError: Google does not let the app do that.
            InvalidSlotError: What was before is not possible any more.
        """
        attempt = 1
        while True:
            slot, wanted = await self._decided(user_id, address, seq)
            try:
                return await self._carry_out(slot, wanted, notify)
            except StaleEditError:
                # Somebody edited in between; whether that was the same field is to be seen.
                if attempt == _ATTEMPTS:
                    raise
                attempt += 1

    async def _decided(self, user_id: UUID, address: SlotAddress, seq: int) -> tuple[Slot, Undo]:
        # Locked, so that nobody edits in between where the whole request is one transaction.
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            found = await find_entry(tx, user_id, address, include_deleted=True)
            if found.occurrence is not None:
                # What no exception stands for was never changed.
                raise UnknownHistoryEntryError(found.slot.id, seq)
            slot = found.slot
            history = await tx.slots.history(user_id, slot.id, after=seq - 1)
        if not history or history[0].seq != seq:
            raise UnknownHistoryEntryError(slot.id, seq)
        return slot, undoing(slot, history[0], history[1:])

    async def _carry_out(self, slot: Slot, wanted: Undo, notify: Notify) -> SlotView:
        address = SlotAddress(slot.id)
        condition = VersionCondition(str(slot.version), frozenset({slot.version}))
        match wanted:
            case BringBack():
                return await self._slots.restore(slot.user_id, address, notify=notify)
            case DeleteAgain():
                return await self._slots.delete(slot.user_id, address, notify=notify, condition=condition)
            case Rewrite():
                change = SlotEdit(wanted.applied_to, wanted.calendar_id, wanted.recurrence, notify)
                return await self._slots.edit(slot.user_id, address, change, condition)
