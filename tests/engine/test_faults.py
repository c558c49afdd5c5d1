"""What goes wrong between us and Google, one story each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.core.policy import LoopPolicy, SyncPolicy
from services.core.records import SyncState
from tests.engine.world import EMAIL, USER, World, make_world


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


@pytest.mark.parametrize("kind", ["commit_then_drop", "drop_before", "truncate", "html_503"])
async def test_an_insert_without_an_answer_leaves_exactly_one_event(world: World, kind: str):
    world.google.fault(kind, method="POST")
    slot = await world.create("Once")
    await world.settle()
    assert [event["summary"] for event in world.google.events()] == ["Once"]
    assert (await world.slot(slot.id)).sync_state is SyncState.SYNCED


@pytest.mark.parametrize("kind", ["commit_then_drop", "drop_before", "truncate", "html_503"])
async def test_a_patch_without_an_answer_is_applied_once(world: World, kind: str):
    slot = await world.create("Before")
    await world.settle()
    world.google.fault(kind, method="PATCH")
    await world.edit(slot, title="After")
    await world.settle()
    assert [event["summary"] for event in world.google.events()] == ["After"]
    assert (await world.slot(slot.id)).sync_state is SyncState.SYNCED
    assert await world.review.conflicts(USER, after=None, limit=10) == []


@pytest.mark.parametrize("kind", ["commit_then_drop", "drop_before", "html_503"])
async def test_a_deletion_without_an_answer_is_final(world: World, kind: str):
    slot = await world.create("Gone")
    await world.settle()
    world.google.fault(kind, method="DELETE")
    await world.delete(slot)
    await world.settle()
    assert world.google.events() == []
    assert (await world.slot(slot.id)).sync_state is SyncState.SYNCED


async def test_an_edit_made_while_an_answer_was_lost_survives_any_clock(world: World):
    """Google's clock is an hour ahead, so by the clocks our own older write would win."""
    world.google.call("POST", "/clock", {"offset_s": 3600})
    slot = await world.create("First")
    await world.settle()
    world.google.fault("commit_then_drop", method="PATCH")
    await world.edit(slot, title="Second")
    claim = await world.engine.claim()
    assert claim is not None
    await world.engine.run(claim)
    await world.edit(slot, title="Third")
    await world.settle()
    assert world.google.events()[0]["summary"] == "Third"
    assert (await world.slot(slot.id)).content.title == "Third"
    assert await world.review.conflicts(USER, after=None, limit=10) == []


async def test_a_slot_restored_while_its_deletion_was_under_way_stays(world: World):
    slot = await world.create("Wanted")
    await world.settle()
    world.google.fault("commit_then_drop", method="DELETE")
    await world.delete(slot)
    claim = await world.engine.claim()
    assert claim is not None
    await world.engine.run(claim)
    await world.restore(slot)
    await world.settle()
    await world.pull()
    assert [event["summary"] for event in world.google.events()] == ["Wanted"]
    assert (await world.slot(slot.id)).local is not None


async def test_somebody_is_faster_each_time_until_both_edits_stand(world: World):
    slot = await world.create("Talk")
    await world.settle()
    [event] = world.google.events()
    locations = iter(["A", "B"])

    async def overtake(request) -> None:
        if request.method == "PATCH" and (location := next(locations, None)):
            world.google.edit(event["id"], location=location)

    world.transport.before = overtake
    await world.edit(slot, title="Talk (long)")
    await world.settle()
    after = world.google.events()[0]
    assert (after["summary"], after["location"]) == ("Talk (long)", "B")


async def test_an_expired_token_lists_everything_and_removes_what_vanished(world: World):
    kept, gone = world.google.create("Kept"), world.google.create("Gone")
    await world.pull()
    pending = await world.create("Pending")
    world.google.call("POST", "/sync-tokens/invalidate", {})
    world.google.delete(gone["id"])
    world.google.edit(kept["id"], summary="Kept and renamed")
    await world.edit(pending, title="Pending, edited")
    await world.pull()
    titles = sorted(slot.content.title for slot in await world.all_slots())
    assert titles == ["Kept and renamed", "Pending, edited"]
    assert sorted(event["summary"] for event in world.google.events()) == titles


async def test_an_empty_listing_by_mistake_deletes_nothing(world: World):
    for number in range(5):
        world.google.create(f"Event {number}")
    await world.pull()
    world.google.call("POST", "/sync-tokens/invalidate", {})
    world.google.call(
        "POST",
        "/listings/glitch",
        {"kind": "nothing_there", "account": EMAIL, "calendar": "primary", "times": 1},
    )
    await world.pull()
    assert len(await world.all_slots()) == 5


async def test_a_mass_deletion_is_held_until_a_person_agrees(world: World):
    events = [world.google.create(f"Event {number}") for number in range(30)]
    await world.pull()
    world.google.call("POST", "/sync-tokens/invalidate", {})
    for event in events[:20]:
        world.google.delete(event["id"])
    await world.pull()
    slots = await world.all_slots()
    assert len(slots) == 30
    assert sum(slot.sync_state is SyncState.HELD for slot in slots) == 20
    [hold] = await world.review.holds(USER, after=None, limit=10)
    assert (hold.held, hold.known) == (20, 30)
    await world.review.approve(USER, hold.id)
    await world.settle()
    assert len(await world.all_slots()) == 10


