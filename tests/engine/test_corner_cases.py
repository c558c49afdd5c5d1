"""Corners in which an edit could be lost or undone, or a calendar could stand still: the pull."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from services.core.records import SyncState
from services.slot_scopes import SlotAddress
from tests.engine.interruptions import die_at
from tests.engine.world import EMAIL, USER, World, make_world

if TYPE_CHECKING:
    from services.google.transport import HttpRequest, HttpResponse


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


# The pull: nothing that was read may be skipped.


@pytest.mark.parametrize("step", range(1, 14))
async def test_a_run_that_is_stopped_while_a_page_is_stored_does_not_skip_the_page(step: int):
    world = await make_world()
    await world.settle()
    world.google.create("Seen on the page")
    await world.notified()
    world.uow.waits = True
    claim = await world.engine.claim()
    assert claim is not None
    await die_at(world.engine.run(claim), step, cancel=True)
    world.uow.waits = False
    await world.settle()
    await world.pull()
    assert [slot.content.title for slot in await world.all_slots()] == ["Seen on the page"]


@pytest.mark.parametrize("step", range(1, 40, 2))
async def test_a_first_import_that_is_stopped_on_any_page_misses_nothing(step: int):
    world = await make_world()
    for number in range(7):
        world.google.create(f"Event {number}")
    world.transport.page_size = 2
    world.uow.waits = True
    claim = await world.engine.claim()
    assert claim is not None
    await die_at(world.engine.run(claim), step, cancel=True)
    world.uow.waits = False
    await world.settle()
    assert len(await world.all_slots()) == 7


async def test_a_change_of_reminders_alone_is_pulled(world: World):
    """Google changes neither `updated` nor, perhaps, the etag for it."""
    slot, event_id = await world.linked()
    reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]}
    world.google.edit(event_id, reminders=reminders)
    await world.pull()
    assert [each.minutes for each in (await world.slot(slot.id)).content.reminders.overrides] == [5]
    assert (await world.slot(slot.id)).sync_state is SyncState.SYNCED


@pytest.mark.parametrize(
    "mishap", [{"status": 400, "reason": "badRequest"}, {"status": 403, "reason": "forbidden"}]
)
async def test_reminders_that_google_refuses_to_show_once_are_read_later(
    world: World, mishap: dict[str, Any]
):
    """Nothing else would ever tell of them: for Google they are no change of the event."""
    slot, event_id = await world.linked()
    reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]}
    world.google.edit(event_id, reminders=reminders)
    world.google.fault("answer", method="GET", path=event_id, **mishap)
    await world.pull()
    await world.settle()
    stored = await world.slot(slot.id)
    assert [each.minutes for each in stored.content.reminders.overrides] == [5]
    assert stored.sync_state is SyncState.SYNCED


async def test_reminders_that_google_set_are_not_undone_by_an_edit_of_the_app(world: World):
    slot, event_id = await world.linked()
    reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]}
    world.google.edit(event_id, reminders=reminders)
    await world.edit(slot, title="Talk, renamed")
    await world.settle()
    await world.pull()
    event = world.google.event(event_id)
    assert (event["summary"], event["reminders"]) == ("Talk, renamed", reminders)
    assert (await world.slot(slot.id)).content.reminders.overrides[0].minutes == 5


def lagging(world: World, event: dict[str, Any]) -> None:
    """The next listing shows an event as it was, and promises what is newer for later."""
    once = iter([True])

    def answered(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        token = parse_qs(urlsplit(request.url).query).get("syncToken")
        if token is None or not next(once, False):
            return answer
        page = orjson.loads(answer.body) | {"items": [event], "nextSyncToken": token[0]}
        return replace(answer, body=orjson.dumps(page))

    world.transport.answered = answered


async def test_a_listing_that_lags_behind_our_own_edit_undoes_nothing(world: World):
    slot, event_id = await world.linked("Before")
    before = world.google.event(event_id)
    world.clock.advance(timedelta(seconds=5))
    await world.edit(slot, title="After")
    await world.settle()
    told = await world.reader.history(USER, SlotAddress(slot.id))
    lagging(world, before)
    await world.pull()
    assert (await world.slot(slot.id)).content.title == "After"
    assert await world.reader.history(USER, SlotAddress(slot.id)) == told
    assert world.google.event(event_id)["summary"] == "After"


async def test_a_listing_that_lags_behind_our_own_deletion_brings_nothing_back(world: World):
    slot, event_id = await world.linked("Gone")
    before = world.google.event(event_id)
    world.clock.advance(timedelta(seconds=5))
    await world.delete(slot)
    await world.settle()
    told = await world.reader.history(USER, SlotAddress(slot.id))
    lagging(world, before)
    await world.pull()
    assert await world.all_slots() == []
    assert await world.reader.history(USER, SlotAddress(slot.id)) == told


async def test_an_event_that_becomes_unreadable_is_neither_deleted_nor_in_the_way(world: World):
    slot, event_id = await world.linked("Odd one")
    good = world.google.create("Good one")
    await world.pull()
    world.google.edit(event_id, start={"dateTime": "some day"}, end={"dateTime": "some day"})
    world.google.edit(good["id"], summary="Good one, renamed")
    await world.list_everything()
    calendar = await world.calendar()
    assert calendar.attempts == 0
    assert calendar.cursor.sync_token is not None
    titles = {each.content.title for each in await world.all_slots()}
    assert titles == {"Odd one", "Good one, renamed"}
    assert (await world.slot(slot.id)).local is not None


async def test_a_missing_event_that_cannot_be_read_stops_nobody(world: World):
    """It is unreadable where it is looked up singly, too."""
    _, event_id = await world.linked("Odd one")
    other = world.google.create("Other")
    await world.pull()
    world.google.edit(event_id, start={"dateTime": "some day"}, end={"dateTime": "some day"})
    world.google.delete(other["id"])

    def without_odd_one(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        if request.method != "GET" or event_id in request.url:
            return answer
        document = orjson.loads(answer.body)
        document["items"] = [each for each in document.get("items", ()) if each["id"] != event_id]
        return replace(answer, body=orjson.dumps(document))

    world.transport.answered = without_odd_one
    await world.list_everything()
    assert (await world.calendar()).attempts == 0
    assert [slot.content.title for slot in await world.all_slots()] == ["Odd one"]


async def test_a_missing_event_that_cannot_be_read_at_first_is_looked_at_again(world: World):
    world.google.create("There")
    gone = world.google.create("Gone")
    await world.pull()
    world.google.delete(gone["id"])
    world.google.fault("answer", path=f"/events/{gone['id']}", status=400, reason="badRequest")
    await world.list_everything()
    assert [slot.content.title for slot in await world.all_slots()] == ["There"]


async def test_a_deleted_series_takes_its_exceptions_along(world: World):
    series = world.google.create("Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"])
    world.google.edit(series["id"] + "_20260309T080000Z", summary="Weekly, moved")
    await world.pull()
    assert len(await world.all_slots()) == 2
    world.google.delete(series["id"])
    await world.pull()
    assert await world.all_slots() == []


async def test_a_sync_token_that_google_calls_a_bad_request_leads_to_a_full_listing(world: World):
    world.google.create("Waiting")
    world.google.fault("answer", method="GET", status=400, reason="badRequest")
    await world.pull()
    assert [slot.content.title for slot in await world.all_slots()] == ["Waiting"]


async def test_many_empty_pages_do_not_outlast_the_lease(world: World):
    """Each page takes its time, and Google may send any number of empty ones."""
    world.google.create("Behind the empty pages")
    await world.notified()
    world.google.call("POST", "/listings/glitch", {"kind": "empty_page", "times": 30})

    async def slow(request: HttpRequest) -> None:
        del request
        world.clock.advance(timedelta(seconds=10))
        stolen = await world.other_engine.claim()
        assert stolen is None, "the lease ran out in the middle of a run"

    world.transport.before = slow
    await world.run_once()
    assert len(await world.all_slots()) == 1


async def test_an_empty_first_listing_is_not_believed_at_once():
    world = await make_world()
    world.google.create("There all the time")
    glitch = {"kind": "nothing_there", "account": EMAIL, "calendar": "primary", "times": 1}
    world.google.call("POST", "/listings/glitch", glitch)
    await world.settle()
    assert [slot.content.title for slot in await world.all_slots()] == ["There all the time"]


async def test_an_empty_listing_by_mistake_hides_no_new_event(world: World):
    """The known events are looked up one by one and prove that the listing was wrong."""
    for number in range(3):
        world.google.create(f"Known {number}")
    await world.pull()
    world.google.create("New")
    glitch = {"kind": "nothing_there", "account": EMAIL, "calendar": "primary", "times": 1}
    world.google.call("POST", "/listings/glitch", glitch)
    await world.list_everything()
    assert len(await world.all_slots()) == 4


# What happened is told completely.


async def test_the_history_of_what_came_back_tells_what_was_new(world: World):
    slot, event_id = await world.linked("Exam")
    world.google.edit(event_id, summary="Exam (moved)")
    await world.delete(slot)
    await world.settle()
    last = (await world.reader.history(USER, SlotAddress(slot.id)))[-1]
    assert last.fields == {
        "deleted": {"before": True, "after": False},
        "title": {"before": "Exam", "after": "Exam (moved)"},
    }
