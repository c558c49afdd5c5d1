"""The ordinary life of a synced calendar, and edits that cross."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.core.records import SyncState
from tests.engine.world import USER, World, make_world


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


async def test_a_slot_of_the_app_appears_in_google_and_a_second_look_is_silent(world: World):
    slot = await world.create("Algorithms", description="Room 12")
    await world.settle()
    [event] = world.google.events()
    assert event["summary"] == "Algorithms"
    assert event["description"] == "Room 12"
    slot = await world.slot(slot.id)
    assert slot.sync_state is SyncState.SYNCED
    assert slot.version == 1
    world.google.forget_requests()
    await world.pull()
    assert [call["method"] for call in world.google.requests()] == ["GET"]


async def test_an_event_of_google_becomes_a_slot(world: World):
    world.google.create("Dentist", location="Main Street 1")
    await world.pull()
    [slot] = await world.all_slots()
    assert (slot.content.title, slot.content.location, slot.source) == ("Dentist", "Main Street 1", "google")


async def test_edits_travel_both_ways(world: World):
    slot = await world.create("Lab")
    await world.settle()
    await world.edit(slot, title="Lab 2")
    await world.settle()
    [event] = world.google.events()
    assert event["summary"] == "Lab 2"
    world.google.edit(event["id"], summary="Lab 3")
    await world.pull()
    assert (await world.slot(slot.id)).content.title == "Lab 3"


async def test_deletions_travel_both_ways(world: World):
    first, second = await world.create("First"), await world.create("Second")
    await world.settle()
    await world.delete(first)
    await world.settle()
    [event] = world.google.events()
    assert event["summary"] == "Second"
    world.google.delete(event["id"])
    await world.pull()
    assert await world.all_slots() == []
    assert (await world.slot(second.id)).deleted_at is not None


async def test_edits_of_different_fields_that_cross_are_both_kept(world: World):
    slot = await world.create("Lecture")
    await world.settle()
    [event] = world.google.events()
    world.google.edit(event["id"], location="Hall B")
    await world.edit(slot, title="Lecture (new)")
    await world.settle()
    await world.pull()
    [event] = world.google.events()
    assert (event["summary"], event["location"]) == ("Lecture (new)", "Hall B")
    content = (await world.slot(slot.id)).content
    assert (content.title, content.location) == ("Lecture (new)", "Hall B")
    assert await world.review.conflicts(USER, after=None, limit=10) == []


@pytest.mark.parametrize("app_is_later", [True, False])
async def test_of_two_edits_of_one_field_the_later_wins_and_the_other_can_be_restored(
    world: World, *, app_is_later: bool
):
    slot = await world.create("Original")
    await world.settle()
    [event] = world.google.events()
    if app_is_later:
        world.google.edit(event["id"], summary="by Google")
        world.clock.advance(timedelta(seconds=5))
        await world.edit(slot, title="by the app")
        winner, loser = "by the app", "by Google"
    else:
        await world.edit(slot, title="by the app")
        world.clock.advance(timedelta(seconds=5))
        world.google.edit(event["id"], summary="by Google")
        winner, loser = "by Google", "by the app"
    await world.settle()
    await world.pull()
    assert world.google.events()[0]["summary"] == winner
    assert (await world.slot(slot.id)).content.title == winner
    [conflict] = await world.review.conflicts(USER, after=None, limit=10)
    assert (conflict.winning_value, conflict.losing_value) == (winner, loser)
    assert (await world.slot(slot.id)).sync_state is SyncState.CONFLICT

    await world.review.resolve(USER, conflict.id, "loser")
    await world.settle()
    assert world.google.events()[0]["summary"] == loser
    assert (await world.slot(slot.id)).sync_state is SyncState.SYNCED


async def test_an_edit_beats_a_deletion_in_google_that_had_not_seen_it(world: World):
    slot = await world.create("Exam")
    await world.settle()
    [event] = world.google.events()
    world.google.delete(event["id"])
    await world.edit(slot, title="Exam (moved)")
    await world.settle()
    await world.pull()
    [event] = world.google.events()
    assert event["summary"] == "Exam (moved)"
    assert (await world.slot(slot.id)).content.title == "Exam (moved)"
    [conflict] = await world.review.conflicts(USER, after=None, limit=10)
    assert conflict.group == "deleted"


async def test_an_edit_in_google_beats_a_deletion_in_the_app_that_had_not_seen_it(world: World):
    slot = await world.create("Exam")
    await world.settle()
    [event] = world.google.events()
    world.google.edit(event["id"], summary="Exam (moved)")
    await world.delete(slot)
    await world.settle()
    assert (await world.slot(slot.id)).local is not None
    assert (await world.slot(slot.id)).content.title == "Exam (moved)"
    assert world.google.events()[0]["summary"] == "Exam (moved)"


async def test_a_restored_slot_returns_as_the_same_event_with_its_guests(world: World):
    event = world.google.create("Seminar", attendees=[{"email": "bob@example.com"}])
    await world.pull()
    [slot] = await world.all_slots()
    await world.delete(slot)
    await world.settle()
    assert world.google.events() == []
    await world.restore(slot)
    await world.settle()
    [back] = world.google.events()
    assert back["id"] == event["id"]
    assert [each["email"] for each in back["attendees"]] == ["bob@example.com"]


async def test_where_google_refuses_to_revive_the_slot_gets_a_new_event(world: World):
    world.google.call("POST", "/switches", {"revival_status": 403})
    slot = await world.create("Shift")
    await world.settle()
    [before] = world.google.events()
    await world.delete(slot)
    await world.settle()
    await world.restore(slot)
    await world.settle()
    [after] = world.google.events()
    assert after["summary"] == "Shift"
    assert after["id"] != before["id"]


async def test_what_we_did_not_change_we_never_touch(world: World):
    carried: dict[str, Any] = {
        "attendees": [{"email": "bob@example.com", "responseStatus": "accepted"}],
        "conferenceData": {
            "conferenceId": "abc-defg-hij",
            "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
            "entryPoints": [{"entryPointType": "video", "uri": "https://meet.google.com/abc-defg-hij"}],
        },
        "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 7}]},
        "attachments": [{"fileUrl": "https://drive.google.com/open?id=1", "title": "Slides"}],
        "extendedProperties": {"private": {"theirs": "kept"}, "shared": {"also": "kept"}},
        "aFieldOfTheFuture": {"deep": [1, 2, 3]},
    }
    event = world.google.create("Meeting", **carried)
    before = world.google.event(event["id"])
    await world.pull()
    [slot] = await world.all_slots()
    await world.edit(slot, title="Meeting (renamed)")
    await world.settle()
    after = world.google.event(event["id"])
    assert after["summary"] == "Meeting (renamed)"
    ours = {"summary", "etag", "updated", "sequence"}
    assert {key: after[key] for key in after if key not in ours} == {
        key: before[key] for key in before if key not in ours
    }
    [patch] = [call for call in world.google.requests() if call["method"] == "PATCH"]
    assert set(patch["body"]) == {"summary"}


async def test_series_and_their_exceptions_are_taken_in_untouched(world: World):
    series = world.google.create("Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"])
    world.google.edit(series["id"] + "_20260309T080000Z", summary="Weekly, moved")
    world.google.delete(series["id"] + "_20260316T080000Z")
    before = world.google.events(deleted=True)
    await world.pull()
    await world.settle(within=timedelta(hours=2))
    slots = await world.all_slots()
    assert {slot.content.title for slot in slots} == {"Weekly", "Weekly, moved"}
    assert {slot.sync_state for slot in slots} == {SyncState.SYNCED}
    assert world.google.events(deleted=True) == before
    assert {call["method"] for call in world.google.requests()} == {"GET"}
