"""Corners in which an edit could be undone or doubled, or somebody mailed unasked: the push."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from services.core.records import SyncState
from tests.engine.interruptions import Pausable
from tests.engine.world import USER, World, make_world

if TYPE_CHECKING:
    from services.core.records import Slot
    from services.google.transport import HttpRequest, HttpResponse


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


# The push: an outcome that is unknown stays unknown until Google was asked.


@pytest.mark.parametrize(
    "mishap",
    [
        {"kind": "answer", "status": 429, "reason": "rateLimitExceeded"},
        {"kind": "answer", "status": 403, "reason": "quotaExceeded"},
        {"kind": "answer", "status": 403, "reason": "forbidden"},
        {"kind": "drop_before"},
    ],
)
async def test_an_edit_survives_a_lost_answer_and_a_refused_look(world: World, mishap: dict[str, Any]):
    world.google.fault("commit_then_drop", method="POST")
    slot = await world.create("First")
    await world.run_once()
    await world.edit(slot, title="Second")
    world.google.fault(method="GET", **mishap)
    await world.settle(within=timedelta(hours=3))
    if (await world.slot(slot.id)).failure is not None:
        await world.edit(await world.slot(slot.id), location="Hall")
        await world.settle(within=timedelta(hours=3))
    assert [event["summary"] for event in world.google.events()] == ["Second"]
    assert (await world.slot(slot.id)).content.title == "Second"
    assert await world.review.conflicts(USER, after=None, limit=10) == []


async def stopped_before_it_sends(world: World, slot: Slot) -> Pausable:
    """A run that has noted what it is about to send, and then stands still beyond its lease."""
    claim = await world.engine.claim()
    assert claim is not None
    world.uow.waits = True
    frozen = Pausable(world.engine.run(claim), world.uow)
    while (await world.slot(slot.id)).sent is None:
        assert not await frozen.go(steps=1)
    world.uow.waits = False
    world.clock.advance(world.policy.lease * 2)
    return frozen


@pytest.mark.parametrize(
    "mishap",
    [
        {"kind": "drop_before"},
        {"kind": "answer", "status": 429, "reason": "rateLimitExceeded"},
        {"kind": "answer", "status": 400, "reason": "invalid"},
    ],
)
async def test_an_insert_that_arrives_when_all_is_over_makes_no_second_event(
    world: World, mishap: dict[str, Any]
):
    """A process stands still before it sends; another looks, finds nothing, and the person goes on."""
    slot = await world.create("First")
    frozen = await stopped_before_it_sends(world, slot)
    claim = await world.other_engine.claim()
    assert claim is not None
    world.google.fault(**mishap, method="POST")
    await world.other_engine.run(claim)
    await world.edit(slot, title="Second")
    assert await frozen.go(steps=None)
    await world.settle()
    await world.pull()
    [event] = world.google.events()
    kept = {str(each.losing_value) for each in await world.review.conflicts(USER, after=None, limit=10)}
    assert "Second" in kept | {event["summary"]}
    assert (await world.slot(slot.id)).content.title == event["summary"]


async def test_a_deletion_is_not_undone_by_the_insert_before_it_that_arrives_late(world: World):
    """A process stands still before it sends; another looks, finds nothing, and so there is nothing to do."""
    slot = await world.create("First")
    frozen = await stopped_before_it_sends(world, slot)
    await world.delete(slot)
    claim = await world.other_engine.claim()
    assert claim is not None
    await world.other_engine.run(claim)
    assert (await world.slot(slot.id)).sync_state is SyncState.SYNCED
    assert await frozen.go(steps=None)
    assert [event["summary"] for event in world.google.events()] == ["First"]
    await world.pull()
    await world.settle()
    assert world.google.events() == []
    assert (await world.slot(slot.id)).deleted_at is not None


async def test_an_older_insert_that_arrives_before_a_newer_one_takes_no_edit_away(world: World):
    """And whoever sent the newer one dies before it can store that it was refused."""
    slot = await world.create("First")
    frozen = await stopped_before_it_sends(world, slot)
    await world.edit(slot, title="Second")
    world.clock.advance(timedelta(seconds=1))

    async def overtaken(request: HttpRequest) -> None:
        if request.method == "POST":
            world.transport.before = dying
            assert await frozen.go(steps=None)

    async def dying(request: HttpRequest) -> None:
        if request.method == "GET":
            world.transport.before = None
            raise asyncio.CancelledError

    claim = await world.other_engine.claim()
    assert claim is not None
    world.transport.before = overtaken
    with pytest.raises(asyncio.CancelledError):
        await world.other_engine.run(claim)
    await world.pull()
    [event] = world.google.events()
    kept = {str(each.losing_value) for each in await world.review.conflicts(USER, after=None, limit=10)}
    assert "Second" in kept | {event["summary"]}
    assert (await world.slot(slot.id)).content.title == event["summary"]


async def test_a_deletion_of_what_an_older_insert_brought_takes_no_edit_away(world: World):
    """The edit is on its way when the older insert arrives, and what that has made is deleted in Google."""
    slot = await world.create("First")
    frozen = await stopped_before_it_sends(world, slot)
    await world.edit(slot, title="Second")

    async def overtaken(request: HttpRequest) -> None:
        if request.method == "POST":
            world.transport.before = None
            assert await frozen.go(steps=None)
            [event] = world.google.events()
            world.google.delete(event["id"])
            raise asyncio.CancelledError

    claim = await world.other_engine.claim()
    assert claim is not None
    world.transport.before = overtaken
    with pytest.raises(asyncio.CancelledError):
        await world.other_engine.run(claim)
    await world.pull()
    await world.settle()
    assert [event["summary"] for event in world.google.events()] == ["Second"]
    [conflict] = await world.review.conflicts(USER, after=None, limit=10)
    assert (conflict.group, conflict.winner, conflict.losing_value) == ("deleted", "local", "deleted")


@pytest.mark.parametrize(
    ("there", "kept"), [({}, []), ({"description": "Bring a towel"}, []), ({"summary": "Third"}, ["Second"])]
)
async def test_what_an_older_insert_brought_is_no_edit_of_somebody_else(
    world: World, there: dict[str, Any], kept: list[str]
):
    """By the clocks it came after the edit; but whoever edited the slot had seen just that."""
    slot = await world.create("First")
    frozen = await stopped_before_it_sends(world, slot)
    await world.edit(slot, title="Second")
    world.clock.advance(timedelta(seconds=1))

    async def overtaken(request: HttpRequest) -> None:
        if request.method == "POST":
            world.transport.before = None
            assert await frozen.go(steps=None)
            if there:
                [event] = world.google.events()
                world.google.edit(event["id"], **there)

    claim = await world.other_engine.claim()
    assert claim is not None
    world.transport.before = overtaken
    await world.other_engine.run(claim)
    await world.settle()
    await world.pull()
    [event] = world.google.events()
    assert event["summary"] == there.get("summary", "Second")
    assert event.get("description") == there.get("description")
    conflicts = await world.review.conflicts(USER, after=None, limit=10)
    assert [each.losing_value for each in conflicts] == kept


async def test_a_restored_slot_does_not_overwrite_what_happened_to_its_event_meanwhile(world: World):
    slot, event_id = await world.linked()
    await world.delete(slot)
    await world.settle()
    world.clock.advance(timedelta(seconds=10))
    # A person takes the event out of Google's bin and goes on with it; no notification has come yet.
    world.google.edit(event_id, status="confirmed", location="Hall B")
    await world.restore(slot)
    await world.settle(within=timedelta(seconds=5))
    await world.pull()
    [event] = world.google.events()
    assert (event["summary"], event["location"]) == ("Talk", "Hall B")
    assert (await world.slot(slot.id)).content.location == "Hall B"


async def unanswered_revival(world: World, mishap: str) -> tuple[Slot, str]:
    """A slot that was edited while its event was deleted, and whose revival got no answer."""
    slot, event_id = await world.linked()
    world.google.delete(event_id)
    await world.edit(slot, location="Hall A")
    world.google.fault(mishap, method="PATCH", skip=1)
    await world.run_once()
    slot = await world.slot(slot.id)
    assert slot.sent is not None
    return slot, event_id


async def test_an_event_that_somebody_else_took_out_of_the_bin_is_no_proof_that_ours_arrived(world: World):
    slot, event_id = await unanswered_revival(world, "drop_before")
    world.google.edit(event_id, status="confirmed")
    await world.settle()
    await world.pull()
    kept = {str(each.losing_value) for each in await world.review.conflicts(USER, after=None, limit=10)}
    assert "Hall A" in kept | {(await world.slot(slot.id)).content.location}


async def test_an_edit_after_an_unanswered_revival_stands_whoever_edits_something_else(world: World):
    slot, event_id = await unanswered_revival(world, "commit_then_drop")
    world.google.call("POST", "/clock", {"offset_s": 3600})
    world.google.edit(event_id, location="Hall B")
    await world.edit(slot, title="Talk, renamed")
    await world.settle()
    await world.pull()
    assert world.google.event(event_id)["summary"] == "Talk, renamed"
    assert (await world.slot(slot.id)).content.title == "Talk, renamed"


async def test_an_event_whose_mark_is_gone_is_still_known_by_its_id(world: World):
    """Another program may replace an event as a whole, private properties included."""
    world.google.fault("commit_then_drop", method="POST")
    slot = await world.create("Mine")
    await world.run_once()
    [event] = world.google.events()
    world.google.edit(event["id"], extendedProperties=None)
    await world.pull()
    await world.settle()
    assert [each["summary"] for each in world.google.events()] == ["Mine"]
    assert [each.id for each in await world.all_slots()] == [slot.id]


async def test_a_copy_of_an_event_is_another_slot(world: World):
    slot, event_id = await world.linked()
    original = world.google.event(event_id)
    copy = {"extendedProperties": original["extendedProperties"]}
    world.google.create("Talk", **copy)
    await world.pull()
    slots = await world.all_slots()
    assert len(slots) == 2
    assert slot.id in {each.id for each in slots}
    assert len(world.google.events()) == 2


async def test_an_answer_that_cannot_be_read_does_not_undo_the_next_edit(world: World):
    slot, event_id = await world.linked()

    async def odd(request: HttpRequest) -> None:
        if request.method == "PATCH":
            world.google.edit(event_id, start={"dateTime": "some day"}, end={"dateTime": "some day"})

    def odd_answer(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        if request.method != "PATCH":
            return answer
        document = orjson.loads(answer.body) | {"start": {"dateTime": "some day"}}
        return replace(answer, body=orjson.dumps(document))

    world.transport.answered = odd_answer
    await world.edit(slot, title="Second")
    await world.settle()
    world.transport.answered = None
    await world.edit(slot, title="Third")
    world.google.call("POST", "/clock", {"offset_s": 3600})
    await world.settle()
    assert world.google.event(event_id)["summary"] == "Third"
    assert await world.review.conflicts(USER, after=None, limit=10) == []


async def test_slots_that_google_chokes_on_hold_up_nobody(world: World):
    """Three of them look like an outage, were it not that Google answers everything else."""
    odd = [await world.linked(f"Odd {number}") for number in range(3)]
    good, _ = await world.linked("Good")
    paths = "|".join(event_id for _, event_id in odd)
    world.google.fault("answer", method="PATCH", path=f"({paths})$", times=1000, status=500)
    for slot, _ in odd:
        await world.edit(slot, location="Nowhere")
    await world.settle(within=timedelta(hours=2))
    for number in range(5):
        title = f"Good {number}"
        await world.edit(good, title=title)
        other = world.google.create(f"Other {number}")
        await world.pull()
        titles = {slot.content.title for slot in await world.all_slots()}
        assert {title, other["summary"]} <= titles
        assert (await world.slot(good.id)).sync_state is SyncState.SYNCED
        assert (await world.calendar()).attempts == 0
        world.clock.advance(timedelta(minutes=7))
    for slot, _ in odd:
        found = await world.slot(slot.id)
        assert (found.sync_state, found.content.location) == (SyncState.FAILED, "Nowhere")


# Mail only when asked.


def wishes(world: World) -> list[str]:
    """What our calls asked Google to do about mail, call by call."""
    return [call["query"]["sendUpdates"][0] for call in world.google.requests() if call["method"] == "PATCH"]


async def test_a_wish_to_notify_ends_with_the_edit_that_was_taken_back(world: World):
    event = world.google.create("Meeting", attendees=[{"email": "bob@example.com"}])
    await world.pull()
    [slot] = await world.all_slots()
    await world.edit(slot, "all", title="Meeting!")
    await world.edit(slot, title="Meeting")
    await world.settle()
    await world.edit(slot, location="Room 1")
    await world.settle()
    assert world.google.event(event["id"])["location"] == "Room 1"
    assert world.google.call("GET", "/mails")["mails"] == []


async def test_a_wish_to_notify_is_spent_by_the_call_that_carried_it(world: World):
    event = world.google.create("Meeting", attendees=[{"email": "bob@example.com"}])
    await world.pull()
    [slot] = await world.all_slots()
    once = iter([True])

    async def edits_meanwhile(request: HttpRequest) -> None:
        if request.method == "PATCH" and next(once, False):
            await world.edit(slot, location="Room 1")

    world.transport.before = edits_meanwhile
    await world.edit(slot, "all", title="Meeting!")
    await world.settle()
    assert world.google.event(event["id"])["location"] == "Room 1"
    assert wishes(world) == ["all", "none"]


@pytest.mark.parametrize("kind", ["rate", "overtaken", "lost"])
async def test_a_wish_to_notify_outlives_a_call_that_did_nothing(world: World, kind: str):
    event = world.google.create("Meeting", attendees=[{"email": "bob@example.com"}])
    await world.pull()
    [slot] = await world.all_slots()
    if kind == "rate":
        world.google.fault("answer", method="PATCH", status=429, reason="rateLimitExceeded")
    elif kind == "lost":
        world.google.fault("drop_before", method="PATCH")
    else:
        world.google.edit(event["id"], location="Room 1")
    await world.edit(slot, "all", title="Meeting!")
    await world.settle()
    assert set(wishes(world)) == {"all"}
    assert len(world.google.call("GET", "/mails")["mails"]) == 1
    assert (await world.slot(slot.id)).notify == "none"


async def test_a_deletion_is_not_undone_by_the_edit_before_it_that_arrives_late():
    world = await make_world()
    slot, event_id = await world.linked()
    world.google.fault("drop_before", method="PATCH")
    await world.edit(slot, title="Renamed")
    await world.run_once()
    await world.delete(slot)

    async def arrives(request: HttpRequest) -> None:
        if request.method == "DELETE":
            world.transport.before = None
            world.google.edit(event_id, summary="Renamed")

    world.transport.before = arrives
    await world.settle()
    assert world.transport.before is None
    assert world.google.events() == []
    assert await world.review.conflicts(USER, after=None, limit=10) == []


async def test_what_is_brought_back_here_before_google_took_its_deletion_is_looked_at(world: World):
    slot, event_id = await world.linked()
    world.google.create("Dentist")
    world.google.delete(event_id)
    await world.delete(slot)
    world.google.fault("answer", method="DELETE", status=403, reason="forbidden")
    await world.list_everything()
    await world.restore(slot)
    await world.settle()
    shown = {each.google and each.google.event_id for each in await world.all_slots()}
    assert shown == {event["id"] for event in world.google.events()}
