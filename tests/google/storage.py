"""The memory store, with a way to look into it and to arrange it without a transaction."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from persistence.memory import MemoryStore, MemoryUnitOfWork

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.accounts import OAuthFlow
    from services.core.calendars import CalendarStatus


class OnePerUser(MutableMapping[Any, Any]):
    """A table with one row per user."""

    def __init__(self, store: MemoryStore, table: str) -> None:
        self._store = store
        self._table = table

    def __getitem__(self, user_id: UUID) -> Any:
        return self._store.tables[self._table][user_id][user_id]

    def __setitem__(self, user_id: UUID, row: Any) -> None:
        rows = self._store.tables[self._table]
        self._store.tables[self._table] = {**rows, user_id: {user_id: row}}

    def __delitem__(self, user_id: UUID) -> None:
        rows = dict(self._store.tables[self._table])
        del rows[user_id]
        self._store.tables[self._table] = rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self._store.tables[self._table])

    def __len__(self) -> int:
        return len(self._store.tables[self._table])


class Storage:
    """What the tests see of the store."""

    def __init__(self) -> None:
        self._store = MemoryStore()
        self.uow = MemoryUnitOfWork(self._store)
        self.users = OnePerUser(self._store, "users")
        self.accounts = OnePerUser(self._store, "accounts")

    def flows(self) -> list[OAuthFlow]:
        return [flow for rows in self._store.tables["flows"].values() for flow in rows.values()]

    def calendar_status(self, user_id: UUID) -> CalendarStatus:
        (calendar,) = self._store.tables["calendars"][user_id].values()
        status: CalendarStatus = calendar.status
        return status

    def add_calendar(self, user_id: UUID, calendar: Any) -> None:
        self._store.tables["calendars"][user_id] = {calendar.calendar_id: calendar}

    def __repr__(self) -> str:
        return repr(self._store.tables)
