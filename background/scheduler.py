"""Ticks. What a tick finds due is a query, so any number of processes may tick and none may be missed."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from apscheduler.schedulers.asyncio import AsyncIOScheduler

if TYPE_CHECKING:
    from services.change_feed import ChangeFeed
    from services.channel_service import ChannelService
    from services.connection_service import ConnectionService
    from services.idempotency_service import IdempotencyService
    from services.session_service import SessionService
    from services.signals import Signals


def build_scheduler(
    *,
    channels: ChannelService,
    connections: ConnectionService,
    changes: ChangeFeed,
    sessions: SessionService,
    idempotency: IdempotencyService,
    signals: Signals,
) -> AsyncIOScheduler:
    """The scheduler of one process, not started yet."""
    scheduler = AsyncIOScheduler(
        timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    # Jitter keeps replicas that started together from asking together.
    scheduler.add_job(channels.renew_due, "interval", id="renew channels", seconds=60, jitter=15)
    scheduler.add_job(connections.sweep, "interval", id="sweep", hours=1, jitter=300)
    scheduler.add_job(sessions.sweep, "interval", id="sweep sessions", hours=1, jitter=300)
    scheduler.add_job(changes.purge, "interval", id="purge deleted slots", hours=1, jitter=300)
    scheduler.add_job(idempotency.sweep, "interval", id="sweep answers", minutes=10, jitter=120)
    scheduler.add_job(_look, "interval", id="look for due calendars", args=[signals], seconds=30, jitter=5)
    return scheduler


async def _look(signals: Signals) -> None:
    signals.calendar_due()
