"""Tells receivers what changed: claim, read, send, note what came of it.

The same discipline as the sync engine: nothing is sent inside a transaction, and what is stored afterwards is
fenced by the epoch of the lease. A receiver that took a message whose success could not be stored gets the
same message again, under the same id.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from services.change_feed import changes_behind
from services.core.changes import FeedPosition, caught_up
from services.core.errors import (
    CursorExpiredError,
    UnknownSubscriptionError,
    UnknownUserError,
    VendorError,
)
from services.core.subscriptions import (
    LEASE,
    Delivery,
    MessageType,
    Subscription,
    after_failure,
    after_success,
    message_id,
)
from services.google.transport import HttpRequest
from services.webhooks.signing import signed_headers
from services.webhooks.target_transport import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from services.change_feed import ChangesView
    from services.core.ports import Clock, Ids, SecretBox
    from services.core.storage import UnitOfWork
    from services.google.transport import Transport

    Render: TypeAlias = Callable[[ChangesView], list[dict[str, Any]]]
    """Changes as clients see them, the same as in the change feed."""

SLOTS_PER_MESSAGE: Final = 50
_TAKEN: Final = range(200, 300)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """What a receiver is told."""

    type: MessageType
    position: FeedPosition
    """Where the receiver stands once it has it."""
    data: dict[str, Any]


class WebhookDelivery:
    """Brings messages to receivers, one subscription at a time."""

    def __init__(
        self, *, uow: UnitOfWork, transport: Transport, clock: Clock, ids: Ids, box: SecretBox, render: Render
    ) -> None:
        self._uow = uow
        self._transport = transport
        self._clock = clock
        self._ids = ids
        self._box = box
        self._render = render

    async def claim(self) -> Subscription | None:
        """Lease a subscription that has something to tell."""
        now = self._clock.now()
        async with self._uow() as tx:
            return await tx.subscriptions.claim(now=now, lease_until=now + LEASE)

    async def run(self, claimed: Subscription) -> None:
        """Tell a receiver the next part of what it does not have; what is left is due again at once."""
        try:
            message = await self._next(claimed)
        except (UnknownUserError, UnknownSubscriptionError):
            return  # It ended after it was claimed.
        if isinstance(message, FeedPosition):
            # Numbers that no slot carries any more, since it was purged.
            passed = replace(
                claimed,
                sent_seq=message.seq,
                known_seq=message.known_seq,
                lease_until=self._clock.now(),
            )
            async with self._uow() as tx:
                await tx.subscriptions.finish(passed)
            return
        delivery = await self.attempt(claimed, message)
        now = self._clock.now()
        if delivery.succeeded:
            done = after_success(claimed, message.position, now=now)
        else:
            assert delivery.error is not None  # noqa: S101 - that is what failing means.
            jitter = self._ids.jitter()
            done = after_failure(claimed, delivery.error, delivery.status_code, now=now, jitter=jitter)
        async with self._uow() as tx:
            if await tx.subscriptions.finish(done):
                await tx.subscriptions.log(delivery)

    async def attempt(self, subscription: Subscription, message: Message) -> Delivery:
        """Send a message once; stores nothing."""
        started, began_at = self._clock.monotonic(), self._clock.now()
        known = message_id(subscription.id, message.type, subscription.sent_seq, message.position.seq)
        if message.type is MessageType.TEST:
            known = f"msg_{self._ids.uuid().hex}"
        body = orjson.dumps({"type": message.type, "timestamp": began_at, "data": message.data})
        status, error = await self._sent(subscription, known, body)
        return Delivery(
            user_id=subscription.user_id,
            subscription_id=subscription.id,
            id=self._ids.uuid(),
            message_id=known,
            type=message.type,
            at=began_at,
            attempt=1 if message.type is MessageType.TEST else subscription.attempts + 1,
            from_seq=subscription.sent_seq,
            to_seq=message.position.seq,
            status_code=status,
            error=error,
            duration_ms=round((self._clock.monotonic() - started) * 1000),
        )

    async def _sent(
        self, subscription: Subscription, known: str, body: bytes
    ) -> tuple[int | None, str | None]:
        purpose = secret_purpose(subscription.id)
        secret = self._box.open(subscription.secret, purpose=purpose, user_id=subscription.user_id)
        signature = signed_headers(secret=secret, message_id=known, body=body, now=self._clock.now())
        headers = {"content-type": "application/json", **signature}
        try:
            answer = await self._transport.send(
                HttpRequest("POST", subscription.url, headers, body, timeout=DEADLINE)
            )
        except VendorError as failure:
            return None, failure.reason
        taken = answer.status in _TAKEN
        return answer.status, None if taken else f"status-{answer.status}"

    async def _next(self, claimed: Subscription) -> Message | FeedPosition:
        """What the receiver does not have, or the first part of it; where it stands when that is nothing."""
        async with self._uow.reading() as tx:
            try:
                view = await changes_behind(tx, claimed.user_id, claimed.position, limit=SLOTS_PER_MESSAGE)
            except CursorExpiredError as expired:
                return Message(MessageType.EXPIRED, caught_up(expired.last_seq), {"seq": expired.last_seq})
            # Asked after the changes were read: what came after the subscription ended is told to nobody.
            if await tx.subscriptions.find(claimed.user_id, claimed.id) is None:
                raise UnknownSubscriptionError(claimed.id)
        if not view.page.changes:
            return view.page.position
        data = {
            "seq": view.page.position.seq,
            "items": self._render(view),
            "has_more": view.page.more,
        }
        return Message(MessageType.CHANGED, view.page.position, data)


def secret_purpose(subscription_id: UUID) -> str:
    """What the secret of a subscription is sealed for."""
    return f"webhook-secret|{subscription_id}"
