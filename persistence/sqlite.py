"""SQLite connections that keep what the service promises.

The driver is in autocommit mode and every statement runs in a transaction that is begun explicitly, right
before its first statement and in the same change of thread. Writers begin IMMEDIATE: a deferred transaction
that reads and then writes cannot upgrade its snapshot, so it either fails at once or, with the driver's own
transactions, loses updates silently. Readers have connections of their own, and WAL lets them read while
somebody writes.
"""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import aiosqlite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

PATIENCE = timedelta(seconds=15)
"""How long a transaction waits until it may write, for this process and for others together."""
_CACHE_KIB = 16_384


class _Transactional(sqlite3.Connection):
    _begin: str
    _pragmas: tuple[str, ...]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.isolation_level = None
        self.create_function("from_hex", 1, bytes.fromhex, deterministic=True)
        try:
            for pragma in self._pragmas:
                super().execute(f"PRAGMA {pragma}").close()
        except BaseException:
            self.close()
            raise

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a statement, in a transaction."""
        if not self.in_transaction:
            self._begin_now()
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """Run a statement many times, in a transaction."""
        if not self.in_transaction:
            self._begin_now()
        return super().executemany(sql, parameters)

    def _begin_now(self) -> None:
        super().execute(self._begin)


class WritingConnection(_Transactional):
    """Takes the one write lock of the database before it reads anything."""

    wait_ms = 0
    """How long the next transaction may wait for other processes."""
    _begin = "BEGIN IMMEDIATE"
    # FULL: what is acknowledged survives a power cut, which WAL with NORMAL does not promise.
    _pragmas = (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"cache_size = -{_CACHE_KIB}",
    )

    def _begin_now(self) -> None:
        sqlite3.Connection.execute(self, f"PRAGMA busy_timeout = {self.wait_ms}")
        super()._begin_now()


class ReadingConnection(_Transactional):
    """Sees one state per transaction and cannot write."""

    _begin = "BEGIN DEFERRED"
    _pragmas = ("journal_mode = WAL", "query_only = ON", f"cache_size = -{_CACHE_KIB}")


def limit_wait(driver: Any, wait: float) -> None:
    """Say for how many seconds the next transaction of a writing connection may wait for other processes."""
    driver._conn.wait_ms = max(0, int(wait * 1000))  # noqa: SLF001 - there is no other way to it.


class Opener(Protocol):
    """Makes what opens connections to a file."""

    def __call__(
        self, path: str, kind: type[sqlite3.Connection], *, timeout_s: float
    ) -> Callable[[], Awaitable[Any]]:
        """What opens a connection of a kind, as aiosqlite has them."""


def opener(path: str, kind: type[sqlite3.Connection], *, timeout_s: float) -> Callable[[], Awaitable[Any]]:
    """What opens a connection of a kind.

    When opening fails or is cancelled it waits until the thread of the connection is done: left to itself
    that thread would report to an event loop that may be closed by then.
    """

    async def open_connection() -> aiosqlite.Connection:
        connection = aiosqlite.connect(path, factory=kind, timeout=timeout_s, check_same_thread=False)
        thread = connection._thread  # noqa: SLF001 - there is no other way to it.
        thread.daemon = True
        try:
            return await connection
        except BaseException:
            await asyncio.get_running_loop().run_in_executor(None, thread.join)
            raise

    return open_connection
