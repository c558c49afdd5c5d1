"""Outbound webhooks as clients see them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from schemas.common import Documented
from schemas.texts import storable
from services.core.subscriptions import Delivery, MessageType, Subscription, SubscriptionStatus

_ID = "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4"
_URL = "https://app.example.com/hooks/calendar"
_SUBSCRIPTION: dict[str, Any] = {
    "id": _ID,
    "url": _URL,
    "description": "The booking page",
    "status": "active",
    "created_at": "2026-06-20T08:00:00+00:00",
    "seq": 42,
    "failing_since": None,
    "last_success_at": "2026-06-21T09:30:00+00:00",
    "last_error": None,
    "next_attempt_at": None,
}
_DELIVERY: dict[str, Any] = {
    "id": _ID,
    "message_id": "msg_3f1c9a52d7e84b0f8a6de1b25c70e9d4",
    "type": "slots.changed",
    "at": "2026-06-21T09:30:00+00:00",
    "attempt": 1,
    "from_seq": 41,
    "to_seq": 42,
    "succeeded": True,
    "status_code": 204,
    "error": None,
    "duration_ms": 87,
}


def subscription_body(subscription: Subscription) -> dict[str, Any]:
    """A subscription as JSON values."""
    retried = subscription.attempts > 0 and subscription.status is SubscriptionStatus.ACTIVE
    return {
        "id": subscription.id,
        "url": subscription.url,
        "description": subscription.description,
        "status": subscription.status,
        "created_at": subscription.created_at,
        "seq": subscription.sent_seq,
        "failing_since": subscription.failing_since,
        "last_success_at": subscription.last_success_at,
        "last_error": subscription.last_error,
        "next_attempt_at": subscription.not_before if retried else None,
    }


def delivery_body(delivery: Delivery) -> dict[str, Any]:
    """An attempt as JSON values."""
    return {
        "id": delivery.id,
        "message_id": delivery.message_id,
        "type": delivery.type,
        "at": delivery.at,
        "attempt": delivery.attempt,
        "from_seq": delivery.from_seq,
        "to_seq": delivery.to_seq,
        "succeeded": delivery.succeeded,
        "status_code": delivery.status_code,
        "error": delivery.error,
        "duration_ms": delivery.duration_ms,
    }


class SubscriptionIn(Documented):
    """Where to tell of changes."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"url": _URL, "description": "The booking page"}]}
    )

    url: Annotated[str, Field(min_length=1, max_length=2048), AfterValidator(storable)]
    """An https address that is public on the internet, port 443 or 8443; in development also this machine."""
    description: Annotated[str, Field(max_length=200), AfterValidator(storable)] = ""
    """For you to know it by."""


class SubscriptionOut(Documented):
    """A server that is told of changes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_SUBSCRIPTION]})

    id: UUID
    """Of the subscription."""
    url: str
    """Where messages go."""
    description: str
    """As it was given."""
    status: SubscriptionStatus
    """`disabled`: it failed for a day, or answered 410; a test message that it takes ends this."""
    created_at: datetime
    """When it was made."""
    seq: int
    """Up to which `seq` of `GET /slots/changes` it has been told."""
    failing_since: datetime | None
    """Since when every attempt failed; null when the last one did not."""
    last_success_at: datetime | None
    """When it last took a message."""
    last_error: str | None
    """Why the last attempt failed: `status-500`, `timeout`, `network`, `address-refused`; or null."""
    next_attempt_at: datetime | None
    """When a failed message is tried again; null when none waits."""


class NewSubscriptionOut(SubscriptionOut):
    """A new subscription, with its secret."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{**_SUBSCRIPTION, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2..."}]},
    )

    secret: str
    """What the signatures are made with; shown this once."""


class SubscriptionPageOut(Documented):
    """The subscriptions of a user."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_SUBSCRIPTION], "next_cursor": None}]}
    )

    items: list[SubscriptionOut]
    """Oldest first; there are at most ten."""
    next_cursor: str | None
    """Always null."""


class DeliveryOut(Documented):
    """One attempt to tell a server."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_DELIVERY]})

    id: UUID
    """Of the attempt."""
    message_id: str
    """The `webhook-id`: the same in each attempt with the same content."""
    type: MessageType
    """`slots.changed`, `slots.expired` or `webhook.test`."""
    at: datetime
    """When it began."""
    attempt: int
    """1 for the first."""
    from_seq: int
    """What the server had been told of before."""
    to_seq: int
    """What it knows after this."""
    succeeded: bool
    """Whether it answered 2xx."""
    status_code: int | None
    """What it answered; null: nothing."""
    error: str | None
    """Why it failed; null when it did not."""
    duration_ms: int
    """How long the answer took."""


class DeliveryPageOut(Documented):
    """The last attempts."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_DELIVERY], "next_cursor": None}]}
    )

    items: list[DeliveryOut]
    """Newest first; the last hundred are kept."""
    next_cursor: str | None
    """Where older ones are; null at the end."""
