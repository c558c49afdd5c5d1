"""What a process looks after from time to time, and how often.

What a tick finds due is a query, so any number of processes may tick and none may be missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.change_feed import ChangeFeed
    from services.channel_service import ChannelService
    from services.connection_service import ConnectionService
    from services.idempotency_service import IdempotencyService
    from services.session_service import SessionService
    from services.signals import Signals


@dataclass(frozen=True, slots=True)
class Tick:
    """Something that is done again and again while a process runs."""

    name: str
    run: Callable[[], Awaitable[object]]
    every: timedelta
    jitter: timedelta
    """At most so much earlier or later, which keeps replicas that started together from asking together."""


def all_ticks(
    *,
    channels: ChannelService,
    connections: ConnectionService,
    changes: ChangeFeed,
    sessions: SessionService,
    idempotency: IdempotencyService,
    signals: Signals,
) -> tuple[Tick, ...]:
    """The ticks of one process."""
    minute, hour, five_minutes = timedelta(minutes=1), timedelta(hours=1), timedelta(minutes=5)
    return (
        Tick("renew channels", channels.renew_due, minute, timedelta(seconds=15)),
        Tick("sweep", connections.sweep, hour, five_minutes),
        Tick("sweep sessions", sessions.sweep, hour, five_minutes),
        Tick("purge deleted slots", changes.purge, hour, five_minutes),
        Tick("sweep answers", idempotency.sweep, 10 * minute, 2 * minute),
        Tick("look for due calendars", partial(_look, signals), minute / 2, timedelta(seconds=5)),
    )


async def _look(signals: Signals) -> None:
    signals.calendar_due()
