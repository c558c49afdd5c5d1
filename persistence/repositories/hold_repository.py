"""Held mass deletions."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, insert, select, update

from persistence.models import deletion_holds
from services.core.calendars import HoldRecord

if TYPE_CHECKING:
    from uuid import UUID

    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(HoldRecord))
_t = deletion_holds.c
_HOLDS = select(*(_t[name] for name in _FIELDS))
_ONE = and_(_t.user_id == bindparam("of_user"), _t.id == bindparam("of_hold"))
_ADD = insert(deletion_holds)
_FIND = _HOLDS.where(_ONE)
_PAGE = (
    _HOLDS.where(_t.user_id == bindparam("of_user"), _t.resolved_at.is_(None))
    .order_by(_t.id)
    .limit(bindparam("limit"))
)
_PAGE_AFTER = _PAGE.where(_t.id > bindparam("after"))
_UPDATE = (
    update(deletion_holds)
    .where(_ONE)
    .values(
        {
            name: bindparam(f"new_{name}", type_=_t[name].type)
            for name in _FIELDS
            if name not in ("user_id", "id")
        }
    )
)


class SqlHoldRepository:
    """Implements `HoldRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, hold: HoldRecord) -> None:
        """Store a new hold."""
        await self._connection.fetch(_ADD, _row(hold))

    async def find(self, user_id: UUID, hold_id: UUID) -> HoldRecord | None:
        """One hold, open or resolved."""
        rows = await self._connection.fetch(_FIND, {"of_user": user_id, "of_hold": hold_id})
        return HoldRecord(*rows[0]) if rows else None

    async def page(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[HoldRecord]:
        """Open holds in the order of their ids."""
        statement = _PAGE if after is None else _PAGE_AFTER
        rows = await self._connection.fetch(statement, {"of_user": user_id, "after": after, "limit": limit})
        return [HoldRecord(*row) for row in rows]

    async def update(self, hold: HoldRecord) -> None:
        """Replace a hold."""
        row = {f"new_{name}": value for name, value in _row(hold).items()}
        await self._connection.fetch(_UPDATE, row | {"of_user": hold.user_id, "of_hold": hold.id})


def _row(hold: HoldRecord) -> dict[str, Any]:
    return {name: getattr(hold, name) for name in _FIELDS}
