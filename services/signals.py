"""Wake-ups inside one process: a hint that saves waiting for the next poll, never the only way to learn.

Whatever is signalled here is also a row in the database; a signal that is lost, or meant for another replica,
costs latency only.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from uuid import UUID


class Signals:
    """Wakes the sync worker, and whoever waits for a change of one user's data."""

    def __init__(self) -> None:
        self._due = asyncio.Event()
        self._changed = asyncio.Event()
        self._waiting: dict[UUID, set[asyncio.Event]] = defaultdict(set)

    def calendar_due(self) -> None:
        """Some calendar was marked due; call it after the commit."""
        self._due.set()

    async def wait_until_due(self, timeout_s: float) -> None:
        """Return when a calendar was marked due since the last call, or after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._due.wait()
        except TimeoutError:
            return
        finally:
            self._due.clear()

    def user_changed(self, user_id: UUID) -> None:
        """Something of this user's data changed; call it after the commit."""
        self._changed.set()
        for event in self._waiting.get(user_id, ()):
            event.set()

    def everybody_changed(self) -> None:
        """Wake whoever waits for a change of anybody's data."""
        self._changed.set()
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def wait_until_changed(self, timeout_s: float) -> None:
        """Return when anybody's data changed since the last call, or after `timeout_s`; for one waiter."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return
        finally:
            self._changed.clear()

    def webhook_due(self) -> None:
        """Some subscription may have more to be told; call it after the commit."""
        self._changed.set()

    def subscribe(self, user_id: UUID) -> ChangeSubscription:
        """A subscription that misses nothing from now on."""
        return ChangeSubscription(self._waiting, user_id)


class ChangeSubscription:
    """Context manager over one waiter's event."""

    def __init__(self, waiting: dict[UUID, set[asyncio.Event]], user_id: UUID) -> None:
        self._waiting = waiting
        self._user_id = user_id
        self._event = asyncio.Event()

    def __enter__(self) -> Self:
        self._waiting[self._user_id].add(self._event)
        return self

    def __exit__(self, *_: object) -> None:
        waiters = self._waiting[self._user_id]
        waiters.discard(self._event)
        if not waiters:
            del self._waiting[self._user_id]

    async def wait(self, timeout_s: float) -> None:
        """Return after the next change since entering or the last wait, or after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return
        finally:
            self._event.clear()
