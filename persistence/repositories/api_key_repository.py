"""API keys."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from persistence.models import api_keys
from services.core.accounts import ApiKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(ApiKey))
_t = api_keys.c
_KEYS = select(*(_t[name] for name in _FIELDS))
_OWN = _t.user_id == bindparam("owner")
_ADD = insert(api_keys)
_FIND = _KEYS.where(_t.id == bindparam("key_id"))
_PAGE = _KEYS.where(_OWN).order_by(_t.id).limit(bindparam("limit"))
_PAGE_AFTER = _PAGE.where(_t.id > bindparam("after"))
_COUNT = select(func.count()).select_from(api_keys).where(_OWN)
_NOTE_USED = update(api_keys).where(_OWN, _t.id == bindparam("key_id")).values(last_used_at=bindparam("now"))
_REMOVE_ALL = delete(api_keys).where(_OWN)
_REMOVE = _REMOVE_ALL.where(_t.id == bindparam("key_id")).returning(_t.id)


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

    async def page(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[ApiKey]:
        """The user's keys in the order of their ids, expired ones too."""
        params: Mapping[str, Any] = {"owner": user_id, "after": after, "limit": limit}
        rows = await self._connection.fetch(_PAGE if after is None else _PAGE_AFTER, params)
        return [ApiKey(*row) for row in rows]

    async def count(self, user_id: UUID) -> int:
        """How many keys the user has, expired ones too."""
        rows = await self._connection.fetch(_COUNT, {"owner": user_id})
        return int(rows[0][0])

    async def note_used(self, key: ApiKey, *, now: datetime) -> None:
        """Set `last_used_at`, unless the key was removed meanwhile."""
        await self._connection.fetch(_NOTE_USED, {"owner": key.user_id, "key_id": key.id, "now": now})

    async def remove(self, user_id: UUID, key_id: UUID) -> bool:
        """Forget one of the user's keys; whether there was such a one."""
        return bool(await self._connection.fetch(_REMOVE, {"owner": user_id, "key_id": key_id}))

    async def remove_all(self, user_id: UUID) -> None:
        """Forget all keys of the user."""
        await self._connection.fetch(_REMOVE_ALL, {"owner": user_id})
