"""Engines and connections, from one URL.

SQLite: one writing connection per process behind a lock (the busy handler of SQLite is an unfair poll) and
several reading ones. PostgreSQL: one pool. Parameters of statements never reach a log.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, event, exc, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from persistence import migrations
from persistence.connection import PostgresConnection, SqliteConnection
from persistence.failures import translated
from persistence.sqlite import PATIENCE, ReadingConnection, WritingConnection, limit_wait, opener
from persistence.types import UtcDateTime
from persistence.urls import database_url
from services.core.errors import DatabaseFault, DatabaseUnavailableError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator
    from datetime import datetime, timedelta

    from persistence.sqlite import Opener
_SQLITE_READERS = 4
_POSTGRES_POOL = 10
_POSTGRES_OVERFLOW = 10
_CHECKOUT_TIMEOUT_S = 15.0
_CONNECT_TIMEOUT_S = 10.0
_STATEMENT_TIMEOUT_MS = 30_000
_ANSWER_TIMEOUT_S = 40.0
"""How long PostgreSQL is waited for: longer than it takes itself to give up a statement, so that only a
server that does nothing at all is given up."""
_FAREWELL_S = 5.0
"""How long a rollback may take; a connection that takes longer is cut."""
_LOCK_TIMEOUT_MS = 15_000
_IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000
_TIME = select(func.clock_timestamp(type_=UtcDateTime()))


@dataclass(frozen=True, slots=True)
class MigrationState:
    """Where a database stands."""

    current: str | None
    """`None`: never migrated."""
    head: str

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to migrate."""
        return self.current == self.head


