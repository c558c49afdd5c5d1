"""Several calendars of one user: chosen, left, chosen again, and lost at Google."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from services.bindings import leave_account
from services.core.calendars import CalendarStatus, ChannelStatus
from services.core.errors import (
    CalendarNotSelectedError,
    DefaultCalendarError,
    InvalidSlotError,
    PendingChangesError,
    ReadOnlyCalendarError,
    UnknownCalendarError,
)
from services.core.records import SyncState
from services.core.slots import Attendee
from services.slot_scopes import SlotAddress
from tests.engine.world import EMAIL, START, USER, World, make_world

if TYPE_CHECKING:
    from services.core.calendar_list import CalendarChoice
    from services.core.records import Slot
    from services.google.transport import HttpRequest

WORK = "c_work@group.calendar.google.com"
HOLIDAYS = "nl.dutch#holiday@group.v.calendar.google.com"
BOSS = "boss@example.com"


@pytest.fixture
async def world() -> World:
    """A user whose list holds a calendar of a colleague's, shared for writing, and public holidays."""
    return await two_calendars()


async def two_calendars() -> World:
    """The same, as often as a story needs it."""
    world = await make_world(webhook_url="https://app.example.com/webhooks/google-calendar")
    for account in (BOSS, "holidays@example.com"):
        world.google.call("POST", "/accounts", {"email": account})
    share(world, WORK, "writer", account=BOSS, summary="Work")
    share(
        world, HOLIDAYS, "reader", account="holidays@example.com", summary="Feestdagen", push_supported=False
    )
    return world


def share(world: World, calendar_id: str, role: str, **made: Any) -> None:
    """A calendar is made and shared with the user, or what the user may do in it changes."""
    path = "/calendars" if made else f"/calendars/{quote(EMAIL)}/{quote(calendar_id)}"
    world.google.call("POST", path, {"id": calendar_id, "acl": {EMAIL: role}, **made})


def events(world: World, calendar_id: str) -> list[dict[str, Any]]:
    return world.google.call("GET", _path(calendar_id))["events"]


def titles(world: World, calendar_id: str) -> list[str]:
    return sorted(each["summary"] for each in events(world, calendar_id) if each["status"] != "cancelled")


def put(world: World, calendar_id: str, **fields: Any) -> dict[str, Any]:
    """Somebody adds an event to a calendar, or changes one."""
    span = {
        "start": {"dateTime": START.isoformat(), "timeZone": "UTC"},
        "end": {"dateTime": (START + timedelta(hours=1)).isoformat(), "timeZone": "UTC"},
    }
    return world.google.call("POST", _path(calendar_id), fields if "id" in fields else {**span, **fields})


def _path(calendar_id: str) -> str:
    return f"/calendars/{quote(EMAIL)}/{quote(calendar_id, safe='')}/events"


async def select(world: World, calendar_id: str, **more: Any) -> CalendarChoice:
    choice = await world.selection.choose(USER, calendar_id, selected=True, default=more.get("default"))
    await world.settle()
    return choice


async def leave(world: World, calendar_id: str) -> CalendarChoice:
    return await world.selection.choose(USER, calendar_id, selected=False, default=None)


async def called(world: World, title: str) -> Slot:
    [slot] = [each for each in await world.all_slots() if each.content.title == title]
    return slot


async def shown(world: World) -> dict[str, set[str]]:
    """Titles by calendar; no title twice."""
    found: dict[str, set[str]] = {}
    for slot in await world.all_slots():
        assert slot.content.title not in found.setdefault(slot.calendar_id, set())
        found[slot.calendar_id].add(slot.content.title)
    return found


async def watched(world: World) -> list[str]:
    """The calendars with a channel in use."""
    async with world.uow.reading() as tx:
        channels = await tx.channels.all_of(USER)
    return sorted(each.calendar_id for each in channels if each.status is ChannelStatus.ACTIVE)


