"""The change feed in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persistence.repositories.slot_mapper import with_seq
from services.core.changes import ChangedSlot, Reach
from services.core.records import SyncState
from services.core.retention import may_be_forgotten

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from persistence.memory.state import Workspace
    from services.core.records import Slot


class MemoryChangeRepository:
    """Implements `ChangeRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._sequences = workspace.sequences

    async def reach(self, user_id: UUID) -> Reach | None:
        """How far the user's sequence goes; `None`: there is no such user."""
        if user_id not in self._workspace.of("users", user_id):
            return None
        forgotten = self._workspace.of("forgotten", user_id).get(user_id, 0)
        return Reach(self._workspace.last_seq(user_id), forgotten)

    async def page(self, user_id: UUID, *, after: int, deletions_from: int, limit: int) -> list[ChangedSlot]:
        """Slots whose last change is behind `after`, in the order of their numbers."""
        found = [
            slot
            for slot in self._slots(user_id).values()
            if slot.seq > after and (slot.deleted_at is None or slot.seq > deletions_from)
        ]
        appeared = self._workspace.of("appeared", user_id)
        return [
            ChangedSlot(slot, appeared[slot.id]) for slot in sorted(found, key=lambda each: each.seq)[:limit]
        ]

    async def marks(self, user_ids: Collection[UUID]) -> dict[UUID, object]:
        """For each user a value that is another one once slots or the state of a calendar changed."""
        marks: dict[UUID, object] = {}
        for user_id in user_ids:
            if user_id in self._workspace.of("users", user_id):
                calendars = self._workspace.of("calendars", user_id).items()
                runs = (
                    (name, each.status, each.epoch, each.lease_owner, each.done_seq, each.attempts)
                    for name, each in sorted(calendars)
                )
                marks[user_id] = (self._workspace.last_seq(user_id), *runs)
        return marks

    async def holding_calendars(self, user_id: UUID) -> frozenset[str]:
        """The calendars in which deletions are held."""
        slots = self._slots(user_id).values()
        return frozenset(slot.calendar_id for slot in slots if slot.hold_id is not None)

    async def renumber_pending(self, user_id: UUID) -> None:
        """Give pending slots fresh numbers, since how they are shown depends on the account; locked."""
        pending = [slot for slot in self._slots(user_id).values() if slot.sync_state is SyncState.PENDING]
        first = self._sequences.take(user_id, len(pending))
        pending.sort(key=lambda each: (each.seq, each.id))
        rows = self._workspace.to_write("slots", user_id)
        rows.update({slot.id: with_seq(slot, seq) for seq, slot in enumerate(pending, first)})

    async def users_with_forgettable(self, *, deleted_by: datetime, limit: int) -> list[UUID]:
        """Users for whom `forget` has something to do."""
        users = [user_id for user_id, _ in self._workspace.users_with("slots")]
        return [user_id for user_id in users if self._forgettable(user_id, deleted_by)][:limit]

    async def forget(self, user_id: UUID, *, deleted_by: datetime, limit: int) -> int:
        """Purge deleted slots with their history and settled conflicts; the user must be locked."""
        self._sequences.require_lock(user_id)
        gone = self._forgettable(user_id, deleted_by)[:limit]
        if not gone:
            return 0
        for table in ("slots", "appeared", "history"):
            rows = self._workspace.to_write(table, user_id)
            for slot in gone:
                rows.pop(slot.id, None)
        ids = {slot.id for slot in gone}
        known = self._workspace.to_write("conflicts", user_id)
        for conflict_id in [key for key, conflict in known.items() if conflict.slot_id in ids]:
            del known[conflict_id]
        forgotten = self._workspace.to_write("forgotten", user_id)
        forgotten[user_id] = max(forgotten.get(user_id, 0), gone[-1].seq)
        return len(gone)

    def _slots(self, user_id: UUID) -> Mapping[UUID, Slot]:
        return self._workspace.of("slots", user_id)

    def _forgettable(self, user_id: UUID, deleted_by: datetime) -> list[Slot]:
        slots = self._slots(user_id)
        referred = {slot.series.series_id for slot in slots.values() if slot.series is not None}
        found = []
        for slot in slots.values():
            series_id = slot.series.series_id if slot.series is not None else None
            series = slots.get(series_id) if series_id is not None else None
            if may_be_forgotten(slot, series, is_referred_to=slot.id in referred, deleted_by=deleted_by):
                found.append(slot)
        return sorted(found, key=lambda each: each.seq)
