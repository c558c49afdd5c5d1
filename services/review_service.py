"""What waits for a person: conflicts, held deletions, quarantined slots."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from services.core.breaker import close
from services.core.edits import edit, require_editable
from services.core.errors import UnknownConflictError, UnknownHoldError, UnknownSlotError
from services.core.intake import take_in_absence
from services.core.records import Deletion, HistoryEntry
from services.core.slots import content_from_document, content_to_document
from services.sync_run import conflicts_of, history_of
from services.sync_series import let_exceptions_follow

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from services.core.calendars import HoldRecord
    from services.core.policy import LoopPolicy
    from services.core.ports import Clock, Ids
    from services.core.records import ConflictRecord, Slot
    from services.core.slots import SlotContent
    from services.core.storage import Transaction, UnitOfWork
    from services.signals import Signals


class ReviewService:
    """Shows what the sync decided or refused to decide, and carries out what a person says of it."""

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, ids: Ids, signals: Signals, loop_policy: LoopPolicy
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids
        self._signals = signals
        self._loop_policy = loop_policy

    async def conflicts(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[ConflictRecord]:
        """Open conflicts, a page of them."""
        async with self._uow.reading() as tx:
            return await tx.conflicts.page(user_id, after=after, limit=limit)

    async def resolve(
        self, user_id: UUID, conflict_id: UUID, keep: Literal["winner", "loser"]
    ) -> ConflictRecord:
        """Settle a conflict; keeping the loser is an edit like any other, pushed to Google.

        Raises:
            UnknownConflictError: There is no such open conflict.
            UnknownSlotError: The loser cannot be kept, since the slot is deleted by now.
            ReadOnlySlotError: The loser cannot be kept, since only Google can change the slot by now.
        """
        now = self._clock.now()
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            conflict = await tx.conflicts.find(user_id, conflict_id)
            if conflict is None or conflict.resolved_at is not None:
                raise UnknownConflictError(conflict_id)
            resolved = replace(conflict, resolved_at=now, resolution=keep)
            await tx.conflicts.update(resolved)
            slot = await tx.slots.find(user_id, conflict.slot_id)
            if slot is not None:
                await self._store_resolution(tx, slot, resolved, now)
        self._notify(user_id)
        return resolved

    async def holds(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[HoldRecord]:
        """Open holds, a page of them."""
        async with self._uow.reading() as tx:
            return await tx.holds.page(user_id, after=after, limit=limit)

    async def approve(self, user_id: UUID, hold_id: UUID) -> HoldRecord:
        """Let the held deletions happen; a slot that was edited meanwhile survives, as after any deletion.

        Raises:
            UnknownHoldError: There is no such open hold.
        """
        now = self._clock.now()
        async with self._uow() as tx:
            hold = await self._open_hold(tx, user_id, hold_id)
            slots = await tx.slots.held_by(user_id, hold_id)
            intakes = [take_in_absence(slot, now=now, policy=self._loop_policy) for slot in slots]
            saved = [replace(intake.slot, hold_id=None) for intake in intakes]
            await tx.slots.save(saved, history_of(intakes, now))
            await tx.conflicts.add(conflicts_of(intakes, self._ids, now))
            followed = await let_exceptions_follow(tx, intakes, now=now, policy=self._loop_policy)
            seen = [each.intake for each in followed if each.intake is not None]
            await tx.slots.save([each.slot for each in followed], history_of(seen, now))
            return await self._close_hold(tx, hold, "approved", now)

    async def reject(self, user_id: UUID, hold_id: UUID) -> HoldRecord:
        """Keep the held slots and bring them back to Google.

        Raises:
            UnknownHoldError: There is no such open hold.
        """
        now = self._clock.now()
        async with self._uow() as tx:
            hold = await self._open_hold(tx, user_id, hold_id)
            slots = await tx.slots.held_by(user_id, hold_id)
            # Google's copy is looked at first: where it is there after all, nothing needs to come back. Where
            # it is not, its absence counts for nothing, as if it were our own doing.
            await tx.slots.save(
                [replace(slot, hold_id=None, sent=Deletion(slot.sent_content)) for slot in slots]
            )
            rejected = await self._close_hold(tx, hold, "rejected", now)
        self._notify(user_id)
        return rejected

    async def release_quarantine(self, user_id: UUID, slot_id: UUID) -> Slot:
        """Close the circuit breaker of a slot by hand.

        Raises:
            UnknownSlotError: There is no such slot, or it is not quarantined.
        """
        now = self._clock.now()
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            slot = await tx.slots.find(user_id, slot_id)
            if slot is None or slot.quarantined_until is None:
                raise UnknownSlotError(slot_id)
            [saved] = await tx.slots.save([close(slot)])
            await tx.calendars.mark_due(user_id, slot.calendar_id, now=now, pull=False)
        self._notify(user_id)
        return saved

    async def _store_resolution(
        self, tx: Transaction, slot: Slot, conflict: ConflictRecord, now: datetime
    ) -> None:
        seen = replace(slot, open_conflicts=max(slot.open_conflicts - 1, 0))
        if conflict.resolution == "winner":
            await tx.slots.save([seen])
            return
        if slot.deleted_at is not None and conflict.group != "deleted":
            raise UnknownSlotError(slot.id)
        wanted = _with_loser(seen, conflict)
        require_editable(slot, wanted)
        edited = edit(seen, wanted, now=now, policy=self._loop_policy)
        history = HistoryEntry(slot.user_id, slot.id, 0, now, "restore", edited.changes)
        await tx.slots.save([edited.slot], [history] if edited.changes else [])
        await tx.calendars.mark_due(slot.user_id, slot.calendar_id, now=now, pull=False)

    async def _open_hold(self, tx: Transaction, user_id: UUID, hold_id: UUID) -> HoldRecord:
        await tx.users.lock(user_id)
        hold = await tx.holds.find(user_id, hold_id)
        if hold is None or hold.resolved_at is not None:
            raise UnknownHoldError(hold_id)
        return hold

    async def _close_hold(
        self, tx: Transaction, hold: HoldRecord, resolution: Literal["approved", "rejected"], now: datetime
    ) -> HoldRecord:
        closed = replace(hold, resolved_at=now, resolution=resolution)
        await tx.holds.update(closed)
        await tx.calendars.mark_due(hold.user_id, hold.calendar_id, now=now, pull=False)
        return closed

    def _notify(self, user_id: UUID) -> None:
        self._signals.calendar_due()
        self._signals.user_changed(user_id)


def _with_loser(slot: Slot, conflict: ConflictRecord) -> SlotContent | None:
    """The slot's content with the losing value put back; `None` when what lost was a deletion."""
    value: Any = conflict.losing_value
    if conflict.group == "deleted":
        return None if value == "deleted" else slot.content
    document = content_to_document(slot.content)
    if conflict.group == "schedule":
        document.update(value)
    else:
        document[conflict.group] = value
    return content_from_document(document)