async def test_a_slot_goes_to_the_calendar_that_it_names(world: World) -> None:
    put(world, WORK, summary="Board meeting")
    put(world, HOLIDAYS, summary="Koningsdag")
    await select(world, WORK)
    choice = await select(world, HOLIDAYS)
    assert (choice.selected, choice.writable, choice.is_default) == (True, False, False)
    await world.create("Dentist")
    await world.create("Also mine", calendar_id=EMAIL.upper())
    await world.create("Review", calendar_id=WORK)
    await world.settle()
    assert titles(world, "primary") == ["Also mine", "Dentist"]
    assert titles(world, WORK) == ["Board meeting", "Review"]
    expected = {
        "primary": {"Dentist", "Also mine"},
        WORK: {"Board meeting", "Review"},
        HOLIDAYS: {"Koningsdag"},
    }
    assert await shown(world) == expected
    assert (await called(world, "Koningsdag")).sync_state is SyncState.READ_ONLY
    await world.list_everything()
    assert await shown(world) == expected


async def test_a_calendar_that_google_never_pushes_is_polled(world: World) -> None:
    for calendar_id in (WORK, HOLIDAYS):
        await select(world, calendar_id)
        await world.channels.ensure(USER, calendar_id)
    assert await watched(world) == [WORK]
    await world.channels.renew_due()
    assert await watched(world) == [WORK, "primary"]
    overview = await world.selection.overview(USER)
    assert [each.push for each in overview.calendars] == [True, False, True]
    put(world, HOLIDAYS, summary="Koningsdag")
    await world.settle(within=timedelta(minutes=5))
    assert await shown(world) == {HOLIDAYS: {"Koningsdag"}}


async def test_a_channel_that_opens_too_late_is_stopped(world: World) -> None:
    await select(world, WORK)

    async def meanwhile(request: HttpRequest) -> None:
        if "/watch" in request.url:
            world.transport.after = None
            await leave(world, WORK)

    world.transport.after = meanwhile
    await world.channels.ensure(USER, WORK)
    assert await watched(world) == []
    await world.channels.renew_due()
    assert await watched(world) == ["primary"]
    at_google = world.google.call("GET", "/state")["channels"]
    assert [each["resource"] for each in at_google] == [f"events/{EMAIL}"]


async def test_a_lost_calendar_takes_no_other_channel_along(world: World) -> None:
    await select(world, WORK)
    share(world, WORK, "none")
    opened = await world.channels.setup(USER)
    assert [each.calendar_id for each in opened] == ["primary"]
    assert await watched(world) == ["primary"]


async def test_nothing_is_stored_for_a_calendar_that_takes_nothing(world: World) -> None:
    await select(world, HOLIDAYS)
    with pytest.raises(ReadOnlyCalendarError):
        await world.create("Beach", calendar_id=HOLIDAYS)
    for calendar_id in (WORK, "nowhere@example.com"):
        with pytest.raises(InvalidSlotError):
            await world.create("Nowhere", calendar_id=calendar_id)
    assert await world.all_slots(deleted=True) == []


async def test_the_default_takes_what_names_no_calendar(world: World) -> None:
    for calendar_id, error in ((WORK, CalendarNotSelectedError), ("nowhere", UnknownCalendarError)):
        with pytest.raises(error):
            await world.selection.choose(USER, calendar_id, selected=None, default=True)
    await select(world, HOLIDAYS)
    with pytest.raises(ReadOnlyCalendarError):
        await world.selection.choose(USER, HOLIDAYS, selected=None, default=True)
    with pytest.raises(DefaultCalendarError):
        await leave(world, EMAIL)
    await select(world, WORK, default=True)
    assert (await world.create("Review")).calendar_id == WORK
    for selected, default in ((False, None), (None, False)):
        with pytest.raises(DefaultCalendarError):
            await world.selection.choose(USER, WORK, selected=selected, default=default)
    await world.settle()
    assert not (await leave(world, "primary")).selected
    with pytest.raises(InvalidSlotError):
        await world.create("Dentist", calendar_id="primary")
    await select(world, EMAIL, default=True)
    assert (await world.create("Dentist")).calendar_id == "primary"
    overview = await world.selection.overview(USER)
    assert [(each.calendar_id, each.selected, each.is_default) for each in overview.calendars] == [
        ("primary", True, True),
        (HOLIDAYS, True, False),
        (WORK, True, False),
    ]


