"""The committed state, and what one transaction makes of it.

State is a dictionary per table and user that nobody changes once it is committed: a transaction copies what
it writes to and puts its copies in place when it commits. So a rollback is to forget, and a reader keeps what
it began with.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from persistence.repositories.sequence import Sequences
from services.core.errors import UnknownUserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TABLES = (
    "users",
    "keys",
    "sessions",
    "feeds",
    "accounts",
    "flows",
    "calendars",
    "channels",
    "slots",
    "appeared",
    "forgotten",
    "history",
    "conflicts",
    "holds",
    "sign_ins",
    "canaries",
    "idempotency",
    "subscriptions",
    "deliveries",
)
_NOBODYS = frozenset({"users", "sign_ins", "canaries", "idempotency"})
"""Tables whose rows need no user; those that belong to none stand under `NOBODY`."""
NOBODY = UUID(int=0)
_NOTHING: Mapping[Any, Any] = {}


class Turns:
    """A lock that is handed on in order, also when a waiting coroutine is closed rather than cancelled."""

    def __init__(self) -> None:
        self._held = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """Wait for a turn."""
        if not self._held:
            self._held = True
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.release()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def release(self) -> None:
        """End the turn."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._held = False


class MemoryStore:
    """The committed state."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[UUID, Mapping[Any, Any]]] = {name: {} for name in _TABLES}
        self.last_seq: dict[UUID, int] = {}
        self.turns = Turns()


class Mark(NamedTuple):
    """How a transaction stood at some point."""

    tables: dict[str, dict[UUID, Mapping[Any, Any]]]
    sequences: tuple[dict[UUID, int], dict[UUID, int]]


class Workspace:
    """The state as one transaction sees it."""

    def __init__(self, store: MemoryStore, *, writing: bool) -> None:
        self.sequences = Sequences()
        self._store = store
        self._tables = store.tables
        self._last_seq = store.last_seq
        self._writing = writing
        self._copied_tables: set[str] = set()
        self._copied: dict[tuple[str, UUID], dict[Any, Any]] = {}

    def of(self, table: str, user_id: UUID) -> Mapping[Any, Any]:
        """A user's rows, to read."""
        return self._tables[table].get(user_id, _NOTHING)

    def users_with(self, table: str) -> Iterator[tuple[UUID, Mapping[Any, Any]]]:
        """All users' rows, to read."""
        yield from self._tables[table].items()

    def to_write(self, table: str, user_id: UUID) -> dict[Any, Any]:
        """A user's rows, to change.

        Raises:
            UnknownUserError: There is no such user.
        """
        copied = self._copied.get((table, user_id))
        if copied is not None:
            return copied
        rows = self._table_to_write(table)
        known = rows.get(user_id)
        if known is None and table not in _NOBODYS and user_id not in self._tables["users"]:
            raise UnknownUserError(user_id)
        copied = self._copied[table, user_id] = rows[user_id] = dict(known or _NOTHING)
        return copied

    def erase(self, user_id: UUID) -> None:
        """Forget all rows of a user."""
        for table in _TABLES:
            self._table_to_write(table).pop(user_id, None)
            self._copied.pop((table, user_id), None)

    def mark(self) -> Mark:
        """How everything stands, for `go_back`; what is written from now on is written to new copies."""
        self._copied_tables.clear()
        self._copied.clear()
        return Mark(self._tables, self.sequences.mark())

    def go_back(self, mark: Mark) -> None:
        """Forget what was written since the mark."""
        self._tables = mark.tables
        self.sequences.go_back(mark.sequences)
        self._copied_tables.clear()
        self._copied.clear()

    def last_seq(self, user_id: UUID) -> int:
        """The last sequence number that the user's slots have."""
        return self._last_seq.get(user_id, 0)

    def commit(self) -> None:
        """Make it the state."""
        self._store.tables = self._tables
        last_seqs = self.sequences.unstored()
        if last_seqs:
            self._store.last_seq = {**self._last_seq, **last_seqs}

    def _table_to_write(self, table: str) -> dict[UUID, Mapping[Any, Any]]:
        if not self._writing:
            raise RuntimeError("a reading transaction writes")
        if table not in self._copied_tables:
            if not self._copied_tables:
                # They are those of the store still, or of a mark.
                self._tables = dict(self._tables)
            self._copied_tables.add(table)
            self._tables[table] = dict(self._tables[table])
        return self._tables[table]
