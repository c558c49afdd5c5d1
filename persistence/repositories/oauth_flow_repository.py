"""Attempts to connect Google."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, update

from persistence.models import oauth_flows
from services.core.accounts import OAuthFlow

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(OAuthFlow))
_t = oauth_flows.c
_COLUMNS = tuple(_t[name] for name in _FIELDS)
_ADD = insert(oauth_flows)
_OPEN = (
    update(oauth_flows)
    .where(_t.ticket_hash == bindparam("ticket"), _t.browser_hash.is_(None), _t.expires_at > bindparam("now"))
    .values(state_hash=bindparam("new_state"), browser_hash=bindparam("new_browser"))
    .returning(*_COLUMNS)
)
_CONSUME = (
    delete(oauth_flows)
    .where(
        _t.state_hash == bindparam("state"), _t.browser_hash.is_not(None), _t.expires_at > bindparam("now")
    )
    .returning(*_COLUMNS)
)
_REMOVE_ALL = delete(oauth_flows).where(_t.user_id == bindparam("owner"))
_REMOVE_EXPIRED = delete(oauth_flows).where(_t.expires_at <= bindparam("now"))


class SqlOAuthFlowRepository:
    """Implements `OAuthFlowRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, flow: OAuthFlow) -> None:
        """Store a new flow."""
        await self._connection.fetch(_ADD, {name: getattr(flow, name) for name in _FIELDS})

    async def open(
        self, ticket_hash: str, *, state_hash: str, browser_hash: str, now: datetime
    ) -> OAuthFlow | None:
        """Use up the ticket once: bind the flow to a browser and a state; `None` if unknown, used or old."""
        rows = await self._connection.fetch(
            _OPEN, {"ticket": ticket_hash, "new_state": state_hash, "new_browser": browser_hash, "now": now}
        )
        return OAuthFlow(*rows[0]) if rows else None

    async def consume(self, state_hash: str, *, now: datetime) -> OAuthFlow | None:
        """Take the opened flow out of the store, once; `None` if unknown, used or old."""
        rows = await self._connection.fetch(_CONSUME, {"state": state_hash, "now": now})
        return OAuthFlow(*rows[0]) if rows else None

    async def remove_all(self, user_id: UUID) -> None:
        """Forget all flows of the user."""
        await self._connection.fetch(_REMOVE_ALL, {"owner": user_id})

    async def remove_expired(self, now: datetime) -> None:
        """Forget flows that nobody finished."""
        await self._connection.fetch(_REMOVE_EXPIRED, {"now": now})