async def test_what_came_from_a_calendar_leaves_and_returns_with_it(world: World) -> None:
    series = put(world, WORK, summary="Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"])
    put(world, WORK, id=series["id"] + "_20260309T080000Z", summary="Weekly, moved")
    put(world, WORK, id=series["id"] + "_20260316T080000Z", status="cancelled")
    for title in ("Stays", "Changes", "Goes"):
        put(world, WORK, summary=title)
    await select(world, WORK)
    mine = await world.create("Review", calendar_id=WORK)
    await world.settle()
    before = {slot.content.title: slot.id for slot in await world.all_slots(deleted=True)}
    at_google = events(world, WORK)

    await leave(world, WORK)
    await world.settle(within=timedelta(hours=2))

    assert await shown(world) == {WORK: {"Review"}}
    assert (await world.slot(mine.id)).sync_state is SyncState.SYNCED
    assert events(world, WORK) == at_google
    assert [each.calendar_id for each in (await world.sync.status(USER)).calendars] == ["primary"]

    by_title = {each["summary"]: each["id"] for each in at_google if each["status"] != "cancelled"}
    put(world, WORK, id=by_title["Changes"], summary="Changed")
    put(world, WORK, id=by_title["Goes"], status="cancelled")
    put(world, WORK, summary="New")
    await select(world, WORK)

    slots = {slot.content.title: slot for slot in await world.all_slots()}
    assert set(slots) == {"Review", "Weekly", "Weekly, moved", "Stays", "Changed", "New"}
    for title in ("Review", "Weekly", "Weekly, moved", "Stays"):
        assert slots[title].id == before[title]
    assert slots["Changed"].id == before["Changes"]
    cancelled = [each for each in await world.all_slots(deleted=True) if each.deleted_at and each.series]
    assert [each.id for each in cancelled] == [before[""]]
    assert {slot.sync_state for slot in slots.values()} == {SyncState.SYNCED}
    assert titles(world, WORK) == sorted(slots)


async def test_an_edit_that_google_does_not_have_keeps_its_calendar(world: World) -> None:
    put(world, WORK, summary="Board meeting")
    await select(world, WORK)
    slot = await called(world, "Board meeting")
    await world.edit(slot, title="Board meeting, renamed")
    with pytest.raises(PendingChangesError) as refused:
        await leave(world, WORK)
    assert (refused.value.pending, refused.value.held) == (1, 0)
    assert (await world.calendar(WORK)).status is CalendarStatus.ACTIVE
    await world.settle()
    assert titles(world, WORK) == ["Board meeting, renamed"]
    await leave(world, WORK)
    assert await world.all_slots() == []


async def test_the_apps_slots_wait_for_their_calendar(world: World) -> None:
    await select(world, WORK)
    slot = await world.create("Review", calendar_id=WORK)
    await world.settle()
    await leave(world, WORK)
    await world.edit(slot, title="Review with Ada")
    await world.settle(within=timedelta(hours=1))
    assert titles(world, WORK) == ["Review"]
    assert (await world.slot(slot.id)).sync_state is SyncState.PENDING
    await select(world, WORK)
    assert titles(world, WORK) == ["Review with Ada"]
    assert len(await world.all_slots(deleted=True)) == 1


async def test_a_run_under_way_stores_nothing_of_a_calendar_that_was_left(world: World) -> None:
    await select(world, WORK)
    put(world, WORK, summary="Too late")
    await world.notified(WORK)
    claim = await world.engine.claim()
    assert claim is not None
    assert claim.calendar_id == WORK
    await leave(world, WORK)
    await world.engine.run(claim)
    assert await world.all_slots(deleted=True) == []
    await select(world, WORK)
    assert await shown(world) == {WORK: {"Too late"}}


async def test_a_lost_share_is_an_error_of_that_calendar_alone(world: World) -> None:
    put(world, WORK, summary="Board meeting")
    await select(world, WORK)
    mine = await world.create("Review", calendar_id=WORK)
    await world.settle()
    share(world, WORK, "none")
    world.google.create("Dentist")
    await world.pull(WORK)
    await world.pull()
    health = {each.calendar_id: each for each in (await world.sync.status(USER)).calendars}
    reasons = {name: each.last_error and each.last_error.reason for name, each in health.items()}
    assert reasons == {"primary": None, WORK: "calendar-not-found"}
    kept = {"primary": {"Dentist"}, WORK: {"Board meeting", "Review"}}
    assert await shown(world) == kept
    overview = await world.selection.overview(USER)
    [lost] = [each for each in overview.calendars if each.calendar_id == WORK]
    assert (lost.selected, lost.listed, lost.entry and lost.entry.summary) == (True, False, "Work")

    await world.edit(mine, title="Review, moved")
    await world.settle(within=timedelta(hours=3))
    assert await shown(world) == {"primary": {"Dentist"}, WORK: {"Board meeting", "Review, moved"}}
    share(world, WORK, "writer")
    await world.settle(within=timedelta(hours=1))
    assert titles(world, WORK) == ["Board meeting", "Review, moved"]
    assert (await world.calendar(WORK)).last_error is None
    assert len(await world.all_slots(deleted=True)) == 3


