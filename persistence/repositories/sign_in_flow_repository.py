"""Attempts to sign in with Google."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert

from persistence.models import sign_in_flows
from services.core.accounts import SignInFlow

if TYPE_CHECKING:
    from datetime import datetime

    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(SignInFlow))
_t = sign_in_flows.c
_ADD = insert(sign_in_flows)
_CONSUME = (
    delete(sign_in_flows)
    .where(_t.state_hash == bindparam("state"), _t.expires_at > bindparam("now"))
    .returning(*(_t[name] for name in _FIELDS))
)
_REMOVE_EXPIRED = delete(sign_in_flows).where(_t.expires_at <= bindparam("now"))


class SqlSignInFlowRepository:
    """Implements `SignInFlowRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, flow: SignInFlow) -> None:
        """Store a new flow."""
        await self._connection.fetch(_ADD, {name: getattr(flow, name) for name in _FIELDS})

    async def consume(self, state_hash: str, *, now: datetime) -> SignInFlow | None:
        """Take the flow out of the store, once; `None` if unknown, used or old."""
        rows = await self._connection.fetch(_CONSUME, {"state": state_hash, "now": now})
        return SignInFlow(*rows[0]) if rows else None

    async def remove_expired(self, now: datetime) -> None:
        """Forget flows that nobody finished."""
        await self._connection.fetch(_REMOVE_EXPIRED, {"now": now})