async def test_a_rejected_mass_deletion_brings_the_events_back(world: World):
    events = [world.google.create(f"Event {number}") for number in range(30)]
    await world.pull()
    world.google.call("POST", "/sync-tokens/invalidate", {})
    for event in events[:20]:
        world.google.delete(event["id"])
    await world.pull()
    [hold] = await world.review.holds(USER, after=None, limit=10)
    await world.review.reject(USER, hold.id)
    await world.settle()
    await world.pull()
    assert len(world.google.events()) == 30
    assert {slot.sync_state for slot in await world.all_slots()} == {SyncState.SYNCED}


async def test_one_event_that_google_refuses_stops_nobody_else(world: World):
    world.google.fault("answer", method="POST", status=400, reason="invalid")
    bad = await world.create("Refused")
    good = await world.create("Fine")
    await world.settle()
    assert (await world.slot(good.id)).sync_state is SyncState.SYNCED
    refused = await world.slot(bad.id)
    assert refused.sync_state is SyncState.FAILED
    assert refused.failure is not None
    assert refused.failure.next_attempt_at is None
    await world.edit(bad, title="Refused no more")
    await world.settle()
    assert (await world.slot(bad.id)).sync_state is SyncState.SYNCED


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, "rateLimitExceeded"),
        (429, "rateLimitExceeded"),
        (403, "userRateLimitExceeded"),
        (503, "backendError"),
    ],
)
async def test_google_that_is_busy_is_left_alone_and_then_served(world: World, status: int, reason: str):
    world.google.fault("answer", times=4, status=status, reason=reason)
    slot = await world.create("Patient")
    await world.settle(within=timedelta(minutes=5))
    assert (await world.slot(slot.id)).sync_state is SyncState.SYNCED
    assert len(world.google.events()) == 1


async def test_a_down_google_keeps_every_edit_until_it_is_back(world: World):
    world.google.fault("drop_before", times=20)
    slots = [await world.create(f"Slot {number}") for number in range(10)]
    await world.settle(within=timedelta(seconds=30))
    assert (await world.calendar()).attempts > 0
    await world.settle(within=timedelta(hours=2))
    assert len(world.google.events()) == 10
    assert {(await world.slot(slot.id)).sync_state for slot in slots} == {SyncState.SYNCED}


async def test_two_bots_that_overwrite_each_other_are_cut_off_while_others_go_on():
    policy = replace(SyncPolicy(), loop=LoopPolicy(limit=4, cooldown=timedelta(minutes=10)))
    world = await make_world(policy=policy)
    fought, calm = await world.create("Fought over"), await world.create("Calm")
    await world.settle()
    event = next(each for each in world.google.events() if each["summary"] == "Fought over")
    for number in range(20):
        await world.edit(fought, title=f"app {number}")
        await world.settle(within=timedelta(0))
        world.clock.advance(timedelta(seconds=1))
        world.google.edit(event["id"], summary=f"google {number}")
        await world.pull()
        world.clock.advance(timedelta(seconds=1))
    assert (await world.slot(fought.id)).sync_state is SyncState.QUARANTINED
    patches = [call for call in world.google.requests() if call["method"] == "PATCH"]
    assert len(patches) <= 5

    await world.edit(calm, title="Calm, edited")
    await world.settle(within=timedelta(seconds=5))
    assert (await world.slot(calm.id)).sync_state is SyncState.SYNCED

    await world.settle(within=timedelta(hours=1))
    healed = await world.slot(fought.id)
    assert healed.quarantined_until is None
    assert healed.content.title == world.google.event(event["id"])["summary"]
    assert not healed.needs_attention


async def test_a_paused_worker_that_lost_its_lease_stores_nothing(world: World):
    world.google.create("Seen by the second worker")
    async with world.uow() as tx:
        await tx.calendars.mark_due(USER, "primary", now=world.clock.now(), pull=True)
    first = await world.engine.claim()
    assert first is not None
    world.clock.advance(world.policy.lease * 2)
    second = await world.engine.claim()
    assert second is not None
    await world.engine.run(second)
    before = await world.calendar()
    await world.engine.run(first)
    assert await world.calendar() == before
    assert len(await world.all_slots()) == 1


async def test_a_trigger_in_the_middle_of_a_run_is_not_lost(world: World):
    once = iter([True])

    async def notified_meanwhile(request) -> None:
        if request.method == "GET" and next(once, False):
            world.google.create("Created after the page was read")
            async with world.uow() as tx:
                await tx.calendars.mark_due(USER, "primary", now=world.clock.now(), pull=True)

    world.transport.after = notified_meanwhile
    async with world.uow() as tx:
        await tx.calendars.mark_due(USER, "primary", now=world.clock.now(), pull=True)
    await world.settle(within=timedelta(0))
    assert len(await world.all_slots()) == 1


async def test_at_rest_nothing_is_written_anywhere(world: World):
    for number in range(3):
        world.google.create(f"Google {number}")
        await world.create(f"App {number}")
    await world.pull()
    before = await world.all_slots(deleted=True)
    events = world.google.events(deleted=True)
    world.google.forget_requests()
    for _ in range(10):
        await world.pull()
    assert await world.all_slots(deleted=True) == before
    assert world.google.events(deleted=True) == events
    assert {call["method"] for call in world.google.requests()} == {"GET"}
    assert len(world.google.requests()) == 10
