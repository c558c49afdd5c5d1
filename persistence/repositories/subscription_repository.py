"""Outbound webhooks and the log of what they were told."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from persistence.models import users, webhook_deliveries, webhook_subscriptions
from persistence.types import UtcDateTime
from services.core.subscriptions import (
    KEPT_DELIVERIES,
    Delivery,
    MessageType,
    Subscription,
    SubscriptionStatus,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(Subscription))
_LOGGED = tuple(field.name for field in fields(Delivery))
_t, _d = webhook_subscriptions.c, webhook_deliveries.c
_COLUMNS = tuple(_t[name] for name in _FIELDS)
_OWN = _t.user_id == bindparam("of_user")
_ONE = and_(_OWN, _t.id == bindparam("of_subscription"))
_NOW = bindparam("now", type_=UtcDateTime())
_ADD = insert(webhook_subscriptions)
_FIND = select(*_COLUMNS).where(_ONE)
_ALL_OF = select(*_COLUMNS).where(_OWN).order_by(_t.id)
_REMOVE = delete(webhook_subscriptions).where(_ONE).returning(_t.id)
# Replicas step over each other's rows; on SQLite the whole transaction is alone, and the clause is left out.
_due = (
    select(_t.user_id, _t.id)
    .join(users, users.c.id == _t.user_id)
    .where(
        _t.status == bindparam("active"),
        _t.not_before <= _NOW,
        _t.lease_until <= _NOW,
        users.c.last_seq > _t.sent_seq,
    )
    .order_by(_t.not_before)
    .limit(1)
    .with_for_update(skip_locked=True, of=webhook_subscriptions)
    .cte("due")
)
_CLAIM = (
    update(webhook_subscriptions)
    .where(_t.user_id == _due.c.user_id, _t.id == _due.c.id)
    .values(lease_until=bindparam("until", type_=UtcDateTime()), epoch=_t.epoch + 1)
    .returning(*_COLUMNS)
)
_FOUND_OUT = (
    "sent_seq",
    "known_seq",
    "not_before",
    "lease_until",
    "status",
    "attempts",
    "failing_since",
    "last_success_at",
    "last_error",
)
_FINISH = (
    update(webhook_subscriptions)
    .where(_ONE, _t.epoch == bindparam("of_epoch"))
    .values({name: bindparam(f"new_{name}", type_=_t[name].type) for name in _FOUND_OUT})
    .returning(_t.id)
)
_RESEAL = update(webhook_subscriptions).where(_ONE).values(secret=bindparam("new_secret"))
_OTHER_SECRETS = (
    select(_t.user_id)
    .distinct()
    .where(func.substr(_t.secret, 1, bindparam("length")) != bindparam("prefix"))
    .order_by(_t.user_id)
    .limit(bindparam("limit"))
)
_OTHER_SECRETS_AFTER = _OTHER_SECRETS.where(_t.user_id > bindparam("after"))
_OF_LOG = and_(_d.user_id == bindparam("of_user"), _d.subscription_id == bindparam("of_subscription"))
_LOG = insert(webhook_deliveries)
_NEWEST = select(*(_d[name] for name in _LOGGED)).where(_OF_LOG).order_by(_d.id.desc())
_PAGE = _NEWEST.limit(bindparam("limit"))
_PAGE_BEFORE = _PAGE.where(_d.id < bindparam("before"))
_oldest_kept = (
    select(_d.id).where(_OF_LOG).order_by(_d.id.desc()).offset(KEPT_DELIVERIES - 1).limit(1).scalar_subquery()
)
_DROP = delete(webhook_deliveries).where(_OF_LOG, _d.id < _oldest_kept)
_REMOVE_LOG = delete(webhook_deliveries).where(_OF_LOG)
_REMOVE_LOGS = delete(webhook_deliveries).where(_d.user_id == bindparam("of_user"))
_REMOVE_ALL = delete(webhook_subscriptions).where(_OWN)


class SqlSubscriptionRepository:
    """Implements `SubscriptionRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, subscription: Subscription) -> None:
        """Store a new subscription."""
        await self._connection.fetch(_ADD, {name: getattr(subscription, name) for name in _FIELDS})

    async def find(self, user_id: UUID, subscription_id: UUID) -> Subscription | None:
        """One subscription."""
        rows = await self._connection.fetch(_FIND, {"of_user": user_id, "of_subscription": subscription_id})
        return _subscription(rows[0]) if rows else None

    async def all_of(self, user_id: UUID) -> list[Subscription]:
        """The user's subscriptions in the order of their ids."""
        return [_subscription(row) for row in await self._connection.fetch(_ALL_OF, {"of_user": user_id})]

    async def remove(self, user_id: UUID, subscription_id: UUID) -> bool:
        """Forget a subscription with its log; whether there was one."""
        place = {"of_user": user_id, "of_subscription": subscription_id}
        await self._connection.fetch(_REMOVE_LOG, place)
        return bool(await self._connection.fetch(_REMOVE, place))

    async def remove_all(self, user_id: UUID) -> None:
        """Forget every subscription of a user, with their logs."""
        await self._connection.fetch(_REMOVE_LOGS, {"of_user": user_id})
        await self._connection.fetch(_REMOVE_ALL, {"of_user": user_id})

    async def claim(self, *, now: datetime, lease_until: datetime) -> Subscription | None:
        """Lease the active subscription that waits longest and is behind its user's sequence."""
        given = {"now": now, "until": lease_until, "active": SubscriptionStatus.ACTIVE}
        rows = await self._connection.fetch(_CLAIM, given)
        return _subscription(rows[0]) if rows else None

    async def finish(self, subscription: Subscription) -> bool:
        """Store what came of an attempt; if the lease is no longer the caller's, nothing, and `False`."""
        found_out = {f"new_{name}": getattr(subscription, name) for name in _FOUND_OUT}
        fence = {"of_epoch": subscription.epoch}
        return bool(await self._connection.fetch(_FINISH, _place(subscription) | fence | found_out))

    async def reseal(self, subscription: Subscription) -> None:
        """Store another form of the secret, nothing else."""
        await self._connection.fetch(_RESEAL, _place(subscription) | {"new_secret": subscription.secret})

    async def with_other_secrets(self, prefix: str, *, after: UUID | None, limit: int) -> list[UUID]:
        """The users with a sealed secret that does not begin with `prefix`, in the order of their ids."""
        given = {"prefix": prefix, "length": len(prefix), "after": after, "limit": limit}
        rows = await self._connection.fetch(_OTHER_SECRETS if after is None else _OTHER_SECRETS_AFTER, given)
        return [row[0] for row in rows]

    async def log(self, delivery: Delivery) -> None:
        """Add to the log of a subscription, and drop what it has too much."""
        await self._connection.fetch(_LOG, {name: getattr(delivery, name) for name in _LOGGED})
        place = {"of_user": delivery.user_id, "of_subscription": delivery.subscription_id}
        await self._connection.fetch(_DROP, place)

    async def deliveries(
        self, user_id: UUID, subscription_id: UUID, *, before: UUID | None, limit: int
    ) -> list[Delivery]:
        """The log, newest first, older than the attempt `before`."""
        given = {"of_user": user_id, "of_subscription": subscription_id, "before": before, "limit": limit}
        rows = await self._connection.fetch(_PAGE if before is None else _PAGE_BEFORE, given)
        return [_delivery(row) for row in rows]


def _place(subscription: Subscription) -> dict[str, Any]:
    return {"of_user": subscription.user_id, "of_subscription": subscription.id}


def _subscription(row: Sequence[Any]) -> Subscription:
    values = dict(zip(_FIELDS, row, strict=True))
    return Subscription(**{**values, "status": SubscriptionStatus(values["status"])})


def _delivery(row: Sequence[Any]) -> Delivery:
    values = dict(zip(_LOGGED, row, strict=True))
    return Delivery(**{**values, "type": MessageType(values["type"])})
