"""The real engine over a SQLite file and real HTTP, without the web application around it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from persistence import migrations
from persistence.database import Database
from persistence.unit_of_work import SqlUnitOfWork
from services.calendar_service import CalendarService
from services.core.accounts import AccountStatus, GoogleAccount, User
from services.core.calendars import CalendarSync
from services.core.policy import SyncPolicy
from services.google.quota import QuotaPacer, QuotaPolicy
from services.google.requests import CalendarRequests
from services.google.transport import AiohttpTransport, GuardedTransport, HttpRequest
from services.signals import Signals
from services.sync_engine import SyncEngine
from services.system import SystemClock, SystemIds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path
    from uuid import UUID

CALENDAR = "primary"


class GivenTokens:
    """Access tokens that were drawn before, by user."""

    def __init__(self) -> None:
        self.tokens: dict[UUID, str] = {}

    async def access_token(self, user_id: UUID) -> str:
        """The user's token."""
        return self.tokens[user_id]

    async def address(self, user_id: UUID) -> None:
        """Nobody answers an invitation here."""

    def invalidate(self, user_id: UUID, token: str) -> None:
        """Nothing replaces a token here."""

    def are_of_one_grant(self, user_id: UUID, token: str, other: str) -> bool:
        """There is but one."""
        del user_id, token, other
        return True

    async def refuse_grant(self, user_id: UUID, token: str, reason: str) -> None:
        """No token lacks a scope here."""


@dataclass(frozen=True, slots=True)
class World:
    """An engine and the users it works for."""

    engine: SyncEngine
    uow: SqlUnitOfWork
    clock: SystemClock
    users: Mapping[str, UUID]

    async def sync(self, email: str) -> CalendarSync:
        """Let the user's calendar be listed now, and return it as it is afterwards.

        Raises:
            RuntimeError: The run failed.
        """
        user_id = self.users[email]
        async with self.uow() as tx:
            await tx.calendars.mark_due(user_id, CALENDAR, now=self.clock.now(), pull=True)
        await self.run_claimed(email)
        return await self.calendar(email)

    async def run_claimed(self, email: str) -> None:
        """One run, which must be this user's.

        Raises:
            RuntimeError: Nothing or another calendar was due.
        """
        claim = await self.engine.claim()
        if claim is None or claim.user_id != self.users[email]:
            raise RuntimeError("another calendar is due")
        await self.engine.run(claim)

    async def calendar(self, email: str) -> CalendarSync:
        """The state of the user's calendar.

        Raises:
            RuntimeError: Its last run failed.
        """
        async with self.uow.reading() as tx:
            found = await tx.calendars.find(self.users[email], CALENDAR)
        if found is None or found.last_error is not None:
            raise RuntimeError(f"the run failed: {found and found.last_error}")
        return found


@asynccontextmanager
async def engine_world(url: str, database: Path, tokens: Mapping[str, str]) -> AsyncIterator[World]:
    """An engine over a fresh database.

    Args:
        url: Of the simulator.
        database: The file.
        tokens: Access tokens by e-mail; each is a user who has never been synced.
    """
    database_url = f"sqlite:///{database}"
    await migrations.upgrade(database_url)
    store, network, given = Database(database_url), AiohttpTransport(), GivenTokens()
    clock, ids, uow = SystemClock(), SystemIds(), SqlUnitOfWork(store)
    calendars = CalendarService(
        transport=GuardedTransport(network),
        tokens=given,
        clock=clock,
        pacer=QuotaPacer(clock=clock, policy=QuotaPolicy()),
        api_root=url,
        # As in a service that has run for a while: modules are loaded and a connection is open.
        requests=CalendarRequests.load(url),
    )
    await network.send(HttpRequest("GET", f"{url}/"))
    users: dict[str, UUID] = {}
    for email, token in tokens.items():
        user_id = users[email] = ids.uuid()
        given.tokens[user_id] = token
        async with uow() as tx:
            await tx.users.add(User(user_id, email, None, clock.now()))
            await tx.accounts.save(
                GoogleAccount(user_id, email, email, (), AccountStatus.CONNECTED, "none", clock.now())
            )
            # Due by `World.sync` only, so that each run is the one that is measured.
            await tx.calendars.add(CalendarSync(user_id=user_id, calendar_id=CALENDAR, due_at=_never(clock)))
    engine = SyncEngine(
        uow=uow,
        calendars=calendars,
        clock=clock,
        ids=ids,
        policy=SyncPolicy(),
        signals=Signals(),
        replica="benchmark",
    )
    try:
        yield World(engine, uow, clock, users)
    finally:
        await network.aclose()
        await store.dispose()


def _never(clock: SystemClock) -> datetime:
    return clock.now() + timedelta(days=365)
