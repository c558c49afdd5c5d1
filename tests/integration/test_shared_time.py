"""Machines whose clocks differ by more than a lease lasts do not take each other's calendars over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from persistence.database import Database
from persistence.unit_of_work import SqlUnitOfWork
from services.shared_clock import SharedClock
from services.system import SystemClock
from tests.contract.records import some_user

if TYPE_CHECKING:
    from services.core.calendars import Claim
    from services.core.ports import Clock
    from services.core.storage import UnitOfWork

LEASE = timedelta(seconds=90)
AHEAD = timedelta(minutes=10)


class ClockAhead(SystemClock):
    """Of a machine that nobody has set."""

    def now(self) -> datetime:
        return super().now() + AHEAD


async def claim(uow: UnitOfWork, owner: str, clock: Clock) -> Claim | None:
    now = clock.now()
    async with uow() as tx:
        return await tx.calendars.claim(owner=owner, now=now, lease_until=now + LEASE)


async def test_postgres_tells_all_replicas_one_time(postgres_url: str) -> None:
    database = Database(postgres_url)
    try:
        uow = SqlUnitOfWork(database)
        await some_user(uow)
        right, ahead = SharedClock(SystemClock()), SharedClock(ClockAhead())
        for clock in (right, ahead):
            await clock.set_by(database.time)
        assert abs(ahead.now() - right.now()) < timedelta(minutes=1)
        assert await claim(uow, "right", right) is not None
        assert await claim(uow, "ahead", ahead) is None
        taken_over = await claim(uow, "unset", ClockAhead())
        assert taken_over is not None, "an unset clock would do, so the others prove nothing"
    finally:
        await database.dispose()


async def test_sqlite_has_the_time_of_the_machine_that_all_its_processes_share(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    try:
        assert await database.time() is None
    finally:
        await database.dispose()
