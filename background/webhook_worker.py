"""Tells the receivers of outbound webhooks: this process's share of them, a bounded number at a time."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from services.core.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from datetime import timedelta

    from services.signals import Signals
    from services.webhook_delivery import WebhookDelivery

_log = logging.getLogger(__name__)


class WebhookWorker:
    """Runs until it is cancelled; an attempt that is cut off is made again once its lease is over."""

    def __init__(
        self, delivery: WebhookDelivery, signals: Signals, poll: timedelta, *, concurrency: int = 8
    ) -> None:
        self._delivery = delivery
        self._signals = signals
        self._poll_s = poll.total_seconds()
        self._places = asyncio.Semaphore(concurrency)
        self._running: set[asyncio.Task[None]] = set()

    async def run_forever(self) -> None:
        """Look for what is due, at once when something changed in this process."""
        try:
            while True:
                try:
                    await self._start_due()
                except DatabaseUnavailableError:
                    _log.warning("database unavailable, webhooks wait")
                await self._signals.wait_until_changed(self._poll_s)
        finally:
            for task in self._running:
                task.cancel()
            if self._running:
                await asyncio.wait(self._running)

    async def _start_due(self) -> None:
        while True:
            await self._places.acquire()
            claimed = None
            try:
                claimed = await self._delivery.claim()
            finally:
                if claimed is None:
                    self._places.release()
            if claimed is None:
                return
            task = asyncio.create_task(self._delivery.run(claimed), name=f"webhook {claimed.id}")
            self._running.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._places.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("webhook ended with %s", type(error).__name__, exc_info=error)
            return
        # What it left for the next message, or what changed meanwhile, is looked for at once.
        self._signals.webhook_due()