class Database:
    """The engines of one database; opens nothing before it is used."""

    def __init__(
        self,
        url: str,
        *,
        patience: timedelta = PATIENCE,
        answer_timeout_s: float = _ANSWER_TIMEOUT_S,
        opened_by: Opener = opener,
    ) -> None:
        """Make the engines of `url`.

        Args:
            url: As operators write it.
            patience: How long a transaction on SQLite waits until it may write; PostgreSQL has limits of its
                own.
            answer_timeout_s: How long PostgreSQL is waited for in one statement.
            opened_by: What opens connections of SQLite.

        Raises:
            ValueError: The URL names no database that is supported.
        """
        self.patience = patience
        self.url = database_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._write_lock = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        if self.is_sqlite:
            self._writer = _sqlite_engine(self.url, WritingConnection, opened_by, pool_size=1)
            self._reader = _sqlite_engine(self.url, ReadingConnection, opened_by, pool_size=_SQLITE_READERS)
        else:
            self._writer = self._reader = _postgres_engine(self.url, answer_timeout_s)

    @asynccontextmanager
    async def transaction(self, *, writing: bool) -> AsyncIterator[SqliteConnection | PostgresConnection]:
        """A connection in a transaction; commits on a clean exit, rolls back otherwise.

        Whatever happens to the task, the connection is rolled back and given back (or thrown away) before
        anybody else can have it.

        Raises:
            DatabaseUnavailableError: There was no connection, or no leave to write, in time.
        """
        locked = writing and self.is_sqlite
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.patience.total_seconds()
        if locked:
            await self._take_write_lock(deadline)
        try:
            pooled = await self._connect(self._writer if writing else self._reader)
        except BaseException:
            if locked:
                self._write_lock.release()
            raise
        connection: SqliteConnection | PostgresConnection | None = None
        finished = False
        try:
            driver = (await pooled.get_raw_connection()).driver_connection
            if locked:
                # Not the whole patience anew: then each of many writers would wait for the one before, too.
                limit_wait(driver, deadline - loop.time())
            connection = SqliteConnection(driver) if self.is_sqlite else PostgresConnection(driver)
            await connection.begin(writing=writing)
            yield connection
            await connection.end(commit=True)
            finished = True
        finally:
            closing = asyncio.create_task(
                self._give_back(pooled, None if finished else connection, locked=locked)
            )
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            await asyncio.shield(closing)

    async def ping(self) -> None:
        """Ask the database for an answer.

        Raises:
            DatabaseUnavailableError: It gave none.
        """
        async with self.transaction(writing=False):
            pass

    async def time(self) -> datetime | None:
        """What time PostgreSQL has; `None`: SQLite has none but that of the machine.

        Raises:
            DatabaseUnavailableError: It gave no answer.
        """
        if self.is_sqlite:
            return None
        async with self.transaction(writing=False) as connection:
            ((time,),) = await connection.fetch(_TIME, {})
        told: datetime = time
        return told

    async def migration_state(self) -> MigrationState:
        """Whether the schema is the one that this code needs.

        Raises:
            DatabaseUnavailableError: The database gave no answer.
        """
        url = self.url.render_as_string(hide_password=False)
        return MigrationState(current=await migrations.current_revision(url), head=migrations.head_revision())

    async def dispose(self) -> None:
        """Close all connections."""
        while self._closing:
            await asyncio.wait(self._closing)
        await self._writer.dispose()
        await self._reader.dispose()

    def checked_out(self) -> int:
        """How many connections are in use, for tests and metrics."""
        engines = {id(engine): engine for engine in (self._writer, self._reader)}.values()
        return sum(engine.pool.checkedout() for engine in engines)  # type: ignore[attr-defined]

    async def _take_write_lock(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._write_lock.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailableError("other writers", fault=DatabaseFault.LOCKED) from error

    async def _connect(self, engine: AsyncEngine) -> AsyncConnection:
        try:
            return await engine.connect()
        except Exception as error:
            better = translated(error)
            if better is None:
                raise
            raise better from None

    async def _give_back(
        self,
        pooled: AsyncConnection,
        unfinished: SqliteConnection | PostgresConnection | None,
        *,
        locked: bool,
    ) -> None:
        is_clean = unfinished is None
        try:
            with contextlib.suppress(Exception):
                if unfinished is not None:
                    async with asyncio.timeout(_FAREWELL_S):
                        await unfinished.end(commit=False)
                    is_clean = True
        finally:
            await self._let_go(pooled, is_clean=is_clean, locked=locked)

    async def _let_go(self, pooled: AsyncConnection, *, is_clean: bool, locked: bool) -> None:
        try:
            if not is_clean:
                # A connection that could not even roll back is of no use.
                await pooled.invalidate()
            await pooled.close()
        finally:
            if locked:
                self._write_lock.release()


def _engine(url: URL, **options: Any) -> AsyncEngine:
    return create_async_engine(
        url,
        hide_parameters=True,
        max_overflow=options.pop("max_overflow", 0),
        pool_timeout=_CHECKOUT_TIMEOUT_S,
        # `Database.transaction` rolls back itself.
        pool_reset_on_return=None,
        skip_autocommit_rollback=True,
        **options,
    )


def _sqlite_engine(
    url: URL, kind: type[sqlite3.Connection], opened_by: Opener, *, pool_size: int
) -> AsyncEngine:
    opened = opened_by(url.database or "", kind, timeout_s=PATIENCE.total_seconds())
    return _engine(url, pool_size=pool_size, async_creator=opened)


def _postgres_engine(url: URL, answer_timeout_s: float) -> AsyncEngine:
    engine = _engine(
        url,
        pool_size=_POSTGRES_POOL,
        max_overflow=_POSTGRES_OVERFLOW,
        connect_args={
            "timeout": _CONNECT_TIMEOUT_S,
            "command_timeout": answer_timeout_s,
            "server_settings": {
                "application_name": "calendar-sync",
                "statement_timeout": str(_STATEMENT_TIMEOUT_MS),
                "lock_timeout": str(_LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(_IDLE_IN_TRANSACTION_TIMEOUT_MS),
            },
        },
    )

    def refuse_closed(dbapi_connection: Any, *_: object) -> None:
        # The loop has noticed when the server hung up, so this needs no round trip.
        if dbapi_connection.driver_connection.is_closed():
            raise exc.DisconnectionError

    event.listen(engine.sync_engine, "checkout", refuse_closed)
    return engine
