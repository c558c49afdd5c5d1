"""A process at work: what is opened around the application, which tasks run, and in which order they end."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from background.scheduler import build_scheduler
from composition.databases import prepare_database
from composition.embedded_google import embedded_google
from composition.opening import open_parts
from services.google.transport import AiohttpTransport
from services.system import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from background.worker import SyncWorker
    from composition.assembly import Parts
    from services.core.ports import Clock, Ids
    from services.google.transport import Transport
    from services.settings import Settings

SHUTDOWN_GRACE: Final = timedelta(seconds=10)
"""How long running syncs may go on once the service is told to stop."""


@asynccontextmanager
async def running(
    app: FastAPI,
    settings: Settings,
    *,
    ids: Ids,
    clock: Clock | None = None,
    transport: Transport | None = None,
) -> AsyncIterator[Parts]:
    """The whole service around `app`: container, workers and ticks; and the sandbox where it is embedded.

    Args:
        app: Gets the container.
        settings: As loaded.
        ids: The source of randomness.
        clock: The source of time. `None`: the machine's, set by that of the database, which replicas share.
        transport: Instead of the network.

    Raises:
        SettingsError: With these settings it cannot run.
    """
    async with AsyncExitStack() as stack:
        # With PostgreSQL there are replicas: migrating is one process's work, not each one's.
        await prepare_database(settings, migrate=settings.sqlite)
        network = await stack.enter_async_context(aclosing(AiohttpTransport()))
        outward: Transport = transport or network
        google = None
        if settings.sandbox_embedded:
            google = await stack.enter_async_context(
                embedded_google(app, settings, clock=clock or SystemClock(), ids=ids, network=outward)
            )
            outward = google.transport
        parts = await stack.enter_async_context(open_parts(settings, ids=ids, transport=outward, clock=clock))
        app.state.container = parts.container
        if google is not None:
            notifying = asyncio.create_task(google.notify_forever(), name="notifications")
            stack.push_async_callback(_cancel, notifying)
        _start(parts, stack)
        yield parts


def _start(parts: Parts, stack: AsyncExitStack) -> None:
    """Start the tasks of a process; each ends with the stack."""
    # Google's client takes a moment to load; the first sync would wait for it otherwise.
    loading = asyncio.create_task(parts.calendars.prepare())
    stack.push_async_callback(asyncio.wait, [loading])
    working = asyncio.create_task(parts.worker.run_forever(), name="sync worker")
    stack.push_async_callback(_stop, parts.worker, working)
    telling = asyncio.create_task(parts.telling.run_forever(), name="webhook worker")
    stack.push_async_callback(_cancel, telling)
    streams = parts.container.streams
    watching = asyncio.create_task(streams.watch_forever(), name="change watch")
    stack.push_async_callback(_cancel, watching)
    stack.callback(streams.close)
    scheduler = build_scheduler(parts.ticks)
    scheduler.start()
    stack.callback(scheduler.shutdown, wait=False)
    parts.readiness.scheduler, parts.readiness.working = scheduler, working


async def _stop(worker: SyncWorker, working: asyncio.Task[None]) -> None:
    worker.stop(SHUTDOWN_GRACE)
    await asyncio.wait([working])


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
