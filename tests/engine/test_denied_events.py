"""Events that Google denies, and what is made anew: each thing is there once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.engine.world import EMAIL, USER, make_world

if TYPE_CHECKING:
    from services.google.transport import HttpRequest


@pytest.mark.parametrize("refused", ["PATCH", "GET"])
async def test_an_event_that_google_denies_once_by_mistake_is_not_made_anew(refused: str):
    world = await make_world()
    slot, event_id = await world.linked()
    if refused == "GET":
        world.google.fault("answer", method="PATCH", status=412, reason="conditionNotMet")
    world.google.fault("answer", method=refused, path="/events/.+", status=404, reason="notFound")
    await world.edit(slot, title="Renamed")
    await world.settle()
    assert [(event["id"], event["summary"]) for event in world.google.events()] == [(event_id, "Renamed")]


async def test_a_revival_without_an_answer_that_google_denies_once_by_mistake_is_not_made_anew():
    world = await make_world()
    event_id = world.google.create("Talk")["id"]
    await world.pull()
    [slot] = await world.all_slots()
    world.google.delete(event_id)
    await world.edit(slot, title="Renamed")
    world.google.fault("commit_then_drop", method="PATCH", skip=1)
    world.google.fault("answer", method="GET", path="/events/.+", skip=2, status=404, reason="notFound")
    await world.settle()
    assert [(event["id"], event["summary"]) for event in world.google.events()] == [(event_id, "Renamed")]


async def test_what_both_sides_bring_back_is_there_once_though_google_denies_it_once_by_mistake():
    world = await make_world()
    slot, event_id = await world.linked()
    world.google.delete(event_id)
    await world.pull()
    world.google.edit(event_id, status="confirmed")
    await world.restore(slot)
    world.google.fault("answer", method="GET", path="/events/.+", status=404, reason="notFound")
    await world.settle()
    assert [event["id"] for event in world.google.events()] == [event_id]


@pytest.mark.parametrize("forgotten", [True, False])
async def test_what_comes_back_where_google_denies_its_tombstone_is_made_anew(*, forgotten: bool):
    world = await make_world()
    slot, event_id = await world.linked()
    await world.delete(slot)
    await world.settle()
    if forgotten:
        world.google.sandbox._world.calendars.log(EMAIL).drop(event_id)
    await world.restore(slot)
    if not forgotten:
        world.google.fault("answer", method="PATCH", status=404, reason="notFound")
    await world.settle()
    [event] = world.google.events()
    assert event["summary"] == slot.content.title
    assert [each.google and each.google.event_id for each in await world.all_slots()] == [event["id"]]


@pytest.mark.parametrize("status", [404, 403])
async def test_what_is_brought_back_in_google_when_it_is_about_to_be_made_anew_is_there_once(status: int):
    world = await make_world()
    event_id = world.google.create("Talk")["id"]
    await world.pull()
    [slot] = await world.all_slots()
    world.google.delete(event_id)
    world.clock.advance(timedelta(minutes=1))
    await world.edit(slot, location="Hall")
    world.google.fault("answer", method="PATCH", status=status, reason="forbidden")

    async def is_brought_back(_: HttpRequest) -> None:
        if (await world.slot(slot.id)).google is None:
            world.transport.before = None
            world.google.edit(event_id, status="confirmed", description="Found in the bin")

    world.transport.before = is_brought_back
    await world.pull()
    assert world.transport.before is None
    [event] = world.google.events()
    assert (event["id"], event["location"], event["description"]) == (event_id, "Hall", "Found in the bin")
    assert [each.google and each.google.event_id for each in await world.all_slots()] == [event_id]


async def test_what_was_brought_back_and_listed_before_its_slot_was_made_anew_stays_a_slot_by_itself():
    world = await make_world()
    event_id = world.google.create("Talk")["id"]
    await world.pull()
    [slot] = await world.all_slots()
    world.google.delete(event_id)
    await world.edit(slot, location="Hall")
    world.google.fault("answer", method="PATCH", status=403, reason="forbidden")
    world.google.fault("answer", method="POST", status=503, reason="backendError")
    await world.notified()
    await world.run_once()
    assert (await world.slot(slot.id)).google is None
    world.google.edit(event_id, status="confirmed")
    await world.pull()
    await world.settle(within=timedelta(hours=1))
    events = {event["id"] for event in world.google.events()}
    assert event_id in events
    assert {each.google and each.google.event_id for each in await world.all_slots()} == events


async def test_what_comes_back_while_everything_is_listed_is_there_once_though_google_denies_it_once():
    world = await make_world()
    slot, event_id = await world.linked()
    other = world.google.create("Dentist")["id"]
    await world.delete(slot)
    await world.pull()
    await world.restore(slot)
    world.google.fault("answer", method="GET", path="/events/.+", status=404, reason="notFound")

    async def arrives(request: HttpRequest) -> None:
        if request.method == "GET" and "syncToken" not in request.url:
            # The revival of a run that has lost its lease meanwhile, say.
            world.transport.after = None
            world.google.edit(event_id, status="confirmed")

    world.transport.after = arrives
    await world.list_everything()
    await world.settle()
    assert world.transport.after is None
    assert {event["id"] for event in world.google.events()} == {event_id, other}


async def test_a_missing_event_that_is_brought_back_in_google_and_denied_once_is_there_once():
    world = await make_world()
    event_id = world.google.create("Talk")["id"]
    other = world.google.create("Dentist")["id"]
    await world.pull()
    [slot] = [each for each in await world.all_slots() if each.content.title == "Talk"]
    world.google.delete(event_id)
    await world.edit(slot, location="Hall")
    world.google.fault("answer", method="GET", path="/events/.+", status=404, reason="notFound")

    async def is_brought_back(request: HttpRequest) -> None:
        if request.method == "GET" and event_id in request.url:
            world.transport.before = None
            world.google.edit(event_id, status="confirmed")

    world.transport.before = is_brought_back
    await world.list_everything()
    await world.settle()
    assert world.transport.before is None
    assert {event["id"] for event in world.google.events()} == {event_id, other}
    kept = [each.losing_value for each in await world.review.conflicts(USER, after=None, limit=10)]
    assert "Hall" in kept


async def test_an_event_that_google_denies_twice_is_made_anew_with_what_was_written():
    world = await make_world()
    slot, event_id = await world.linked()
    world.google.sandbox._world.calendars.log(EMAIL).drop(event_id)
    await world.edit(slot, title="Renamed")
    await world.settle()
    [event] = world.google.events()
    assert event["summary"] == "Renamed"
    assert event["id"] != event_id


@pytest.mark.parametrize("status", [404, 410])
async def test_an_event_that_google_calls_deleted_by_mistake_is_deleted(status: int):
    world = await make_world()
    slot, event_id = await world.linked()
    world.google.fault("answer", method="DELETE", status=status, reason="deleted")
    await world.delete(slot)
    await world.settle()
    assert world.google.event(event_id)["status"] == "cancelled"
