"""The numbers that steer the sync, in one place; settings fill them, services are handed them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class LoopPolicy:
    """When the circuit breaker of a slot opens, and for how long."""

    limit: int = 8
    """How many times app and Google may overwrite each other within the window."""
    window: timedelta = timedelta(minutes=5)
    cooldown: timedelta = timedelta(minutes=5)
    """How long the first quarantine lasts; each further one in a row lasts twice as long."""
    cooldown_ceiling: timedelta = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class BrakePolicy:
    """When vanished events are too many to be believed; both must be exceeded."""

    minimum: int = 10
    percent: float = 25.0


@dataclass(frozen=True, slots=True)
class SyncPolicy:
    """How the sync engine works."""

    loop: LoopPolicy = LoopPolicy()
    brake: BrakePolicy = BrakePolicy()
    lease: timedelta = timedelta(seconds=90)
    """Longer than the deadline of any one call to Google."""
    fallback: timedelta = timedelta(minutes=15)
    """How often a calendar with a healthy channel is listed all the same."""
    polling: timedelta = timedelta(minutes=3)
    """How often a calendar without one is listed."""
    spread: float = 0.25
    """Every interval varies by this share up and down, so that nothing happens at once for all."""
    merge_rounds: int = 3
    """How often one run tries a slot that Google changes under its hands."""
    outage_after: int = 3
    """How many unanswered pushes in a row end a run."""
    confirm_one_by_one: int = 50
    """Up to how many missing events are looked up singly; beyond, the listing is repeated."""
    channel_lifetime: timedelta = timedelta(days=7)
    channel_margin: timedelta = timedelta(days=1)
    """How long before its expiry a channel is replaced."""
