"""Where the simulator keeps its state between two lives: rows of JSON under a kind and a key.

Everything that a request changed is written in one transaction before its answer
leaves, so a killed process has forgotten nothing that it promised.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Row = TypeVar("Row")


class Store(Protocol):
    """Durable rows."""

    def load(self) -> Iterable[tuple[str, str, bytes]]:
        """Every row as (kind, key, JSON)."""
        ...

    def write(self, rows: Iterable[tuple[str, str, bytes | None]]) -> None:
        """Replace these rows at once; `None` removes one."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


class SqliteStore:
    """Rows in one SQLite file.

    The write-ahead log without a sync per commit survives the death of the process,
    which is what a simulator promises; it does not promise to survive a power cut.
    """

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS rows (kind TEXT NOT NULL, key TEXT NOT NULL, "
            "value BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )

    def load(self) -> Iterator[tuple[str, str, bytes]]:
        """Every row as (kind, key, JSON)."""
        yield from self._database.execute("SELECT kind, key, value FROM rows")

    def write(self, rows: Iterable[tuple[str, str, bytes | None]]) -> None:
        """Replace these rows in one transaction; `None` removes one."""
        puts: list[tuple[str, str, bytes]] = []
        removals: list[tuple[str, str]] = []
        for kind, key, value in rows:
            if value is None:
                removals.append((kind, key))
            else:
                puts.append((kind, key, value))
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", puts)
            self._database.executemany("DELETE FROM rows WHERE kind = ? AND key = ?", removals)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def clear(self) -> None:
        """Forget everything."""
        self._database.execute("DELETE FROM rows")

    def close(self) -> None:
        """Release the file."""
        self._database.close()


class Journal:
    """Collects the rows that a request changes and writes them once."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._pending: dict[tuple[str, str], bytes | None] = {}

    def put(self, kind: str, key: str, row: object) -> None:
        """Note a changed row; nothing happens without a store."""
        if self._store is not None:
            self._pending[kind, key] = orjson.dumps(row)

    def remove(self, kind: str, key: str) -> None:
        """Note a removed row."""
        if self._store is not None:
            self._pending[kind, key] = None

    def flush(self) -> None:
        """Write what was noted since the last time."""
        if self._store is None or not self._pending:
            return
        self._store.write((kind, key, value) for (kind, key), value in self._pending.items())
        self._pending.clear()

    def load(self) -> Iterable[tuple[str, str, bytes]]:
        """Every stored row."""
        return () if self._store is None else self._store.load()

    def clear(self) -> None:
        """Forget everything, also what was not written yet."""
        self._pending.clear()
        if self._store is not None:
            self._store.clear()


class Table(Generic[Row]):
    """Rows of one kind in memory, each change noted in the journal."""

    def __init__(self, journal: Journal, kind: str, decode: Callable[[bytes], Row]) -> None:
        self._journal = journal
        self.kind = kind
        self._decode = decode
        self.rows: dict[str, Row] = {}

    def save(self, key: str, row: Row) -> None:
        """Put a row; call it again after changing one in place."""
        self.rows[key] = row
        self._journal.put(self.kind, key, row)

    def remove(self, key: str) -> None:
        """Drop a row if it is there."""
        if self.rows.pop(key, None) is not None:
            self._journal.remove(self.kind, key)

    def restore(self, key: str, value: bytes) -> None:
        """Take over a stored row."""
        self.rows[key] = self._decode(value)
