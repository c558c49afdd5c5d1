"""A PostgreSQL that stands still: it is given up after a time, and used again once it goes on."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from persistence.database import Database
from services.core.errors import DatabaseFault, DatabaseUnavailableError
from tests.e2e.postgres import StoppablePostgres, running_postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_MOST_S = 60.0
"""Far more than any part of it may take, far less than for ever."""


@asynccontextmanager
async def notebook() -> AsyncIterator[tuple[Database, StoppablePostgres]]:
    """A database with one table, that gives its server up soon."""
    async with running_postgres() as postgres:
        database = Database(postgres.url, answer_timeout_s=0.5)
        try:
            async with asyncio.timeout(_MOST_S):
                async with database.transaction(writing=True) as connection:
                    await connection.fetch_raw(text("CREATE TABLE noted (number int)"), {})
                yield database, postgres
        finally:
            postgres.thaw()
            await database.dispose()


async def count(database: Database) -> int:
    async with database.transaction(writing=False) as connection:
        return int((await connection.fetch_raw(text("SELECT count(*) FROM noted"), {}))[0][0])


async def note(database: Database, postgres: StoppablePostgres | None = None) -> None:
    """Write, and perhaps let the server stand still before the commit."""
    async with database.transaction(writing=True) as connection:
        await connection.fetch_raw(text("INSERT INTO noted VALUES (1) RETURNING 1"), {})
        if postgres is not None:
            postgres.freeze()


async def test_a_server_that_stands_still_is_given_up_and_used_again_when_it_goes_on() -> None:
    async with notebook() as (database, postgres):
        await note(database)
        postgres.freeze()
        for attempt in (count(database), note(database)):
            with pytest.raises(DatabaseUnavailableError) as refused:
                await attempt
            assert refused.value.fault is DatabaseFault.UNREACHABLE
        assert database.checked_out() == 0
        postgres.thaw()
        assert await count(database) == 1


async def test_a_commit_that_nobody_answers_has_an_unknown_outcome_and_holds_up_nobody() -> None:
    async with notebook() as (database, postgres):
        with pytest.raises(DatabaseUnavailableError):
            await note(database, postgres)
        assert database.checked_out() == 0
        postgres.thaw()
        before = await count(database)
        await note(database)
        assert await count(database) in {before + 1, before + 2}
