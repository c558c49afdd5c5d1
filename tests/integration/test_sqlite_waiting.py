"""A SQLite database that another process holds: whoever waits does so once, and is told to come again."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from typing import TYPE_CHECKING

from persistence.database import Database
from persistence.unit_of_work import SqlUnitOfWork
from services.core.accounts import User
from services.core.errors import DatabaseUnavailableError
from services.system import SystemClock, SystemIds
from tests.api.service import SLOT, problem, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

A_MOMENT = timedelta(milliseconds=200)
MANY = 200
"""Enough that nobody would see the end of it if each waited for a moment after the other."""


@asynccontextmanager
async def held_by_somebody_else(url: str) -> AsyncIterator[None]:
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        # In a thread, since the service may be writing and must be able to finish.
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_many_writers_give_up_together(sqlite_url: str):
    database = Database(sqlite_url, patience=A_MOMENT)
    uow, ids, now = SqlUnitOfWork(database), SystemIds(), SystemClock().now()

    async def write(number: int) -> None:
        async with uow() as tx:
            await tx.users.add(User(ids.uuid(), f"{number}@example.com", None, now))

    async with held_by_somebody_else(sqlite_url), asyncio.timeout(20):
        outcomes = await asyncio.gather(*map(write, range(MANY)), return_exceptions=True)
    assert {type(each) for each in outcomes} == {DatabaseUnavailableError}
    await asyncio.gather(*map(write, range(3)))
    assert database.checked_out() == 0
    await database.dispose()


async def test_requests_are_told_when_to_come_again(sqlite_url: str):
    async with running_service(sqlite_url) as service:
        ada = await service.register()
        database = service.parts.readiness.database
        assert isinstance(database, Database)
        database.patience = A_MOMENT
        async with held_by_somebody_else(sqlite_url):
            refused = await asyncio.gather(*(ada.post("/slots", json=SLOT) for _ in range(5)))
            assert await ada.titles() == []
        for answer in refused:
            problem(answer, 503, "database-unavailable")
            assert answer.headers["retry-after"].isdigit()
        await ada.create()
        assert await ada.titles() == [SLOT["title"]]
