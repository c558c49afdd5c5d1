"""What tells a wrong secret key."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from persistence.models import key_canaries
from services.core.accounts import KeyCanary

if TYPE_CHECKING:
    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(KeyCanary))
_ALL = select(*(key_canaries.c[name] for name in _FIELDS))
_ADD = insert(key_canaries).on_conflict_do_nothing(index_elements=["key_id"])
_REMOVE_OTHERS = delete(key_canaries).where(key_canaries.c.key_id != bindparam("kept"))


class SqlKeyCanaryRepository:
    """Implements `KeyCanaryRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def all(self) -> list[KeyCanary]:
        """All of them, in the order of their key ids."""
        rows = await self._connection.fetch(_ALL, {})
        # Databases put texts in orders of their own.
        return sorted((KeyCanary(*row) for row in rows), key=lambda canary: canary.key_id)

    async def add(self, canary: KeyCanary) -> None:
        """Store a canary; one that is there for the same key stays."""
        await self._connection.fetch(_ADD, {name: getattr(canary, name) for name in _FIELDS})

    async def remove_others(self, key_id: str) -> None:
        """Forget the canaries of all other keys."""
        await self._connection.fetch(_REMOVE_OTHERS, {"kept": key_id})
