"""What a user does to outbound webhooks: subscribe, look, test, end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.errors import InvalidTargetError, TooManySubscriptionsError, UnknownSubscriptionError
from services.core.subscriptions import MOST_PER_USER, MessageType, restarted, started
from services.core.webhook_targets import refusal_of
from services.webhook_delivery import Message, secret_purpose
from services.webhooks.signing import new_secret

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.ports import Clock, Ids, SecretBox
    from services.core.storage import Transaction, UnitOfWork
    from services.core.subscriptions import Delivery, Subscription
    from services.signals import Signals
    from services.webhook_delivery import WebhookDelivery


class SubscriptionService:
    """Subscriptions of one user at a time."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        delivery: WebhookDelivery,
        clock: Clock,
        ids: Ids,
        box: SecretBox,
        signals: Signals,
        loopback: bool,
    ) -> None:
        """Hold the collaborators; `loopback` lets this machine be a target, as it is in development."""
        self._uow = uow
        self._delivery = delivery
        self._clock = clock
        self._ids = ids
        self._box = box
        self._signals = signals
        self._loopback = loopback

    async def create(self, user_id: UUID, url: str, description: str) -> tuple[Subscription, str]:
        """Tell an address of every change from now on; the secret is shown this once.

        Raises:
            InvalidTargetError: No webhook may go there.
            TooManySubscriptionsError: There are as many as there may be.
        """
        refusal = refusal_of(url, loopback=self._loopback)
        if refusal is not None:
            raise InvalidTargetError(refusal)
        subscription_id, secret = self._ids.uuid(), new_secret(self._ids)
        sealed = self._box.seal(secret, purpose=secret_purpose(subscription_id), user_id=user_id)
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            if len(await tx.subscriptions.all_of(user_id)) >= MOST_PER_USER:
                raise TooManySubscriptionsError(MOST_PER_USER)
            subscription = started(
                user_id=user_id,
                subscription_id=subscription_id,
                url=url,
                description=description,
                secret=sealed,
                seq=await tx.feeds.last_seq(user_id),
                now=self._clock.now(),
            )
            await tx.subscriptions.add(subscription)
        return subscription, secret

    async def all_of(self, user_id: UUID) -> list[Subscription]:
        """The user's subscriptions, oldest first."""
        async with self._uow.reading() as tx:
            return await tx.subscriptions.all_of(user_id)

    async def get(self, user_id: UUID, subscription_id: UUID) -> Subscription:
        """One subscription.

        Raises:
            UnknownSubscriptionError: There is none.
        """
        async with self._uow.reading() as tx:
            return await _known(tx, user_id, subscription_id)

    async def remove(self, user_id: UUID, subscription_id: UUID) -> None:
        """Tell no more; a message that is on its way still arrives.

        Raises:
            UnknownSubscriptionError: There is none.
        """
        async with self._uow() as tx:
            if not await tx.subscriptions.remove(user_id, subscription_id):
                raise UnknownSubscriptionError(subscription_id)

    async def deliveries(
        self, user_id: UUID, subscription_id: UUID, *, before: UUID | None, limit: int
    ) -> list[Delivery]:
        """The last attempts, newest first.

        Raises:
            UnknownSubscriptionError: There is no such subscription.
        """
        async with self._uow.reading() as tx:
            await _known(tx, user_id, subscription_id)
            return await tx.subscriptions.deliveries(user_id, subscription_id, before=before, limit=limit)

    async def test(self, user_id: UUID, subscription_id: UUID) -> Delivery:
        """Send a message of which nothing follows, now; one that is taken ends a pause, or being disabled.

        Raises:
            UnknownSubscriptionError: There is no such subscription.
        """
        async with self._uow.reading() as tx:
            subscription = await _known(tx, user_id, subscription_id)
        data = {"subscription_id": subscription_id}
        message = Message(MessageType.TEST, subscription.position, data)
        delivery = await self._delivery.attempt(subscription, message)
        async with self._uow() as tx:
            current = await tx.subscriptions.find(user_id, subscription_id)
            if current is None:
                raise UnknownSubscriptionError(subscription_id)
            await tx.subscriptions.log(delivery)
            now = self._clock.now()
            if delivery.succeeded and current.attempts and current.lease_until <= now:
                await tx.subscriptions.finish(restarted(current, now=now))
        self._signals.webhook_due()
        return delivery


async def _known(tx: Transaction, user_id: UUID, subscription_id: UUID) -> Subscription:
    found = await tx.subscriptions.find(user_id, subscription_id)
    if found is None:
        raise UnknownSubscriptionError(subscription_id)
    return found
