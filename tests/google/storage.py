"""As much storage as linking accounts needs; every transaction is marked as the real ones are."""

from __future__ import annotations

from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from services.core.boundary import transaction_open
from services.core.errors import UnknownUserError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from uuid import UUID

    from services.core.accounts import GoogleAccount, OAuthFlow, User
    from services.core.calendars import CalendarStatus
    from services.core.storage import UnitOfWork


class _Accounts(dict[Any, Any]):
    async def find(self, user_id: UUID) -> GoogleAccount | None:
        return self.get(user_id)

    async def save(self, account: GoogleAccount) -> None:
        self[account.user_id] = account


class _Users(dict[Any, Any]):
    async def find(self, user_id: UUID) -> User | None:
        return self.get(user_id)

    async def lock(self, user_id: UUID) -> None:
        if user_id not in self:
            raise UnknownUserError(user_id)


class _Flows(dict[Any, Any]):
    async def add(self, flow: OAuthFlow) -> None:
        self[flow.id] = flow

    async def open(
        self, ticket_hash: str, *, state_hash: str, browser_hash: str, now: datetime
    ) -> OAuthFlow | None:
        for flow in self.values():
            if flow.ticket_hash == ticket_hash and flow.browser_hash is None and now < flow.expires_at:
                self[flow.id] = replace(flow, state_hash=state_hash, browser_hash=browser_hash)
                return cast("OAuthFlow", self[flow.id])
        return None

    async def consume(self, state_hash: str, *, now: datetime) -> OAuthFlow | None:
        for flow in self.values():
            if flow.state_hash == state_hash and flow.browser_hash is not None and now < flow.expires_at:
                return cast("OAuthFlow", self.pop(flow.id))
        return None

    async def remove_expired(self, now: datetime) -> None:
        for flow in list(self.values()):
            if flow.expires_at <= now:
                del self[flow.id]


class _Calendars(dict[Any, Any]):
    async def set_status(self, user_id: UUID, status: CalendarStatus, *, now: datetime) -> None:
        self[user_id] = (status, now)


class SmallStorage:
    """A unit of work: rolls back on an error, and never lets go of the loop inside a transaction."""

    def __init__(self) -> None:
        self.users, self.accounts = _Users(), _Accounts()
        self.flows, self.calendars = _Flows(), _Calendars()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[SmallStorage]:
        before = [copy(each) for each in (self.users, self.accounts, self.flows, self.calendars)]
        with transaction_open():
            try:
                yield self
            except BaseException:
                self.users, self.accounts, self.flows, self.calendars = before
                raise

    def reading(self) -> Any:
        return self()

    @property
    def uow(self) -> UnitOfWork:
        return cast("UnitOfWork", self)
