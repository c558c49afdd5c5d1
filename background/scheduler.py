"""The ticks of a process, by the machine's clock."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from apscheduler.schedulers.asyncio import AsyncIOScheduler

if TYPE_CHECKING:
    from collections.abc import Iterable

    from background.ticks import Tick


def build_scheduler(ticks: Iterable[Tick]) -> AsyncIOScheduler:
    """The scheduler of one process, not started yet."""
    scheduler = AsyncIOScheduler(
        timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    for tick in ticks:
        scheduler.add_job(
            tick.run,
            "interval",
            id=tick.name,
            name=tick.name,
            seconds=tick.every.total_seconds(),
            jitter=tick.jitter.total_seconds(),
        )
    return scheduler
