"""Outbound webhooks and their log, over every store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.core.subscriptions import (
    KEPT_DELIVERIES,
    Delivery,
    MessageType,
    Subscription,
    SubscriptionStatus,
    started,
)
from tests.contract.records import HOUR, MINUTE, NOW, new_id, slot, some_user, stored

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.storage import UnitOfWork


async def subscribed(uow: UnitOfWork, user_id: UUID, **fields) -> Subscription:
    made = started(
        user_id=user_id,
        subscription_id=new_id(),
        url="https://app.example.com/hook",
        description="",
        secret="v1.sealed",
        seq=0,
        now=NOW,
    )
    made = replace(made, **fields)
    async with uow() as tx:
        await tx.subscriptions.add(made)
    return made


async def claimed(uow: UnitOfWork, now=NOW) -> Subscription | None:
    async with uow() as tx:
        return await tx.subscriptions.claim(now=now, lease_until=now + MINUTE)


async def finished(uow: UnitOfWork, subscription: Subscription) -> bool:
    async with uow() as tx:
        return await tx.subscriptions.finish(subscription)


async def test_what_is_stored_comes_back(uow: UnitOfWork) -> None:
    user_id, other = await some_user(uow), await some_user(uow)
    first = await subscribed(uow, user_id)
    second = await subscribed(
        uow, user_id, failing_since=NOW, last_success_at=NOW, last_error="timeout", attempts=2
    )
    async with uow.reading() as tx:
        assert await tx.subscriptions.all_of(user_id) == [first, second]
        assert await tx.subscriptions.find(user_id, second.id) == second
        assert await tx.subscriptions.find(other, second.id) is None
        assert await tx.subscriptions.all_of(other) == []


async def test_only_who_is_behind_is_claimed(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    subscription = await subscribed(uow, user_id)
    assert await claimed(uow) is None
    await stored(uow, slot(user_id))
    found = await claimed(uow)
    assert found == replace(subscription, lease_until=NOW + MINUTE, epoch=1)
    assert await claimed(uow) is None
    assert await finished(uow, replace(found, sent_seq=1, known_seq=1, lease_until=NOW))
    assert await claimed(uow, NOW + HOUR) is None
    await stored(uow, slot(user_id))
    assert await claimed(uow, NOW + HOUR) is not None


async def test_a_pause_and_a_disabled_one_are_respected(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    await subscribed(uow, user_id, status=SubscriptionStatus.DISABLED)
    paused = await subscribed(uow, user_id, not_before=NOW + MINUTE)
    await stored(uow, slot(user_id))
    assert await claimed(uow) is None
    found = await claimed(uow, NOW + MINUTE)
    assert found is not None
    assert found.id == paused.id


async def test_a_lease_that_is_over_is_taken_and_the_late_result_refused(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    await subscribed(uow, user_id)
    await stored(uow, slot(user_id))
    slow = await claimed(uow)
    quick = await claimed(uow, NOW + MINUTE)
    assert slow is not None
    assert quick is not None
    assert not await finished(uow, replace(slow, sent_seq=1))
    assert await finished(uow, replace(quick, last_error="timeout", attempts=1))
    async with uow.reading() as tx:
        [known] = await tx.subscriptions.all_of(user_id)
    assert (known.sent_seq, known.last_error) == (0, "timeout")


async def test_a_removed_one_is_gone_with_its_log(uow: UnitOfWork) -> None:
    user_id, other = await some_user(uow), await some_user(uow)
    subscription = await subscribed(uow, user_id)
    async with uow() as tx:
        await tx.subscriptions.log(delivery(subscription))
        assert not await tx.subscriptions.remove(other, subscription.id)
        assert await tx.subscriptions.remove(user_id, subscription.id)
        assert not await tx.subscriptions.remove(user_id, subscription.id)
        assert await tx.subscriptions.deliveries(user_id, subscription.id, before=None, limit=9) == []
    assert not await finished(uow, subscription)


async def test_all_of_a_user_are_removed_and_nobody_elses(uow: UnitOfWork) -> None:
    user_id, other = await some_user(uow), await some_user(uow)
    ended = [await subscribed(uow, user_id) for _ in range(2)]
    kept = await subscribed(uow, other)
    async with uow() as tx:
        for each in (*ended, kept):
            await tx.subscriptions.log(delivery(each))
        await tx.subscriptions.remove_all(user_id)
    async with uow.reading() as tx:
        assert await tx.subscriptions.all_of(user_id) == []
        assert await tx.subscriptions.deliveries(user_id, ended[0].id, before=None, limit=9) == []
        assert await tx.subscriptions.all_of(other) == [kept]
        assert len(await tx.subscriptions.deliveries(other, kept.id, before=None, limit=9)) == 1


def delivery(subscription: Subscription, **fields) -> Delivery:
    made = Delivery(
        user_id=subscription.user_id,
        subscription_id=subscription.id,
        id=new_id(),
        message_id="msg_1",
        type=MessageType.CHANGED,
        at=NOW,
        attempt=1,
        from_seq=0,
        to_seq=1,
        status_code=None,
        error="timeout",
        duration_ms=15_000,
    )
    return replace(made, **fields)


async def test_the_log_is_newest_first_and_bounded(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    subscription, other = await subscribed(uow, user_id), await subscribed(uow, user_id)
    logged = [delivery(subscription, attempt=number) for number in range(1, KEPT_DELIVERIES + 3)]
    async with uow() as tx:
        await tx.subscriptions.log(delivery(other, status_code=204, error=None))
        for each in logged:
            await tx.subscriptions.log(each)
    async with uow.reading() as tx:
        kept = await tx.subscriptions.deliveries(user_id, subscription.id, before=None, limit=200)
        page = await tx.subscriptions.deliveries(user_id, subscription.id, before=kept[1].id, limit=2)
        assert len(await tx.subscriptions.deliveries(user_id, other.id, before=None, limit=200)) == 1
    assert kept == logged[:1:-1]
    assert page == kept[2:4]


async def test_secrets_that_another_key_sealed_are_found_and_sealed_anew(uow: UnitOfWork) -> None:
    old, new = await some_user(uow), await some_user(uow)
    first = await subscribed(uow, old, secret="v1.old.x")
    await subscribed(uow, new, secret="v1.new.x")
    async with uow() as tx:
        assert await tx.subscriptions.with_other_secrets("v1.new.", after=None, limit=9) == [old]
        assert await tx.subscriptions.with_other_secrets("v1.other.", after=old, limit=9) == [new]
        assert await tx.subscriptions.with_other_secrets("v1.other.", after=None, limit=1) == [old]
        await tx.subscriptions.reseal(replace(first, secret="v1.new.y", url="ignored"))
        assert await tx.subscriptions.with_other_secrets("v1.new.", after=None, limit=9) == []
        assert await tx.subscriptions.find(old, first.id) == replace(first, secret="v1.new.y")
