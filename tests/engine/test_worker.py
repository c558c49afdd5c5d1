"""The worker takes what is due, and leaves the store alone when nothing is."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from background.worker import SyncWorker
from services.core.calendars import LONG_AGO, CalendarSync
from services.signals import Signals
from services.sync_engine import SyncEngine
from tests.engine.world import USER, make_world

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from services.core.storage import Transaction, UnitOfWork
    from tests.engine.world import World

NEVER = timedelta(days=1)


class Counted:
    """A store that counts the transactions that may write."""

    def __init__(self, inner: UnitOfWork) -> None:
        self._inner = inner
        self.writing = 0

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        self.writing += 1
        return self._inner()

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        return self._inner.reading()


def worker_of(world: World, uow: UnitOfWork, signals: Signals, *, concurrency: int = 2) -> SyncWorker:
    engine = SyncEngine(
        uow=uow,
        calendars=world.calendars,
        clock=world.clock,
        ids=world.ids,
        policy=world.policy,
        signals=signals,
        replica="three",
    )
    return SyncWorker(
        engine=engine,
        clock=world.clock,
        ids=world.ids,
        signals=signals,
        concurrency=concurrency,
        poll=NEVER,
    )


async def test_a_worker_with_few_places_brings_every_calendar_up_to_date() -> None:
    world = await make_world()
    names = [f"calendar-{number}@group.calendar.google.com" for number in range(5)]
    async with world.uow() as tx:
        for name in names:
            await tx.calendars.add(CalendarSync(user_id=USER, calendar_id=name))
    signals = Signals()
    worker = worker_of(world, world.uow, signals)
    working = asyncio.create_task(worker.run_forever())

    while not await _are_done(world, names):
        await signals.wait_until_changed(NEVER.total_seconds())

    worker.stop(NEVER)
    await working
    assert all([(await world.calendar(name)).lease_owner is None for name in names])


async def _are_done(world: World, names: list[str]) -> bool:
    return all([(await world.calendar(name)).due_at != LONG_AGO for name in names])


async def test_a_worker_that_finds_nothing_due_does_not_write() -> None:
    world = await make_world()
    await world.settle()
    uow, signals = Counted(world.uow), Signals()
    worker = worker_of(world, uow, signals)
    working = asyncio.create_task(worker.run_forever())

    for _ in range(20):
        signals.calendar_due()
        await asyncio.sleep(0)  # noqa: TID251  # the worker's turn

    worker.stop(NEVER)
    await working
    assert uow.writing == 0
