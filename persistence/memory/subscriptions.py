"""Outbound webhooks in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.frozen import replace
from services.core.subscriptions import KEPT_DELIVERIES, SubscriptionStatus

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from persistence.memory.state import Workspace
    from services.core.subscriptions import Delivery, Subscription


class MemorySubscriptionRepository:
    """Implements `SubscriptionRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def add(self, subscription: Subscription) -> None:
        """Store a new subscription."""
        self._put(subscription)

    async def find(self, user_id: UUID, subscription_id: UUID) -> Subscription | None:
        """One subscription."""
        return self._workspace.of("subscriptions", user_id).get(subscription_id)

    async def all_of(self, user_id: UUID) -> list[Subscription]:
        """The user's subscriptions in the order of their ids."""
        return [each for _, each in sorted(self._workspace.of("subscriptions", user_id).items())]

    async def remove(self, user_id: UUID, subscription_id: UUID) -> bool:
        """Forget a subscription with its log; whether there was one."""
        if await self.find(user_id, subscription_id) is None:
            return False
        del self._workspace.to_write("subscriptions", user_id)[subscription_id]
        self._workspace.to_write("deliveries", user_id).pop(subscription_id, None)
        return True

    async def remove_all(self, user_id: UUID) -> None:
        """Forget every subscription of a user, with their logs."""
        self._workspace.to_write("subscriptions", user_id).clear()
        self._workspace.to_write("deliveries", user_id).clear()

    async def claim(self, *, now: datetime, lease_until: datetime) -> Subscription | None:
        """Lease the active subscription that waits longest and is behind its user's sequence."""
        due = [
            each
            for user_id, rows in self._workspace.users_with("subscriptions")
            for each in rows.values()
            if each.status is SubscriptionStatus.ACTIVE
            and max(each.not_before, each.lease_until) <= now
            and self._workspace.last_seq(user_id) > each.sent_seq
        ]
        if not due:
            return None
        first: Subscription = min(due, key=lambda each: each.not_before)
        claimed = replace(first, lease_until=lease_until, epoch=first.epoch + 1)
        self._put(claimed)
        return claimed

    async def finish(self, subscription: Subscription) -> bool:
        """Store what came of an attempt; if the lease is no longer the caller's, nothing, and `False`."""
        known = await self.find(subscription.user_id, subscription.id)
        if known is None or known.epoch != subscription.epoch:
            return False
        self._put(replace(subscription, secret=known.secret))
        return True

    async def reseal(self, subscription: Subscription) -> None:
        """Store another form of the secret, nothing else."""
        known = await self.find(subscription.user_id, subscription.id)
        if known is not None:
            self._put(replace(known, secret=subscription.secret))

    async def with_other_secrets(self, prefix: str, *, after: UUID | None, limit: int) -> list[UUID]:
        """The users with a sealed secret that does not begin with `prefix`, in the order of their ids."""
        found = [
            user_id
            for user_id, rows in self._workspace.users_with("subscriptions")
            if any(not each.secret.startswith(prefix) for each in rows.values())
        ]
        return sorted(each for each in found if after is None or each > after)[:limit]

    async def log(self, delivery: Delivery) -> None:
        """Add to the log of a subscription, and drop what it has too much."""
        logs = self._workspace.to_write("deliveries", delivery.user_id)
        kept = [*logs.get(delivery.subscription_id, ()), delivery][-KEPT_DELIVERIES:]
        logs[delivery.subscription_id] = tuple(kept)

    async def deliveries(
        self, user_id: UUID, subscription_id: UUID, *, before: UUID | None, limit: int
    ) -> list[Delivery]:
        """The log, newest first, older than the attempt `before`."""
        found = self._workspace.of("deliveries", user_id).get(subscription_id, ())
        older = [each for each in found if before is None or each.id < before]
        return sorted(older, key=lambda each: each.id, reverse=True)[:limit]

    def _put(self, subscription: Subscription) -> None:
        self._workspace.to_write("subscriptions", subscription.user_id)[subscription.id] = subscription
