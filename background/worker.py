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
    from datetime import datetime, timedelta

    from services.core.calendars import Claim
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
        self._crowded = False
        """Whether more was due than there was room for."""
        self._stopping = asyncio.Event()
        self._grace_s = 0.0

    async def run_forever(self) -> None:
        """Work until `stop`, then let running calendars finish; a failing database is waited for."""
        while not self._stopping.is_set():
            pause_s = self._poll_s()
            try:
                due_at = await self._start_due()
                if due_at is not None:
                    pause_s = min(pause_s, max((due_at - self._clock.now()).total_seconds(), 0.0))
            except DatabaseUnavailableError:
                _log.warning("database unavailable, the worker waits")
            if not self._stopping.is_set():
                await self._signals.wait_until_due(pause_s)
        await self._drain()

    def stop(self, grace: timedelta) -> None:
        """Take nothing new; calendars that still run after `grace` are interrupted.

        `run_forever` returns once none runs any more.
        """
        self._grace_s = grace.total_seconds()
        self._stopping.set()
        self._signals.calendar_due()

    async def _start_due(self) -> datetime | None:
        """Start runs until nothing is due or every place is taken.

        A look comes before each claim, which would write; only where more is due than there is room for, the
        next claim will hardly be in vain.

        Returns:
            When the next calendar is due; `None`: not known, or never.
        """
        while not self._stopping.is_set():
            if len(self._running) >= self._concurrency:
                self._crowded = True
                return None
            crowded, self._crowded = self._crowded, False
            due_at = None if crowded else await self._engine.next_due_at()
            if not crowded and (due_at is None or due_at > self._clock.now()):
                return due_at
            claim = await self._engine.claim()
            if claim is not None:
                self._crowded = crowded
                self._start(claim)
            elif not crowded:
                # Another replica was faster, or is about to be: what stays due is found by the next poll.
                return None
        return None

    def _start(self, claim: Claim) -> None:
        task = asyncio.create_task(self._engine.run(claim), name=f"sync {claim.calendar_id}")
        self._running.add(task)
        task.add_done_callback(self._finished)

    async def _drain(self) -> None:
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=self._grace_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        # Whatever became due while this one ran (itself included) is looked for at once.
        self._signals.calendar_due()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("run ended with %s", type(error).__name__, exc_info=error)

    def _poll_s(self) -> float:
        return self._poll.total_seconds() * (0.75 + 0.5 * self._ids.jitter())
