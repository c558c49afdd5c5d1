"""Corners in which an edit could be lost, doubled or undone, or a calendar could stand still."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from services.core.accounts import AccountStatus
from services.core.calendars import CalendarStatus
from services.core.policy import BrakePolicy, LoopPolicy, SyncPolicy
from services.core.records import SyncState
from tests.engine.interruptions import die_at
from tests.engine.world import EMAIL, USER, World, make_world

if TYPE_CHECKING:
    from services.core.records import Slot
    from services.google.transport import HttpRequest, HttpResponse


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


async def linked(world: World, title: str = "Talk") -> tuple[Slot, str]:
    """A slot and the id of its event."""
    slot = await world.create(title)
    await world.settle()
    slot = await world.slot(slot.id)
    assert slot.google is not None
    return slot, slot.google.event_id


async def conflicts_are_counted(world: World) -> None:
    records = await world.review.conflicts(USER, after=None, limit=1000)
    by_slot = Counter(record.slot_id for record in records)
    for slot in await world.all_slots(deleted=True):
        assert slot.open_conflicts == by_slot[slot.id]


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
    slot, event_id = await linked(world)
    reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]}
    world.google.edit(event_id, reminders=reminders)
    await world.pull()
    assert [each.minutes for each in (await world.slot(slot.id)).content.reminders.overrides] == [5]
    assert (await world.slot(slot.id)).sync_state is SyncState.SYNCED


async def test_reminders_that_google_set_are_not_undone_by_an_edit_of_the_app(world: World):
    slot, event_id = await linked(world)
    reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]}
    world.google.edit(event_id, reminders=reminders)
    await world.edit(slot, title="Talk, renamed")
    await world.settle()
    await world.pull()
    event = world.google.event(event_id)
    assert (event["summary"], event["reminders"]) == ("Talk, renamed", reminders)
    assert (await world.slot(slot.id)).content.reminders.overrides[0].minutes == 5


async def test_an_event_that_becomes_unreadable_is_neither_deleted_nor_in_the_way(world: World):
    slot, event_id = await linked(world, "Odd one")
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
    _, event_id = await linked(world, "Odd one")
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


async def test_a_restored_slot_does_not_overwrite_what_happened_to_its_event_meanwhile(world: World):
    slot, event_id = await linked(world)
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
    slot, event_id = await linked(world)
    original = world.google.event(event_id)
    copy = {"extendedProperties": original["extendedProperties"]}
    world.google.create("Talk", **copy)
    await world.pull()
    slots = await world.all_slots()
    assert len(slots) == 2
    assert slot.id in {each.id for each in slots}
    assert len(world.google.events()) == 2


async def test_an_answer_that_cannot_be_read_does_not_undo_the_next_edit(world: World):
    slot, event_id = await linked(world)

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
    odd = [await linked(world, f"Odd {number}") for number in range(3)]
    good, _ = await linked(world, "Good")
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


async def test_a_held_slot_that_was_edited_survives_the_approval_with_a_conflict_to_resolve():
    world, held = await held_world()
    await world.edit(held[0], title="Edited while held")
    [hold] = await world.review.holds(USER, after=None, limit=10)
    await world.review.approve(USER, hold.id)
    await world.settle()
    assert "Edited while held" in {event["summary"] for event in world.google.events()}
    assert len(await world.all_slots()) == 11
    await conflicts_are_counted(world)
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
    await conflicts_are_counted(world)


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
    slot, event_id = await linked(world)
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
    slot, event_id = await linked(world)
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
    slot, event_id = await linked(world)
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
    await conflicts_are_counted(world)


# The connection.


async def test_what_was_removed_here_on_disconnecting_is_back_after_reconnecting(world: World):
    world.google.create("Dentist")
    await world.create("Mine")
    await world.pull()
    await world.connections.disconnect(USER, remote="keep", local="delete")
    assert [slot.content.title for slot in await world.all_slots()] == ["Mine"]
    await relink(world)
    assert sorted(slot.content.title for slot in await world.all_slots()) == ["Dentist", "Mine"]
    assert sorted(event["summary"] for event in world.google.events()) == ["Dentist", "Mine"]


@pytest.mark.parametrize("kind", ["commit_then_drop", "truncate", "drop_before", "html_503"])
async def test_a_purge_whose_answer_is_lost_costs_no_slot_after_reconnecting(world: World, kind: str):
    slot, _ = await linked(world, "Mine")
    world.google.fault(kind, method="DELETE")
    await world.connections.disconnect(USER, remote="delete", local="keep")
    await relink(world)
    assert (await world.slot(slot.id)).local is not None
    assert [event["summary"] for event in world.google.events()] == ["Mine"]


@pytest.mark.parametrize("step", range(1, 30))
@pytest.mark.parametrize("cancel", [True, False])
async def test_a_purge_that_is_broken_off_costs_no_slot_after_reconnecting(step: int, *, cancel: bool):
    world = await make_world()
    await world.settle()
    slot, _ = await linked(world, "Mine")
    world.uow.waits = True
    await die_at(world.connections.disconnect(USER, remote="delete", local="keep"), step, cancel=cancel)
    world.uow.waits = False
    await relink(world)
    await world.settle(within=timedelta(hours=1))
    assert (await world.slot(slot.id)).local is not None
    assert [event["summary"] for event in world.google.events()] == ["Mine"]


async def test_an_edit_survives_a_purge_and_a_reconnection(world: World):
    slot, _ = await linked(world, "Mine")
    await world.edit(slot, title="Mine, edited")
    await world.connections.disconnect(USER, remote="delete", local="keep")
    assert world.google.events() == []
    await relink(world)
    assert [event["summary"] for event in world.google.events()] == ["Mine, edited"]


async def test_disconnecting_with_a_dead_grant_still_disconnects(world: World):
    await linked(world, "Mine")
    world.google.call("POST", "/grants/revoke", {"account": EMAIL})
    await world.connections.disconnect(USER, remote="delete", local="keep")
    async with world.uow.reading() as tx:
        account = await tx.accounts.find(USER)
    assert account is not None
    assert account.status is AccountStatus.DISCONNECTED


async def test_a_calendar_whose_account_is_gone_is_left_alone(world: World):
    """Whatever order of linking and unlinking led there."""
    async with world.uow() as tx:
        await tx.calendars.set_status(USER, CalendarStatus.ACTIVE, now=world.clock.now())
    await world.connections.disconnect(USER, remote="keep", local="keep")
    async with world.uow() as tx:
        await tx.calendars.set_status(USER, CalendarStatus.ACTIVE, now=world.clock.now())
    world.transport.before = None
    runs = await world.settle(within=timedelta(minutes=1))
    assert runs <= 2


async def test_disconnecting_in_the_middle_of_a_run_stores_nothing_of_it(world: World):
    slot, event_id = await linked(world)
    once = iter([True])

    async def disconnects(request: HttpRequest) -> None:
        if request.method == "PATCH" and next(once, False):
            await world.connections.disconnect(USER, remote="keep", local="keep")

    world.transport.after = disconnects
    await world.edit(slot, title="Renamed")
    await world.settle()
    world.transport.after = None
    await world.edit(slot, title="Renamed again")
    await relink(world)
    assert world.google.event(event_id)["summary"] == "Renamed again"
    assert await world.review.conflicts(USER, after=None, limit=10) == []


async def test_listing_everything_again_in_the_middle_of_a_run_loses_nothing(world: World):
    slot, event_id = await linked(world)
    once = iter([True])

    async def initializes(request: HttpRequest) -> None:
        if request.method == "PATCH" and next(once, False):
            await world.connections.initialize(USER)

    world.transport.before = initializes
    world.google.create("New")
    await world.edit(slot, title="Renamed")
    await world.settle()
    assert world.google.event(event_id)["summary"] == "Renamed"
    assert len(await world.all_slots()) == len(world.google.events()) == 2


async def relink(world: World) -> None:
    """The same account is linked again."""
    async with world.uow() as tx:
        account = await tx.accounts.find(USER)
        assert account is not None
        await tx.accounts.save(
            replace(
                account, status=AccountStatus.CONNECTED, refresh_token="sealed", version=account.version + 1
            )
        )
    await world.connections.connected(USER)
    await world.settle()
    await world.pull()


# What waits for a person.


async def test_a_conflict_of_a_slot_that_is_read_only_by_now_changes_nothing(world: World):
    slot, event_id = await linked(world, "Original")
    world.google.edit(event_id, summary="by Google")
    await world.edit(slot, title="by the app")
    await world.settle()
    await world.pull()
    [conflict] = await world.review.conflicts(USER, after=None, limit=10)
    world.google.edit(event_id, recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"])
    await world.pull()
    assert (await world.slot(slot.id)).google is not None
    world.google.forget_requests()
    with pytest.raises(Exception, match="recurring-series"):
        await world.review.resolve(USER, conflict.id, "loser")
    await world.review.resolve(USER, conflict.id, "winner")
    await conflicts_are_counted(world)


async def test_an_event_that_becomes_a_series_keeps_the_edit_that_was_under_way(world: World):
    slot, event_id = await linked(world)
    await world.edit(slot, title="Renamed")
    world.google.edit(event_id, recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"])
    await world.settle()
    await world.pull()
    event = world.google.event(event_id)
    assert (event["summary"], event["recurrence"]) == ("Renamed", ["RRULE:FREQ=WEEKLY;COUNT=5"])
    found = await world.slot(slot.id)
    assert (found.content.title, found.sync_state) == ("Renamed", SyncState.READ_ONLY)


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
