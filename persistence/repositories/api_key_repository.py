"""Credentials."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select

from persistence.models import api_keys
from services.core.accounts import ApiKey

if TYPE_CHECKING:
    from uuid import UUID

    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(ApiKey))
_ADD = insert(api_keys)
_FIND = select(*(api_keys.c[name] for name in _FIELDS)).where(api_keys.c.id == bindparam("key_id"))


class SqlApiKeyRepository:
    """Implements `ApiKeyRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, key: ApiKey) -> None:
        """Store a new key."""
        await self._connection.fetch(_ADD, {name: getattr(key, name) for name in _FIELDS})

    async def find(self, key_id: UUID) -> ApiKey | None:
        """One key."""
        rows = await self._connection.fetch(_FIND, {"key_id": key_id})
        return ApiKey(*rows[0]) if rows else None
