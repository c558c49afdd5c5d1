"""Signed-in browsers."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from persistence.models import sessions
from services.core.accounts import Session

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(Session))
_CHANGING = ("secret_hash", "previous_hash", "rotated_at", "last_used_at", "expires_at")
_t = sessions.c
_OWN = _t.user_id == bindparam("owner")
_ONE = _t.id == bindparam("session_id")
_ADD = insert(sessions)
_FIND = select(*(_t[name] for name in _FIELDS)).where(_ONE)
_REPLACE = (
    update(sessions)
    .where(_OWN, _ONE, _t.secret_hash == bindparam("seen"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGING})
    .returning(_t.id)
)
_REMOVE_ALL = delete(sessions).where(_OWN)
_REMOVE = _REMOVE_ALL.where(_ONE)
_REMOVE_EXPIRED = delete(sessions).where(_t.expires_at <= bindparam("now"))


class SqlSessionRepository:
    """Implements `SessionRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, session: Session) -> None:
        """Store a new session."""
        await self._connection.fetch(_ADD, {name: getattr(session, name) for name in _FIELDS})

    async def find(self, session_id: UUID) -> Session | None:
        """One session, expired or not."""
        rows = await self._connection.fetch(_FIND, {"session_id": session_id})
        return Session(*rows[0]) if rows else None

    async def replace(self, session: Session, *, secret_hash: str) -> bool:
        """Replace the session if its secret is still the one with this hash; whether it was."""
        new = {f"new_{name}": getattr(session, name) for name in _CHANGING}
        which = {"owner": session.user_id, "session_id": session.id, "seen": secret_hash}
        return bool(await self._connection.fetch(_REPLACE, which | new))

    async def remove(self, user_id: UUID, session_id: UUID) -> None:
        """Forget one of the user's sessions, if there is such a one."""
        await self._connection.fetch(_REMOVE, {"owner": user_id, "session_id": session_id})

    async def remove_all(self, user_id: UUID) -> None:
        """Forget all sessions of the user."""
        await self._connection.fetch(_REMOVE_ALL, {"owner": user_id})

    async def remove_expired(self, now: datetime) -> None:
        """Forget sessions that have ended."""
        await self._connection.fetch(_REMOVE_EXPIRED, {"now": now})
