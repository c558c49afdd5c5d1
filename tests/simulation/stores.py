"""Where a simulated service keeps its state: in memory, or in a real SQLite file through the real adapter.

A store is opened by each process for itself. What a database does for a client that is gone, `Opened.killed`
does; the rest of the simulation does not know which store it has.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import aiosqlite
from sqlalchemy import bindparam, func, select

from persistence.database import Database
from persistence.memory import MemoryStore, MemoryUnitOfWork
from persistence.models import metadata, users
from persistence.sqlite import WritingConnection
from persistence.unit_of_work import SqlUnitOfWork
from tests.databases import migrated_file
from tests.simulation.loop import TURN
from tests.simulation.processes import process_at_work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator
    from contextlib import AbstractContextManager
    from uuid import UUID

    from services.core.storage import UnitOfWork
    from tests.simulation.processes import Process

_PATIENCE_S = 15.0
_RETRY_S = 0.25
_MEMORY_DISK = Path("/dev/shm")  # noqa: S108  # files of one history, gone with it


class Opened(Protocol):
    """One process's way to the store."""

    uow: UnitOfWork

    def killed(self, process: Process) -> None:
        """The process is gone: what it had not committed is undone."""


class Store(Protocol):
    """The state that processes share."""

    breaks_off: bool
    """Whether it undoes the transactions of a client that stands still for too long."""

    def open(self) -> Opened:
        """A way for one process, or for somebody who looks from outside."""

    async def rows_of(self, user_id: UUID) -> dict[str, int]:
        """How many rows of a user there are, by table; those without any are left out."""


class _InMemory:
    breaks_off = True

    def __init__(self) -> None:
        self._store = MemoryStore()

    def open(self) -> _OpenedMemory:
        return _OpenedMemory(self._store)

    async def rows_of(self, user_id: UUID) -> dict[str, int]:
        """How many rows of a user there are, by table."""
        return {name: len(rows) for name, users in self._store.tables.items() if (rows := users.get(user_id))}


class _OpenedMemory:
    def __init__(self, store: MemoryStore) -> None:
        self.uow: UnitOfWork = MemoryUnitOfWork(store)

    def killed(self, process: Process) -> None:
        """Its transactions are broken off one by one."""


class _InFile:
    breaks_off = False

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connections: dict[Process | None, list[aiosqlite.Connection]] = defaultdict(list)

    def open(self) -> _OpenedFile:
        return _OpenedFile(self._file, self._connections)

    async def rows_of(self, user_id: UUID) -> dict[str, int]:
        """How many rows of a user there are, by table."""
        found = {}
        async with self.open().database.transaction(writing=False) as connection:
            for table in metadata.sorted_tables:
                owner = table.c.id if table is users else table.c.get("user_id")
                if owner is not None:
                    count = select(func.count()).where(owner == bindparam("owner"))
                    ((found[table.name],),) = await connection.fetch(count, {"owner": user_id})
        return {name: count for name, count in found.items() if count}

    def close(self) -> None:
        """Close what is open still."""
        for process in list(self._connections):
            close_all(self._connections.pop(process))


class _OpenedFile:
    def __init__(self, file: Path, connections: dict[Process | None, list[aiosqlite.Connection]]) -> None:
        self._connections = connections
        self.database = Database(f"sqlite:///{file}", opened_by=self._opener)
        self.uow: UnitOfWork = SqlUnitOfWork(self.database)

    def _opener(
        self, path: str, kind: type[sqlite3.Connection], *, timeout_s: float
    ) -> Callable[[], Awaitable[Any]]:
        del timeout_s
        factory = _NeverWaiting if kind is WritingConnection else kind

        async def open_connection() -> aiosqlite.Connection:
            connection = await _WithoutThread(partial(sqlite3.connect, path, factory=factory, timeout=0), 64)
            self._connections[process_at_work()].append(connection)
            return connection

        return open_connection

    def killed(self, process: Process) -> None:
        """The system closes its files, and SQLite undoes what was not committed."""
        close_all(self._connections.pop(process, []))


def close_all(connections: list[aiosqlite.Connection]) -> None:
    """Close connections without asking the threads that they do not have."""
    for connection in connections:
        if connection._connection is not None:
            # SQLite keeps a closed connection, and its locks, for as long as somebody holds a cursor of it,
            # as a killed coroutine does.
            connection._connection.rollback()
            connection._connection.close()
            connection._connection = None


@contextlib.contextmanager
def _memory() -> Iterator[Store]:
    yield _InMemory()


@cache
def _template() -> Path:
    """A migrated, empty database."""
    return migrated_file(Path(tempfile.mkdtemp()))


@contextlib.contextmanager
def _sqlite() -> Iterator[Store]:
    parent = _MEMORY_DISK if _MEMORY_DISK.is_dir() else None
    template = _template()
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        file = Path(folder) / "history.db"
        shutil.copy(template, file)
        store = _InFile(file)
        try:
            yield store
        finally:
            store.close()


class _WithoutThread(aiosqlite.Connection):
    """Runs statements where they are asked for; whoever finds the database locked waits in virtual time."""

    async def _connect(self) -> _WithoutThread:
        await TURN
        self._connection = self._connector()
        return self

    def __await__(self) -> Generator[Any, None, _WithoutThread]:
        return self._connect().__await__()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        await TURN
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE_S
        while True:
            try:
                return fn(*args, **kwargs)
            except sqlite3.OperationalError as error:
                busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
                begun = self._connection is not None and self._connection.in_transaction
                if not busy or begun or loop.time() > deadline:
                    raise
            await asyncio.sleep(_RETRY_S)  # noqa: TID251  # as the busy handler does

    def stop(self) -> None:
        close_all([self])


class _NeverWaiting(WritingConnection):
    """SQLite's own waiting would hold up the only thread."""

    @property
    def wait_ms(self) -> int:
        return 0

    @wait_ms.setter
    def wait_ms(self, _: int) -> None:
        pass


STORES: dict[str, Callable[[], AbstractContextManager[Store]]] = {"memory": _memory, "sqlite": _sqlite}