async def test_a_calendar_that_is_lost_between_two_listings_takes_no_slot_along(world: World) -> None:
    """Google says the same of an event that is gone and of a calendar that is: 404."""
    put(world, WORK, summary="Board meeting")
    await select(world, WORK)
    slot = await called(world, "Board meeting")
    mine = await world.create("Review", calendar_id=WORK)
    await world.settle()
    share(world, WORK, "none")
    async with world.uow() as tx:
        await tx.users.lock(USER)
        await tx.slots.save_silently([replace(slot, refetch=True)])
    await world.edit(mine, title="Review, moved")
    await world.create("Unsent", calendar_id=WORK)
    await world.settle(within=timedelta(hours=1))
    assert await shown(world) == {WORK: {"Board meeting", "Review, moved", "Unsent"}}
    assert (await world.calendar(WORK)).last_error is not None
    share(world, WORK, "writer")
    await world.settle(within=timedelta(hours=1))
    assert titles(world, WORK) == ["Board meeting", "Review, moved", "Unsent"]
    assert {each.sync_state for each in await world.all_slots()} == {SyncState.SYNCED}


async def test_a_lost_calendar_can_be_left_with_what_it_never_got(world: World) -> None:
    put(world, WORK, summary="Board meeting")
    put(world, WORK, summary="Lunch")
    await select(world, WORK)
    share(world, WORK, "none")
    await world.pull(WORK)
    await world.edit(await called(world, "Lunch"), title="Long lunch")
    await leave(world, WORK)
    assert await shown(world) == {WORK: {"Long lunch"}}
    with pytest.raises(UnknownCalendarError):
        await select(world, WORK)
    share(world, WORK, "writer")
    await select(world, WORK)
    assert titles(world, WORK) == ["Board meeting", "Long lunch"]
    assert await shown(world) == {WORK: {"Board meeting", "Long lunch"}}


async def test_another_account_gets_what_the_app_made(world: World) -> None:
    put(world, WORK, summary="Board meeting")
    await select(world, WORK, default=True)
    review = await world.create("Review")
    await world.settle()
    unsent = await world.create("Unsent")
    async with world.uow() as tx:
        await tx.users.lock(USER)
        await leave_account(tx, USER, now=world.clock.now())
    assert await shown(world) == {"primary": {"Review", "Unsent"}}
    await world.connections.connected(USER)
    await world.settle()
    assert titles(world, "primary") == ["Review", "Unsent"]
    assert {each.id for each in await world.all_slots()} == {review.id, unsent.id}
    overview = await world.selection.overview(USER)
    assert [each.calendar_id for each in overview.calendars if each.selected] == ["primary"]
    assert [each.calendar_id for each in overview.calendars if each.is_default] == ["primary"]


async def test_guests_are_not_invited_again_from_another_account(world: World) -> None:
    party = await world.create("Party", attendees=(Attendee("bob@example.com"),))
    weekly = world.google.create(
        "Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"], attendees=[{"email": "bob@example.com"}]
    )
    world.google.edit(weekly["id"] + "_20260309T080000Z", summary="Weekly, moved")
    await world.settle()
    await world.pull()
    async with world.uow() as tx:
        await tx.users.lock(USER)
        await leave_account(tx, USER, now=world.clock.now())
    for slot in await world.all_slots():
        assert slot.content.attendees == ()
    [*_, told] = await world.reader.history(USER, SlotAddress(party.id))
    assert set(told.fields) == {"attendees"}
    await world.connections.connected(USER)
    await world.settle()
    fresh = [each for each in world.google.events() if each["id"] not in {party.id.hex, weekly["id"]}]
    assert [each for each in fresh if "attendees" in each and "recurringEventId" not in each] == []
