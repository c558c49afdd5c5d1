"""Answers to requests that may come again."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from persistence.models import idempotency_keys
from services.core.idempotency import IdempotencyRecord

if TYPE_CHECKING:
    from datetime import datetime

    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(IdempotencyRecord))
_PRIMARY_KEY = ("user_id", "route", "key")
_t = idempotency_keys.c
_ONE = and_(*(_t[name] == bindparam(f"of_{name}") for name in _PRIMARY_KEY))
_insert = insert(idempotency_keys)
# On a conflict PostgreSQL waits for the other transaction, and locks the row even where it leaves it alone.
_CLAIM = _insert.on_conflict_do_update(
    index_elements=_PRIMARY_KEY,
    set_={name: _insert.excluded[name] for name in _FIELDS if name not in _PRIMARY_KEY},
    where=_t.expires_at <= _insert.excluded.created_at,
).returning(_t.key)
_FIND = select(*(_t[name] for name in _FIELDS)).where(_ONE)
_SET_ANSWER = update(idempotency_keys).where(_ONE).values(answer=bindparam("new_answer"))
_REMOVE_EXPIRED = delete(idempotency_keys).where(_t.expires_at <= bindparam("now"))


class SqlIdempotencyRepository:
    """Implements `IdempotencyRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, record: IdempotencyRecord) -> IdempotencyRecord | None:
        """Store the record unless there is one of this user, route and key that has not expired."""
        if await self._connection.fetch(_CLAIM, {name: getattr(record, name) for name in _FIELDS}):
            return None
        [found] = await self._connection.fetch(_FIND, _place(record))
        return IdempotencyRecord(*found)

    async def set_answer(self, record: IdempotencyRecord) -> None:
        """Replace the answer of a record, if it is still there."""
        await self._connection.fetch(_SET_ANSWER, _place(record) | {"new_answer": record.answer})

    async def remove_expired(self, now: datetime) -> None:
        """Forget what nobody can ask for any more."""
        await self._connection.fetch(_REMOVE_EXPIRED, {"now": now})


def _place(record: IdempotencyRecord) -> dict[str, Any]:
    return {f"of_{name}": getattr(record, name) for name in _PRIMARY_KEY}
