"""Outbound webhooks: who is told of a user's changes, when, and when no more.

A subscription remembers how far in the user's sequence it has told. What is due is a comparison, like
everything here: the user's sequence goes further than that. So no change is lost with a process or a signal,
and a receiver that was away for hours gets each changed slot once, in its latest state.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol

from services.core.changes import FeedPosition, caught_up
from services.core.frozen import replace

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=1)
GIVE_UP_AFTER: Final = timedelta(days=1)
"""A receiver that took nothing for so long is told no more."""
MOST_PER_USER: Final = 10
KEPT_DELIVERIES: Final = 100
"""How many attempts the log of a subscription has."""
LEASE: Final = timedelta(seconds=30)
"""How long a subscription stays with a process that died while it told; longer than any one call."""

_GONE: Final = 410


class MessageType(StrEnum):
    """What a message is about."""

    CHANGED = "slots.changed"
    """Slots changed; here they are."""
    EXPIRED = "slots.expired"
    """The receiver was away for longer than deletions are kept, and has to read everything again."""
    TEST = "webhook.test"
    """Somebody asked for it; nothing changed."""


class SubscriptionStatus(StrEnum):
    """Whether changes are told."""

    ACTIVE = "active"
    DISABLED = "disabled"
    """The receiver failed for too long, or said that it is gone; a test that it takes ends this."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One receiver of one user's changes."""

    user_id: UUID
    id: UUID
    url: str
    description: str
    secret: str
    """Encrypted; what messages are signed with."""
    created_at: datetime
    sent_seq: int
    """Everything up to this number of the user's sequence has been told."""
    known_seq: int
    """Where the receiver last had everything; stays behind while it catches up page by page."""
    not_before: datetime
    """No attempt before this."""
    lease_until: datetime
    """A process is at work on it until then, unless it is done earlier."""
    epoch: int = 0
    """Grows with each lease, so that what a slow process found out too late is not stored."""
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    attempts: int = 0
    """Failures in a row."""
    failing_since: datetime | None = None
    """Of the first failure in a row; `None` when the last attempt succeeded."""
    last_success_at: datetime | None = None
    last_error: str | None = None
    """Why the last attempt failed: `status-500`, `timeout`, `network`, `address-refused`; else `None`."""

    @property
    def position(self) -> FeedPosition:
        """Where the receiver stands in the change feed."""
        return FeedPosition(self.sent_seq, self.known_seq)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to tell, as the log has it."""

    user_id: UUID
    subscription_id: UUID
    id: UUID
    message_id: str
    """`webhook-id`: the same for each attempt with the same content."""
    type: MessageType
    at: datetime
    attempt: int
    """1 for the first."""
    from_seq: int
    """What the receiver had."""
    to_seq: int
    """What it has after this."""
    status_code: int | None
    """What it answered; `None`: nothing."""
    error: str | None
    """`None`: it took the message."""
    duration_ms: int

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took it."""
        return self.error is None


def message_id(subscription_id: UUID, kind: MessageType, from_seq: int, to_seq: int) -> str:
    """The id of a message.

    Receivers drop what they have seen under an id, so an id must not stand for two contents. A slot that
    changes again moves behind `to_seq`; the next attempt reaches further then, and has another id.
    """
    text = f"{subscription_id} {kind} {from_seq} {to_seq}"
    return f"msg_{sha256(text.encode()).hexdigest()[:32]}"


def pause_after(attempts: int, *, jitter: float) -> timedelta:
    """How long to wait after so many failures in a row.

    Args:
        attempts: At least 1.
        jitter: In [0, 1); spreads the pause by a quarter both ways.
    """
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)
    return pause * (0.75 + 0.5 * jitter)


def after_success(subscription: Subscription, position: FeedPosition, *, now: datetime) -> Subscription:
    """The subscription once the receiver has taken everything up to a position."""
    return replace(
        subscription,
        sent_seq=position.seq,
        known_seq=position.known_seq,
        attempts=0,
        failing_since=None,
        last_error=None,
        last_success_at=now,
        not_before=now,
        lease_until=now,
        status=SubscriptionStatus.ACTIVE,
    )


def after_failure(
    subscription: Subscription, error: str, status_code: int | None, *, now: datetime, jitter: float
) -> Subscription:
    """The subscription after an attempt that failed: to be tried again, or disabled.

    Source: Standard Webhooks specification, "Operational considerations": retry with backoff over a day or
    more, stop at 410 Gone.
    """
    attempts = subscription.attempts + 1
    since = subscription.failing_since or now
    over = status_code == _GONE or now - since >= GIVE_UP_AFTER
    return replace(
        subscription,
        attempts=attempts,
        failing_since=since,
        last_error=error,
        not_before=now + pause_after(attempts, jitter=jitter),
        lease_until=now,
        status=SubscriptionStatus.DISABLED if over else subscription.status,
    )


def restarted(subscription: Subscription, *, now: datetime) -> Subscription:
    """The subscription after a test that the receiver took: what it has missed is due."""
    return after_success(subscription, subscription.position, now=now)


def started(
    *, user_id: UUID, subscription_id: UUID, url: str, description: str, secret: str, seq: int, now: datetime
) -> Subscription:
    """A new subscription, whose receiver is told what changes from now on."""
    position = caught_up(seq)
    return Subscription(
        user_id=user_id,
        id=subscription_id,
        url=url,
        description=description,
        secret=secret,
        created_at=now,
        sent_seq=position.seq,
        known_seq=position.known_seq,
        not_before=now,
        lease_until=now,
    )


class SubscriptionRepository(Protocol):
    """Subscriptions and the log of what they were told."""

    async def add(self, subscription: Subscription) -> None:
        """Store a new subscription."""

    async def find(self, user_id: UUID, subscription_id: UUID) -> Subscription | None:
        """One subscription."""

    async def all_of(self, user_id: UUID) -> list[Subscription]:
        """The user's subscriptions in the order of their ids."""

    async def remove(self, user_id: UUID, subscription_id: UUID) -> bool:
        """Forget a subscription with its log; whether there was one."""

    async def remove_all(self, user_id: UUID) -> None:
        """Forget every subscription of a user, with their logs."""

    async def claim(self, *, now: datetime, lease_until: datetime) -> Subscription | None:
        """Lease the active subscription that waits longest and is behind its user's sequence.

        Its `not_before` and any lease must have passed; its epoch grows.
        """

    async def finish(self, subscription: Subscription) -> bool:
        """Store what came of an attempt; if the lease is no longer the caller's, nothing, and `False`."""

    async def reseal(self, subscription: Subscription) -> None:
        """Store another form of the secret, nothing else."""

    async def with_other_secrets(self, prefix: str, *, after: UUID | None, limit: int) -> list[UUID]:
        """The users with a sealed secret that does not begin with `prefix`, in the order of their ids."""

    async def log(self, delivery: Delivery) -> None:
        """Add to the log of a subscription, and drop what it has too much."""

    async def deliveries(
        self, user_id: UUID, subscription_id: UUID, *, before: UUID | None, limit: int
    ) -> list[Delivery]:
        """The log, newest first, older than the attempt `before`."""
