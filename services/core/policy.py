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
class FeedPolicy:
    """How changes are told, and how long deletions are."""

    retention: timedelta = timedelta(days=90)
    """How long deleted slots are kept, and so how long a reader may stay away."""
    heartbeat: timedelta = timedelta(seconds=15)
    """After how long a silence a stream shows that it is alive."""
    poll: timedelta = timedelta(milliseconds=500)
    """How often changes by other replicas are looked for: the latency that they have at most."""
    stream_batch: int = 100
    """How many slots a stream holds at a time."""
    streams_per_user: int = 10
    streams: int = 400
    """In one process; well below the connections that it takes, so that requests get through beside them."""
    stream_lifetime: timedelta = timedelta(hours=1)
    """After which a stream ends and its reader resumes it, so that none is kept by a peer that is no more."""


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
