"""Receivers are told of every change, however they behave."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.core.errors import InvalidTargetError, TooManySubscriptionsError, UnknownSubscriptionError
from services.core.subscriptions import FIRST_PAUSE, LEASE, LONGEST_PAUSE, SubscriptionStatus, pause_after
from services.webhook_delivery import SLOTS_PER_MESSAGE
from tests.webhooks.world import URL, World

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def world() -> World:
    made = World()
    await made.begin()
    return made


async def test_a_change_is_told_once_and_in_its_latest_state(world: World) -> None:
    [first, _] = await world.add("First", "Second")
    await world.save(replace(first, content=replace(first.content, title="Renamed")))
    assert await world.tell() == 1
    [message] = world.receiver.messages
    assert message["type"] == "slots.changed"
    assert [(each["seq"], each["kind"]) for each in message["data"]["items"]] == [
        (2, "created"),
        (3, "created"),
    ]
    assert world.receiver.titles() == ["Second", "Renamed"]
    assert (message["data"]["seq"], message["data"]["has_more"]) == (3, False)
    assert await world.tell() == 0


async def test_what_was_there_before_is_not_told(world: World) -> None:
    await world.add("Before")
    made, _ = await world.service.create(world.user_id, f"{URL}/2", "second")
    assert made.sent_seq == 1
    await world.tell()
    assert [each.url for each in world.receiver.requests] == [URL]


async def test_many_changes_come_in_several_messages_and_none_is_missing(world: World) -> None:
    titles = [f"Number {number}" for number in range(2 * SLOTS_PER_MESSAGE + 1)]
    await world.add(*titles)
    assert await world.tell() == 3
    told = [title for at in range(3) for title in world.receiver.titles(at)]
    assert told == titles
    assert [each["data"]["has_more"] for each in world.receiver.messages] == [True, True, False]
    assert {each["kind"] for one in world.receiver.messages for each in one["data"]["items"]} == {"created"}


async def test_a_deletion_is_told(world: World) -> None:
    [gone] = await world.add("Gone")
    await world.tell()
    await world.save(replace(gone, deleted_at=world.clock.now()))
    await world.tell()
    [item] = world.receiver.messages[-1]["data"]["items"]
    assert (item["kind"], item["slot"]["title"]) == ("deleted", "Gone")


@pytest.mark.parametrize(
    ("status", "error"), [(None, "timeout"), (500, "status-500"), (404, "status-404"), (302, "status-302")]
)
async def test_what_failed_is_told_again_after_a_pause(world: World, status: int | None, error: str) -> None:
    world.receiver.status = status
    await world.add("Stubborn")
    assert await world.tell() == 1
    stands = await world.stands()
    assert (stands.last_error, stands.attempts, stands.sent_seq) == (error, 1, 0)
    assert await world.tell() == 0
    world.clock.advance(stands.not_before - world.clock.now())
    world.receiver.status = 204
    assert await world.tell() == 1
    assert len(set(world.receiver.ids)) == 1
    stands = await world.stands()
    assert (stands.last_error, stands.attempts, stands.failing_since, stands.sent_seq) == (None, 0, None, 1)
    assert [each.attempt for each in await world.log()] == [2, 1]


async def test_a_message_with_more_in_it_has_another_id(world: World) -> None:
    """The receiver may have taken the first one although we did not see it, and drops ids that it knows."""
    world.receiver.status = None
    await world.add("First")
    await world.tell()
    await world.add("Second")
    world.clock.advance(MINUTE)
    world.receiver.status = 200
    await world.tell()
    assert world.receiver.titles() == ["First", "Second"]
    assert len(set(world.receiver.ids)) == 2


async def test_what_changes_while_a_message_is_on_its_way_is_told_next(world: World) -> None:
    await world.add("First")
    world.receiver.meanwhile = lambda: world.add("Second")
    assert await world.tell() == 2
    assert [world.receiver.titles(0), world.receiver.titles(1)] == [["First"], ["Second"]]


async def test_pauses_grow_and_end_after_a_day(world: World) -> None:
    world.receiver.status = 503
    began = world.clock.now()
    await world.add("Lost?")
    pauses = []
    while (stands := await world.stands()).status is SubscriptionStatus.ACTIVE:
        await world.tell()
        stands = await world.stands()
        pauses.append(stands.not_before - world.clock.now())
        world.clock.advance(pauses[-1])
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (FIRST_PAUSE, LONGEST_PAUSE)
    assert timedelta(days=1) <= world.clock.now() - began <= timedelta(days=1, hours=2)
    world.clock.advance(timedelta(days=1))
    assert await world.tell() == 0


def test_pauses_are_spread() -> None:
    assert pause_after(3, jitter=0.0) == FIRST_PAUSE * 3
    assert FIRST_PAUSE * 4.9 < pause_after(3, jitter=0.999) < FIRST_PAUSE * 5
    assert pause_after(10_000, jitter=0.5) == LONGEST_PAUSE


async def test_who_says_to_be_gone_is_told_no_more(world: World) -> None:
    world.receiver.status = 410
    await world.add("Told once")
    assert await world.tell() == 1
    assert (await world.stands()).status is SubscriptionStatus.DISABLED


async def test_a_test_that_is_taken_lets_a_disabled_one_go_on_where_it_stopped(world: World) -> None:
    world.receiver.status = 410
    await world.add("Missed")
    await world.tell()
    failed = await world.service.test(world.user_id, world.subscription_id)
    assert (failed.succeeded, failed.status_code) == (False, 410)
    assert (await world.stands()).status is SubscriptionStatus.DISABLED
    world.receiver.status = 200
    passed = await world.service.test(world.user_id, world.subscription_id)
    assert passed.succeeded
    assert world.receiver.messages[-1]["type"] == "webhook.test"
    assert await world.tell() == 1
    assert world.receiver.titles() == ["Missed"]


async def test_a_process_that_died_is_replaced_after_its_lease(world: World) -> None:
    await world.add("Told after all")
    dead = await world.delivery.claim()
    assert dead is not None
    assert await world.tell() == 0
    world.clock.advance(LEASE)
    assert await world.tell() == 1
    world.receiver.status = 500
    await world.delivery.run(dead)
    stands = await world.stands()
    assert (stands.sent_seq, stands.last_error) == (1, None)
    assert len(await world.log()) == 1
    # What the slow one sent was the same message.
    assert len(set(world.receiver.ids)) == 1


async def test_a_receiver_that_was_away_too_long_is_told_to_read_everything(world: World) -> None:
    [gone] = await world.add("Gone")
    old = world.clock.now() - timedelta(days=400)
    await world.save(replace(gone, deleted_at=old, base=None))
    async with world.uow() as tx:
        await tx.users.lock(world.user_id)
        assert await tx.changes.forget(world.user_id, deleted_by=world.clock.now(), limit=9) == 1
    await world.add("New")
    assert await world.tell() == 1
    assert world.receiver.messages[-1]["type"] == "slots.expired"
    assert world.receiver.messages[-1]["data"] == {"seq": 3}
    await world.add("Newer")
    await world.tell()
    assert world.receiver.titles() == ["Newer"]


async def test_a_removed_one_is_told_no_more(world: World) -> None:
    await world.add("Never told")
    await world.service.remove(world.user_id, world.subscription_id)
    assert await world.tell() == 0
    with pytest.raises(UnknownSubscriptionError):
        await world.stands()


async def test_one_that_is_removed_while_it_is_told_leaves_nothing(world: World) -> None:
    await world.add("Told last")
    world.receiver.meanwhile = lambda: world.service.remove(world.user_id, world.subscription_id)
    assert await world.tell() == 1
    assert await world.service.all_of(world.user_id) == []


async def test_one_that_ended_after_it_was_claimed_is_told_nothing(world: World) -> None:
    """Whoever it was that subscribed, what changes from now on is none of their business."""
    await world.add("Before")
    claimed = await world.delivery.claim()
    assert claimed is not None
    await world.service.remove(world.user_id, world.subscription_id)
    await world.add("After")
    await world.delivery.run(claimed)
    assert world.receiver.requests == []


async def test_a_user_has_ten_at_most_and_none_inside_our_network(world: World) -> None:
    for _ in range(9):
        await world.service.create(world.user_id, URL, "")
    with pytest.raises(TooManySubscriptionsError):
        await world.service.create(world.user_id, URL, "")
    with pytest.raises(InvalidTargetError):
        await world.service.create(world.user_id, "https://169.254.169.254/", "")


async def test_the_secret_is_not_stored_in_clear(world: World) -> None:
    stands = await world.stands()
    assert world.secret.startswith("whsec_")
    assert world.secret.removeprefix("whsec_") not in repr(stands)
