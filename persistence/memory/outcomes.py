"""Conflicts and holds in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from persistence.failures import ConstraintError
from services.core.calendars import HoldRecord
from services.core.records import ConflictRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from persistence.memory.state import Workspace

_Record = TypeVar("_Record", ConflictRecord, HoldRecord)


class _Resolvable(Generic[_Record]):
    _table: str

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def find(self, user_id: UUID, record_id: UUID, /) -> _Record | None:
        """One, open or resolved."""
        return self._workspace.of(self._table, user_id).get(record_id)

    async def page(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[_Record]:
        """Open ones in the order of their ids."""
        found: list[_Record] = [
            record
            for record_id, record in sorted(self._workspace.of(self._table, user_id).items())
            if record.resolved_at is None and (after is None or record_id > after)
        ]
        return found[:limit]

    async def update(self, record: _Record, /) -> None:
        """Replace one."""
        if record.id in self._workspace.of(self._table, record.user_id):
            self._workspace.to_write(self._table, record.user_id)[record.id] = record

    def _insert(self, record: _Record) -> None:
        rows = self._workspace.to_write(self._table, record.user_id)
        if record.id in rows:
            raise ConstraintError(self._table)
        rows[record.id] = record


class MemoryConflictRepository(_Resolvable[ConflictRecord]):
    """Implements `ConflictRepository`."""

    _table = "conflicts"

    async def add(self, conflicts: Sequence[ConflictRecord]) -> None:
        """Store new conflicts."""
        for conflict in conflicts:
            self._insert(conflict)


class MemoryHoldRepository(_Resolvable[HoldRecord]):
    """Implements `HoldRepository`."""

    _table = "holds"

    async def add(self, hold: HoldRecord) -> None:
        """Store a new hold."""
        self._insert(hold)
