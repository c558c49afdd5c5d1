"""Bringing a database to a revision, from the shell (`alembic upgrade head`) or from the program."""

from __future__ import annotations

import os
import sqlite3
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from dotenv import dotenv_values
from sqlalchemy import event, pool
from sqlalchemy.ext.asyncio import create_async_engine

from alembic import command
from persistence.failures import translated
from persistence.sqlite import opener
from persistence.urls import database_url
from services.core.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import URL, Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

_SCRIPTS = Path(__file__).resolve().parent.parent / "alembic"
_DEFAULT_URL = "sqlite:///calendar-sync.db"
_SQLITE_WAIT_S = 30


def configured_url() -> URL:
    """The database of `DATABASE_URL`, of `.env`, or the default file, in this order."""
    text = os.environ.get("DATABASE_URL") or dotenv_values(".env").get("DATABASE_URL")
    return database_url(text or _DEFAULT_URL)


def head_revision() -> str:
    """The revision that this code needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


async def current_revision(url: str) -> str | None:
    """The revision of a database; `None` when it was never migrated."""
    async with migration_connection(database_url(url)) as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database up to a revision; any number of processes may try at once."""
    await _run(url, command.upgrade, revision)


async def downgrade(url: str, revision: str) -> None:
    """Bring a database down to a revision (`base`: to nothing)."""
    await _run(url, command.downgrade, revision)


@asynccontextmanager
async def migration_connection(url: URL) -> AsyncIterator[AsyncConnection]:
    """A connection of its own whose transactions hold schema changes on both databases.

    Raises:
        DatabaseUnavailableError: The database cannot be reached, or not be changed.
    """
    is_sqlite = url.get_backend_name() == "sqlite"
    options: dict[str, Any] = {}
    if is_sqlite:
        options["async_creator"] = opener(url.database or "", sqlite3.Connection, timeout_s=_SQLITE_WAIT_S)
    engine = create_async_engine(url, poolclass=pool.NullPool, hide_parameters=True, **options)
    if is_sqlite:
        # Left alone the driver commits before each schema change. Foreign keys stay off: rebuilding
        # a table would take the rows of others along.
        event.listen(engine.sync_engine, "connect", _leave_transactions_to_us)
        event.listen(engine.sync_engine, "begin", _begin_immediate)
    try:
        async with engine.connect() as connection:
            yield connection
    except Exception as error:
        better = translated(error)
        if isinstance(better, DatabaseUnavailableError):
            raise better from None
        raise
    finally:
        await engine.dispose()


def _leave_transactions_to_us(dbapi_connection: Any, _: object) -> None:
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


async def _run(url: str, migrate: Any, revision: str) -> None:
    def migrate_over(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        migrate(config, revision)

    async with migration_connection(database_url(url)) as connection:
        await connection.run_sync(migrate_over)
        await connection.commit()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config
