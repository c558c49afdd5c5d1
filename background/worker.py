"""The sync worker of one process: claims due calendars and runs a bounded number of them at a time.

Any number of processes may do so; what is due is a query and who runs it is a lease. An edit or a
notification in this process wakes the worker at once; everything else is found by polling.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from services.core.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from datetime import timedelta

    from services.core.ports import Clock, Ids
    from services.signals import Signals
    from services.sync_engine import SyncEngine

_log = logging.getLogger(__name__)


class SyncWorker:
    """Keeps this process's share of the calendars in sync."""

    def __init__(
        self,
        *,
        engine: SyncEngine,
        clock: Clock,
        ids: Ids,
        signals: Signals,
        concurrency: int,
        poll: timedelta,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._signals = signals
        self._concurrency = concurrency
        self._poll = poll
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def run_forever(self) -> None:
        """Work until `stop`; a failing database is waited for, never fatal."""
        while not self._stopping.is_set():
            try:
                await self.run_due()
            except DatabaseUnavailableError:
                _log.warning("database unavailable, the worker waits")
            if self._stopping.is_set():
                return
            await self._signals.wait_until_due(await self._pause())

    async def run_due(self) -> None:
        """Start runs until nothing is due or every place is taken; then wait for a place."""
        while not self._stopping.is_set():
            if len(self._running) >= self._concurrency:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                continue
            claim = await self._engine.claim()
            if claim is None:
                return
            task = asyncio.create_task(self._engine.run(claim), name=f"sync {claim.calendar_id}")
            self._running.add(task)
            task.add_done_callback(self._finished)

    async def stop(self, grace: timedelta) -> None:
        """Take nothing new, let running calendars finish for `grace`, then interrupt them."""
        self._stopping.set()
        self._signals.calendar_due()
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=grace.total_seconds())
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        # Whatever became due while this one ran (itself included) is looked for at once.
        self._signals.calendar_due()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("run ended with %s", type(error).__name__, exc_info=error)

    async def _pause(self) -> float:
        """How long to sleep: until the next calendar is due, at most one poll interval, with jitter."""
        poll_s = self._poll.total_seconds() * (0.75 + 0.5 * self._ids.jitter())
        try:
            due_at = await self._engine.next_due_at()
        except DatabaseUnavailableError:
            return poll_s
        if due_at is None:
            return poll_s
        until_due_s = (due_at - self._clock.now()).total_seconds()
        return min(poll_s, max(until_due_s, 0.0))
