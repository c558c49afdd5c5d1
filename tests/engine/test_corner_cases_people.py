"""What the sync does not decide alone: held deletions, quarantined slots, conflicts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.core.errors import ReadOnlySlotError, UnknownSlotError
from services.core.policy import BrakePolicy, LoopPolicy, SyncPolicy
from services.core.records import SyncState
from tests.engine.world import USER, World, make_world

if TYPE_CHECKING:
    from services.core.records import Slot
    from services.google.transport import HttpRequest


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


# The deletion brake.


async def held_world() -> tuple[World, list[Slot]]:
    """Twenty of thirty slots are held."""
    world = await make_world()
    await world.settle()
    events = [world.google.create(f"Event {number}") for number in range(30)]
    await world.pull()
    for event in events[:20]:
        world.google.delete(event["id"])
    await world.list_everything()
    held = [slot for slot in await world.all_slots() if slot.sync_state is SyncState.HELD]
    assert len(held) == 20
    return world, held


async def test_what_is_brought_back_here_is_not_held_where_everything_is_listed_first():
    world = await make_world()
    slots = [await world.create(f"Talk {number}") for number in range(30)]
    await world.settle()
    for slot in slots[:20]:
        await world.delete(slot)
    await world.settle()
    for slot in slots[:20]:
        await world.restore(slot)
    await world.list_everything()
    await world.settle()
    assert len(world.google.events()) == 30
    assert await world.review.holds(USER, after=None, limit=10) == []


async def test_a_held_slot_that_was_edited_survives_the_approval_with_a_conflict_to_resolve():
    world, held = await held_world()
    await world.edit(held[0], title="Edited while held")
    [hold] = await world.review.holds(USER, after=None, limit=10)
    await world.review.approve(USER, hold.id)
    await world.settle()
    assert "Edited while held" in {event["summary"] for event in world.google.events()}
    assert len(await world.all_slots()) == 11
    await judge_conflicts(world)
    [conflict] = await world.review.conflicts(USER, after=None, limit=10)
    assert (conflict.group, conflict.losing_value) == ("deleted", "deleted")
    await world.review.resolve(USER, conflict.id, "loser")
    await world.settle()
    assert len(await world.all_slots()) == 10
    assert len(world.google.events()) == 10


async def test_a_held_slot_that_was_deleted_stays_deleted_after_a_rejection():
    world, held = await held_world()
    await world.delete(held[0])
    assert held[0].google is not None
    # It is there after all.
    world.google.edit(held[0].google.event_id, status="confirmed")
    [hold] = await world.review.holds(USER, after=None, limit=10)
    await world.review.reject(USER, hold.id)
    await world.settle(within=timedelta(seconds=5))
    await world.pull()
    assert len(await world.all_slots()) == 29
    assert len(world.google.events()) == 29


async def test_held_slots_that_reappear_are_free_again():
    world, held = await held_world()
    for slot in held[:5]:
        assert slot.google is not None
        world.google.edit(slot.google.event_id, status="confirmed", location="Back")
    await world.pull()
    states = Counter(slot.sync_state for slot in await world.all_slots())
    assert states == {SyncState.HELD: 15, SyncState.SYNCED: 15}
    [hold] = await world.review.holds(USER, after=None, limit=10)
    await world.review.reject(USER, hold.id)
    await world.settle()
    assert len(world.google.events()) == 30
    await judge_conflicts(world)


async def test_a_rejection_of_what_is_there_after_all_makes_no_conflict():
    world, held = await held_world()
    for slot in held:
        assert slot.google is not None
        world.google.edit(slot.google.event_id, status="confirmed", location="Back")
    [hold] = await world.review.holds(USER, after=None, limit=10)
    await world.review.reject(USER, hold.id)
    await world.settle(within=timedelta(seconds=5))
    assert {slot.content.location for slot in await world.all_slots()} == {"", "Back"}
    assert await world.review.conflicts(USER, after=None, limit=10) == []


async def test_a_second_hold_leaves_the_first_alone():
    world, _ = await held_world()
    for event in world.google.events():
        world.google.delete(event["id"])
    more = [world.google.create(f"More {number}") for number in range(20)]
    await world.pull()
    for event in more:
        world.google.delete(event["id"])
    world.google.call("POST", "/sync-tokens/invalidate", {})
    await world.pull()
    holds = await world.review.holds(USER, after=None, limit=10)
    for hold in holds:
        await world.review.approve(USER, hold.id)
    await world.settle()
    assert await world.all_slots() == []


# The circuit breaker.


async def test_a_quarantine_ends_also_when_nothing_is_left_to_do():
    policy = replace(SyncPolicy(), loop=LoopPolicy(limit=1, cooldown=timedelta(minutes=1)))
    world = await make_world(policy=policy)
    slot, event_id = await world.linked()
    numbers = iter(range(3))

    async def both_edit(request: HttpRequest) -> None:
        if request.method == "PATCH" and (number := next(numbers, None)) is not None:
            world.google.edit(event_id, summary=f"google {number}")
            await world.edit(await world.slot(slot.id), title=f"app {number}")

    world.transport.before = both_edit
    await world.edit(slot, title="app")
    await world.settle(within=timedelta(hours=1))
    assert (await world.slot(slot.id)).quarantined_until is None


async def test_a_slot_that_is_deleted_on_both_sides_leaves_the_quarantine():
    policy = replace(SyncPolicy(), loop=LoopPolicy(limit=1, cooldown=timedelta(minutes=10)))
    world = await make_world(policy=policy)
    slot, event_id = await world.linked()
    for number in range(4):
        await world.edit(await world.slot(slot.id), title=f"app {number}")
        await world.settle(within=timedelta(0))
        world.google.edit(event_id, summary=f"google {number}")
        await world.pull()
    assert (await world.slot(slot.id)).sync_state is SyncState.QUARANTINED
    await world.delete(await world.slot(slot.id))
    world.google.delete(event_id)
    await world.list_everything()
    await world.settle(within=timedelta(hours=1))
    found = await world.slot(slot.id)
    assert (found.quarantined_until, found.local) == (None, None)


async def test_deleting_a_quarantined_slot_reaches_google_in_the_end():
    policy = replace(SyncPolicy(), loop=LoopPolicy(limit=1, cooldown=timedelta(minutes=10)))
    world = await make_world(policy=policy)
    slot, event_id = await world.linked()
    for number in range(4):
        await world.edit(await world.slot(slot.id), title=f"app {number}")
        await world.settle(within=timedelta(0))
        world.google.edit(event_id, summary=f"google {number}")
        await world.pull()
    found = await world.slot(slot.id)
    assert found.sync_state is SyncState.QUARANTINED
    await world.delete(found)
    await world.settle(within=timedelta(hours=3))
    found = await world.slot(slot.id)
    assert found.quarantined_until is None
    live = [event["summary"] for event in world.google.events()]
    assert live == ([] if found.local is None else [found.local.title])
    await judge_conflicts(world)


# What waits for a person.


async def test_a_conflict_of_a_slot_that_is_read_only_by_now_changes_nothing(world: World):
    slot, event_id = await world.linked("Original")
    world.google.edit(event_id, summary="by Google")
    await world.edit(slot, title="by the app")
    await world.settle()
    await world.pull()
    [conflict] = await world.review.conflicts(USER, after=None, limit=10)
    world.google.edit(event_id, locked=True)
    await world.pull()
    assert (await world.slot(slot.id)).google is not None
    world.google.forget_requests()
    with pytest.raises(ReadOnlySlotError):
        await world.review.resolve(USER, conflict.id, "loser")
    await world.review.resolve(USER, conflict.id, "winner")
    await judge_conflicts(world)


async def test_a_conflict_of_a_deleted_slot_does_not_bring_it_back(world: World):
    slot, event_id = await world.linked("Original")
    world.google.edit(event_id, summary="by Google")
    await world.edit(slot, title="by the app")
    await world.settle()
    await world.pull()
    [conflict] = await world.review.conflicts(USER, after=None, limit=10)
    await world.delete(slot)
    with pytest.raises(UnknownSlotError):
        await world.review.resolve(USER, conflict.id, "loser")
    await world.review.resolve(USER, conflict.id, "winner")
    await world.settle()
    assert world.google.events() == []
    await judge_conflicts(world)


async def test_an_event_that_becomes_a_series_keeps_the_edit_that_was_under_way(world: World):
    slot, event_id = await world.linked()
    await world.edit(slot, title="Renamed")
    world.google.edit(event_id, recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"])
    await world.settle()
    await world.pull()
    event = world.google.event(event_id)
    assert (event["summary"], event["recurrence"]) == ("Renamed", ["RRULE:FREQ=WEEKLY;COUNT=5"])
    found = await world.slot(slot.id)
    assert (found.content.title, found.sync_state) == ("Renamed", SyncState.SYNCED)


async def test_a_small_brake_holds_and_lets_go():
    policy = replace(SyncPolicy(), brake=BrakePolicy(minimum=1, percent=10))
    world = await make_world(policy=policy)
    await world.settle()
    events = [world.google.create(f"Event {number}") for number in range(4)]
    await world.pull()
    for event in events[:3]:
        world.google.delete(event["id"])
    await world.list_everything()
    [hold] = await world.review.holds(USER, after=None, limit=10)
    await world.review.reject(USER, hold.id)
    await world.settle()
    await world.pull()
    assert len(world.google.events()) == 4


async def judge_conflicts(world: World) -> None:
    """Each slot knows how many conflicts of it are open."""
    conflicts = await world.review.conflicts(USER, after=None, limit=10_000)
    of_slot = Counter(conflict.slot_id for conflict in conflicts)
    for slot in await world.all_slots(deleted=True):
        assert slot.open_conflicts == of_slot[slot.id]
