"""Answers to requests that may come again, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.frozen import replace

if TYPE_CHECKING:
    from datetime import datetime

    from persistence.memory.state import Workspace
    from services.core.idempotency import IdempotencyRecord


class MemoryIdempotencyRepository:
    """Implements `IdempotencyRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def claim(self, record: IdempotencyRecord) -> IdempotencyRecord | None:
        """Store the record unless there is one of this user, route and key that has not expired."""
        found = self._find(record)
        if found is not None and found.expires_at > record.created_at:
            return found
        self._put(record)
        return None

    async def set_answer(self, record: IdempotencyRecord) -> None:
        """Replace the answer of a record, if it is still there."""
        found = self._find(record)
        if found is not None:
            self._put(replace(found, answer=record.answer))

    async def remove_expired(self, now: datetime) -> None:
        """Forget what nobody can ask for any more."""
        expired = [
            record
            for _, rows in self._workspace.users_with("idempotency")
            for record in rows.values()
            if record.expires_at <= now
        ]
        for record in expired:
            del self._workspace.to_write("idempotency", record.user_id)[record.route, record.key]

    def _find(self, record: IdempotencyRecord) -> IdempotencyRecord | None:
        return self._workspace.of("idempotency", record.user_id).get((record.route, record.key))

    def _put(self, record: IdempotencyRecord) -> None:
        self._workspace.to_write("idempotency", record.user_id)[record.route, record.key] = record
