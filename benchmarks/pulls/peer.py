"""The peer of a first pull: the PyPI library `gcal-sync`, as its documentation uses it.

It keeps what it pulled in a store that its user provides; the one that it brings, used here, is memory.
"""

from __future__ import annotations

import sys
from typing import Any

import aiohttp
import uvloop
from gcal_sync.api import GoogleCalendarService
from gcal_sync.auth import AbstractAuth
from gcal_sync.store import InMemoryCalendarStore
from gcal_sync.sync import CalendarEventSyncManager

from benchmarks.memory import Measured
from benchmarks.processes import answer, order_of


class _GivenToken(AbstractAuth):  # type: ignore[misc,unused-ignore]
    def __init__(self, session: aiohttp.ClientSession, host: str, token: str) -> None:
        super().__init__(session, host)
        self._token = token

    async def async_get_access_token(self) -> str:
        return self._token


async def pull(order: dict[str, Any]) -> dict[str, float]:
    """Pull everything into an empty store."""
    store = InMemoryCalendarStore()
    async with aiohttp.ClientSession() as session:
        auth = _GivenToken(session, f"{order['url']}/calendar/v3", order["token"])
        manager = CalendarEventSyncManager(GoogleCalendarService(auth), "primary", store)
        with Measured() as measured:
            await manager.run()
    data = await store.async_load() or {}
    events = next(iter(next(iter(data.values())).values()))["items"]
    return {"events": len(events), **measured.document()}


if __name__ == "__main__":
    answer(uvloop.run(pull(order_of(sys.argv))))
