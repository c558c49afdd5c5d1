"""Losing values that wait to be seen."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, insert, select, update

from persistence.models import conflicts
from services.core.records import ConflictRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(ConflictRecord))
_t = conflicts.c
_CONFLICTS = select(*(_t[name] for name in _FIELDS))
_ONE = and_(_t.user_id == bindparam("of_user"), _t.id == bindparam("of_conflict"))
_ADD = insert(conflicts)
_FIND = _CONFLICTS.where(_ONE)
_PAGE = (
    _CONFLICTS.where(_t.user_id == bindparam("of_user"), _t.resolved_at.is_(None))
    .order_by(_t.id)
    .limit(bindparam("limit"))
)
_PAGE_AFTER = _PAGE.where(_t.id > bindparam("after"))
_UPDATE = (
    update(conflicts)
    .where(_ONE)
    .values(
        {
            name: bindparam(f"new_{name}", type_=_t[name].type)
            for name in _FIELDS
            if name not in ("user_id", "id")
        }
    )
)


class SqlConflictRepository:
    """Implements `ConflictRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, conflicts: Sequence[ConflictRecord]) -> None:
        """Store new conflicts."""
        for conflict in conflicts:
            await self._connection.fetch(_ADD, _row(conflict))

    async def find(self, user_id: UUID, conflict_id: UUID) -> ConflictRecord | None:
        """One conflict, open or resolved."""
        rows = await self._connection.fetch(_FIND, {"of_user": user_id, "of_conflict": conflict_id})
        return ConflictRecord(*rows[0]) if rows else None

    async def page(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[ConflictRecord]:
        """Open conflicts in the order of their ids."""
        statement = _PAGE if after is None else _PAGE_AFTER
        rows = await self._connection.fetch(statement, {"of_user": user_id, "after": after, "limit": limit})
        return [ConflictRecord(*row) for row in rows]

    async def update(self, conflict: ConflictRecord) -> None:
        """Replace a conflict."""
        row = {f"new_{name}": value for name, value in _row(conflict).items()}
        await self._connection.fetch(_UPDATE, row | {"of_user": conflict.user_id, "of_conflict": conflict.id})


def _row(conflict: ConflictRecord) -> dict[str, Any]:
    return {name: getattr(conflict, name) for name in _FIELDS}
