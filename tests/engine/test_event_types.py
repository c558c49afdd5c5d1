"""Events of every type and of other people: what may be edited reaches Google, what may not is refused here.

The table of what may be edited is held against the simulator, which has rules of its own: what we allow it
must take, and what we refuse it must refuse.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from services.core.edits import edit
from services.core.errors import InvalidSlotError, ReadOnlySlotError
from services.core.records import SyncState
from services.core.recurrence import parse_instance_key
from services.core.restrictions import FIELDS
from services.core.scopes import EditScope
from services.core.slots import AllDay, Attendee, ReminderOverride, Reminders, Schedule, Timed
from services.slot_scopes import SlotAddress, SlotEdit
from tests.engine.world import EMAIL, START, USER, World, make_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.core.records import Slot
    from services.core.slots import SlotContent

BOB, EVE = "bob@example.com", "eve@example.com"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TODAY = START.date()
WORK = "c_work@group.calendar.google.com"


def dates(first: date, days: int = 1) -> dict[str, Any]:
    return {"start": {"date": first.isoformat()}, "end": {"date": (first + days * DAY).isoformat()}}


GUESTS = {"attendees": [{"email": EMAIL}, {"email": BOB, "responseStatus": "accepted"}]}
BIRTHDAY = {
    "eventType": "birthday",
    "visibility": "private",
    "transparency": "transparent",
    "recurrence": ["RRULE:FREQ=YEARLY"],
    "birthdayProperties": {"type": "birthday"},
    **dates(TODAY),
}
WORKING = {
    "eventType": "workingLocation",
    "visibility": "public",
    "transparency": "transparent",
    "workingLocationProperties": {"type": "homeOffice", "homeOffice": {}},
}
INVITED = {"organizer": {"email": BOB}, **GUESTS}

KINDS: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "plain": ({}, None, ""),
    "with guests": (GUESTS, None, ""),
    "birthday": (
        BIRTHDAY,
        "birthday",
        "description location timezone recurrence transparency visibility attendees",
    ),
    "from Gmail": (
        {"eventType": "fromGmail", **GUESTS},
        "from-gmail",
        "title description location start timezone recurrence",
    ),
    "from Gmail, of an unknown organizer": (
        {"eventType": "fromGmail", **INVITED, "organizer": {"email": "unknownorganizer@example.com"}},
        "from-gmail",
        "title description location start timezone recurrence attendees",
    ),
    "focus time": (
        {"eventType": "focusTime", "focusTimeProperties": {"chatStatus": "doNotDisturb"}},
        "focus-time",
        "transparency attendees",
    ),
    "out of office": (
        {"eventType": "outOfOffice", "outOfOfficeProperties": {"autoDeclineMode": "declineNone"}},
        "out-of-office",
        "transparency attendees",
    ),
    "working location of a day": (
        {**WORKING, **dates(TODAY)},
        "working-location",
        "transparency visibility attendees",
    ),
    "working location of an hour": (WORKING, "working-location", "transparency visibility attendees"),
    "locked": (
        {"locked": True, **GUESTS},
        "locked",
        "title description location start timezone recurrence",
    ),
    "an invitation": (
        INVITED,
        "not-organizer",
        "title description location start timezone recurrence attendees",
    ),
    "an invitation that guests may modify": ({**INVITED, "guestsCanModify": True}, None, ""),
    "a locked invitation that guests may modify": (
        {**INVITED, "guestsCanModify": True, "locked": True},
        "locked",
        "title description location start timezone recurrence",
    ),
    "a private copy": (
        {**INVITED, "privateCopy": True, "iCalUID": "x@elsewhere"},
        "not-organizer",
        "title description location start timezone recurrence attendees",
    ),
    "a type of the future": ({"eventType": "siesta"}, "event-type", " ".join({*FIELDS} - {"end"})),
}


def moved(content: SlotContent) -> Schedule:
    span = content.schedule.span
    if isinstance(span, AllDay):
        return replace(content.schedule, span=AllDay(span.start + DAY, span.end + DAY))
    return replace(content.schedule, span=Timed(span.start + DAY, span.end + DAY, span.timezone))


def in_tokyo(content: SlotContent) -> Schedule:
    span = content.schedule.span
    assert isinstance(span, Timed)
    return replace(content.schedule, span=Timed(span.start, span.end, "Asia/Tokyo"))


OWN_REMINDER = Reminders(use_default=False, overrides=(ReminderOverride("popup", 7),))
EDITS: dict[str, Callable[[SlotContent], dict[str, Any]]] = {
    "title": lambda _: {"title": "By the app"},
    "description": lambda _: {"description": "By the app"},
    "location": lambda _: {"location": "By the app"},
    "start": lambda content: {"schedule": moved(content)},
    "timezone": lambda content: {"schedule": in_tokyo(content)},
    "recurrence": lambda content: {
        "schedule": replace(content.schedule, recurrence=("RRULE:FREQ=DAILY;COUNT=3",))
    },
    "color": lambda _: {"color": "7"},
    "transparency": lambda content: {
        "transparency": "opaque" if content.transparency == "transparent" else "transparent"
    },
    "visibility": lambda content: {"visibility": "private" if content.visibility != "private" else "public"},
    "reminders": lambda _: {"reminders": OWN_REMINDER},
    "attendees": lambda content: {"attendees": tuple(sorted((*content.attendees, Attendee(EVE))))},
    "response_status": lambda _: {"response": "tentative"},
}


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


async def pulled(world: World, fields: dict[str, Any], *, title: str = "As Google has it") -> Slot:
    """What a person or Google made, as a slot."""
    event = world.google.create(title, **fields)
    await world.pull()
    [slot] = [each for each in await world.all_slots() if each.google and each.google.event_id == event["id"]]
    world.google.forget_requests()
    return slot


def copy_of(slot: Slot) -> Any:
    assert slot.google is not None
    return slot.google


def writes(world: World) -> list[tuple[str, int]]:
    """What was sent to Google but questions, and how it was answered."""
    return [(each["method"], each["status"]) for each in world.google.requests() if each["method"] != "GET"]


async def app_edits(world: World, slot: Slot, changes: dict[str, Any]) -> None:
    """The app changes fields of a slot, rules included."""
    schedule = changes.get("schedule", slot.content.schedule)
    lines = schedule.recurrence if schedule.recurrence != slot.content.schedule.recurrence else None
    change = SlotEdit(lambda content: replace(content, **changes), recurrence=lines)
    await world.slots.edit(USER, SlotAddress(slot.id), change)


def applicable(slot: Slot) -> list[str]:
    timed = isinstance(slot.content.schedule.span, Timed)
    invited = slot.content.response is not None
    return [
        name for name in EDITS if (name != "timezone" or timed) and (name != "response_status" or invited)
    ]


async def smuggle(world: World, slot: Slot, **changes: Any) -> None:
    """An edit that was stored before anybody knew that Google would not have it."""
    edited = edit(slot, replace(slot.content, **changes), now=world.clock.now(), policy=world.policy.loop)
    async with world.uow() as tx:
        await tx.users.lock(USER)
        await tx.slots.save([edited.slot])
        await tx.calendars.mark_due(USER, slot.calendar_id, now=world.clock.now(), pull=False)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_may_be_edited_is_just_what_google_takes(kind: str):
    fields, reason, refused_names = KINDS[kind]
    refused = set(refused_names.split())
    world = await make_world()
    await world.settle()
    first = await pulled(world, fields)
    assert copy_of(first).restriction == reason
    for name in applicable(first):
        slot = await pulled(world, fields, title=f"For {name}")
        changes = EDITS[name](slot.content)
        assert (name in copy_of(slot).editable_fields) == (name not in refused), name
        if name not in refused:
            await app_edits(world, slot, changes)
            await world.settle()
            assert writes(world) == [("PATCH", 200)], name
            after = await world.slot(slot.id)
            assert (after.sync_state, after.content) == (SyncState.SYNCED, replace(slot.content, **changes))
            continue
        with pytest.raises(ReadOnlySlotError) as caught:
            await app_edits(world, slot, changes)
        assert name in caught.value.fields, name
        assert world.google.requests() == []
        assert await world.slot(slot.id) == slot
        await smuggle(world, slot, **changes)
        await world.settle()
        [(method, status)] = writes(world)
        assert (method, status in (400, 403)) == ("PATCH", True), name


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "a type of the future"])
async def test_every_known_kind_can_be_deleted_and_comes_back(world: World, kind: str):
    slot = await pulled(world, KINDS[kind][0])
    event_id = copy_of(slot).event_id
    before = world.google.event(event_id)
    await world.delete(slot)
    await world.settle()
    assert writes(world) == [("DELETE", 204)]
    world.google.forget_requests()
    await world.restore(slot)
    await world.settle()
    assert writes(world) == [("PATCH", 200)]
    after = world.google.event(event_id)
    assert {**after, "etag": "", "updated": ""} == {**before, "etag": "", "updated": ""}


async def test_the_first_restriction_that_forbids_an_edit_is_the_reason(world: World):
    slot = await pulled(world, KINDS["from Gmail, of an unknown organizer"][0])
    with pytest.raises(ReadOnlySlotError) as caught:
        await world.edit(slot, attendees=())
    assert (caught.value.reason, caught.value.fields) == ("not-organizer", frozenset({"attendees"}))
    with pytest.raises(ReadOnlySlotError) as caught:
        await world.edit(slot, title="Mine", color="3", attendees=())
    assert (caught.value.reason, caught.value.fields) == ("from-gmail", frozenset({"title"}))


async def test_a_guest_list_that_google_cut_short_cannot_be_sent_back_but_answered(world: World):
    slot = await pulled(world, {**GUESTS, "attendeesOmitted": True})
    assert [str(each) for each in copy_of(slot).restrictions] == ["attendees-omitted"]
    with pytest.raises(ReadOnlySlotError) as caught:
        await world.edit(slot, attendees=(Attendee(EVE),))
    assert (caught.value.reason, caught.value.fields) == ("attendees-omitted", frozenset({"attendees"}))
    await world.edit(slot, response="accepted", title="Renamed")
    await world.settle()
    rows = world.google.event(copy_of(slot).event_id)["attendees"]
    assert [(row["email"], row["responseStatus"]) for row in rows] == [
        (EMAIL, "accepted"),
        (BOB, "accepted"),
    ]


# What a type asks of the times.


@pytest.mark.parametrize(
    ("kind", "span", "pointer"),
    [
        ("focus time", AllDay(TODAY, TODAY + DAY), "/start"),
        ("out of office", AllDay(TODAY, TODAY + DAY), "/start"),
        ("working location of a day", AllDay(TODAY, TODAY + 2 * DAY), "/end"),
        ("working location of an hour", AllDay(TODAY, TODAY + 2 * DAY), "/end"),
        ("birthday", Timed(START, START + HOUR, "UTC"), "/start"),
        ("birthday", AllDay(TODAY, TODAY + 2 * DAY), "/end"),
        ("birthday", AllDay(date(2028, 2, 29), date(2028, 3, 1)), "/start"),
    ],
)
async def test_times_that_a_type_does_not_allow_are_refused_before_anything_is_stored(
    world: World, kind: str, span: Timed | AllDay, pointer: str
):
    slot = await pulled(world, KINDS[kind][0])
    wanted = replace(slot.content.schedule, span=span)
    with pytest.raises(InvalidSlotError) as caught:
        await world.edit(slot, schedule=wanted)
    assert caught.value.pointer == pointer
    assert await world.slot(slot.id) == slot
    await smuggle(world, slot, schedule=wanted)
    await world.settle()
    assert writes(world) == [("PATCH", 400)]


@pytest.mark.parametrize(
    ("kind", "span"),
    [
        ("working location of a day", Timed(START, START + HOUR, "UTC")),
        ("working location of an hour", AllDay(TODAY, TODAY + DAY)),
        ("birthday", AllDay(TODAY + 40 * DAY, TODAY + 41 * DAY)),
    ],
)
async def test_times_that_a_type_allows_reach_google(world: World, kind: str, span: Timed | AllDay):
    slot = await pulled(world, KINDS[kind][0])
    await world.edit(slot, schedule=replace(slot.content.schedule, span=span))
    await world.settle()
    found = await world.slot(slot.id)
    assert (found.sync_state, found.content.schedule.span) == (SyncState.SYNCED, span)


async def test_one_birthday_of_many_can_be_coloured_and_the_series_cannot_be_split(world: World):
    slot = await pulled(world, BIRTHDAY)
    start = parse_instance_key(f"{TODAY.year + 1}{TODAY:%m%d}")
    assert start is not None
    coloured = SlotEdit(lambda content: replace(content, color="3"))
    await world.slots.edit(USER, SlotAddress(slot.id, start), coloured)
    await world.settle()
    assert writes(world) == [("PATCH", 200)]
    with pytest.raises(ReadOnlySlotError) as caught:
        await world.slots.edit(USER, SlotAddress(slot.id, start, EditScope.FOLLOWING), coloured)
    assert (caught.value.reason, caught.value.fields) == ("birthday", frozenset({"recurrence"}))


@pytest.mark.parametrize("kind", ["focus time", "out of office", "working location of a day"])
async def test_what_follows_in_a_split_series_is_of_the_same_type(world: World, kind: str):
    fields = {**KINDS[kind][0], "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"]}
    slot = await pulled(world, fields)
    key = (START + 2 * DAY).strftime("%Y%m%d" if "date" in fields.get("start", {}) else "%Y%m%dT%H%M%SZ")
    start = parse_instance_key(key)
    assert start is not None
    change = SlotEdit(lambda content: replace(content, title="Renamed"))
    await world.slots.edit(USER, SlotAddress(slot.id, start, EditScope.FOLLOWING), change)
    await world.settle()
    assert {each.sync_state for each in await world.all_slots()} == {SyncState.SYNCED}
    [rest] = [each for each in world.google.events() if each["summary"] == "Renamed"]
    special = {name for name in fields if name.endswith("Properties")} | {"eventType"}
    assert {name: rest[name] for name in special} == {name: fields[name] for name in special}


async def test_what_follows_must_suit_the_type_as_well(world: World):
    slot = await pulled(world, {**KINDS["focus time"][0], "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"]})
    address = SlotAddress(slot.id, START + 2 * DAY, EditScope.FOLLOWING)
    with pytest.raises(ReadOnlySlotError) as caught:
        await world.slots.edit(
            USER, address, SlotEdit(lambda content: replace(content, attendees=(Attendee(EVE),)))
        )
    assert caught.value.fields == {"attendees"}
    day = Schedule(AllDay(TODAY + 2 * DAY, TODAY + 3 * DAY))
    with pytest.raises(InvalidSlotError):
        await world.slots.edit(USER, address, SlotEdit(lambda content: replace(content, schedule=day)))
    await world.settle()
    assert writes(world) == []


# Calendars of others.


def share(world: World, role: str) -> None:
    world.google.call("POST", "/accounts", {"email": BOB})
    world.google.call(
        "POST", "/calendars", {"account": BOB, "id": WORK, "summary": "Work", "acl": {EMAIL: role}}
    )


def put(world: World, **fields: Any) -> str:
    span = {
        "start": {"dateTime": START.isoformat(), "timeZone": "UTC"},
        "end": {"dateTime": (START + HOUR).isoformat(), "timeZone": "UTC"},
    }
    path = f"/calendars/{quote(BOB)}/{quote(WORK, safe='')}/events"
    return str(world.google.call("POST", path, {**span, **fields})["id"])


async def of_calendar(world: World) -> list[Slot]:
    await world.selection.choose(USER, WORK, selected=True, default=None)
    await world.settle()
    world.google.forget_requests()
    return [each for each in await world.all_slots() if each.calendar_id == WORK]


@pytest.mark.parametrize("role", ["reader", "freeBusyReader"])
async def test_a_calendar_that_may_only_be_read_is_shown_and_nothing_of_it_can_be_edited(
    world: World, role: str
):
    share(world, role)
    put(world, summary="Board", **GUESTS)
    [slot] = await of_calendar(world)
    assert (slot.sync_state, copy_of(slot).editable_fields) == (SyncState.READ_ONLY, frozenset())
    for name in applicable(slot):
        changes = EDITS[name](slot.content)
        with pytest.raises(ReadOnlySlotError) as caught:
            await app_edits(world, slot, changes)
        assert caught.value.reason == "calendar-read-only"
    with pytest.raises(ReadOnlySlotError):
        await world.delete(slot)
    assert world.google.requests() == []
    await smuggle(world, slot, title="By the app")
    await world.settle()
    assert writes(world) == [("PATCH", 403)]


async def test_private_events_of_a_calendar_whose_secrets_stay_secret_cannot_be_edited(world: World):
    share(world, "writerWithoutPrivateAccess")
    put(world, summary="Board")
    put(world, summary="Affair", visibility="private")
    slots = {each.content.title: each for each in await of_calendar(world)}
    assert {title: copy_of(slot).restriction for title, slot in slots.items()} == {
        "Board": None,
        "": "private-event",
    }
    with pytest.raises(ReadOnlySlotError) as caught:
        await world.edit(slots[""], color="3")
    assert caught.value.reason == "private-event"
    await smuggle(world, slots[""], color="3")
    await world.edit(slots["Board"], title="Board, moved")
    await world.settle()
    assert sorted(writes(world)) == [("PATCH", 200), ("PATCH", 403)]


# None of them stops a sync.


async def test_one_of_each_comes_in_beside_what_makes_no_sense(world: World):
    for number, kind in enumerate(KINDS):
        world.google.create(kind, **KINDS[kind][0], colorId=str(number % 11 + 1))
    odd_ones: list[dict[str, Any]] = [
        {"attendees": [{"displayName": "No address"}, {"email": BOB, "responseStatus": "maybe"}]},
        {"visibility": "secret", "transparency": "glass"},
        {"reminders": {"useDefault": False, "overrides": [{"method": "pigeon", "minutes": 5}]}},
        {"attachments": [{}], "conferenceData": {}, "source": {}, "organizer": {}},
    ]
    for odd in odd_ones:
        world.google.create("odd", **odd)
    world.google.create("Last")
    await world.pull()
    titles = {slot.content.title for slot in await world.all_slots()}
    assert {*KINDS, "Last"} <= titles
    assert (await world.calendar()).last_error is None


async def test_an_edit_that_google_refuses_for_good_is_shown_asked_once_and_holds_up_nobody(world: World):
    slot = await pulled(world, INVITED)
    other, _ = await world.linked("Mine")
    world.google.forget_requests()
    await smuggle(world, slot, title="By the app")
    await world.edit(other, title="Mine, renamed")
    await world.settle(within=timedelta(hours=3))
    assert sorted(status for _, status in writes(world)) == [200, 403]
    refused = await world.slot(slot.id)
    assert refused.sync_state is SyncState.FAILED
    assert refused.failure is not None
    assert refused.failure.reason == "forbiddenForNonOrganizer"
    assert refused.failure.next_attempt_at is None
    assert (await world.slot(other.id)).sync_state is SyncState.SYNCED
    # What arrives from Google meanwhile does not make it try again, nor does a full listing.
    world.google.edit(copy_of(slot).event_id, location="Elsewhere")
    await world.pull()
    await world.list_everything()
    assert sorted(status for _, status in writes(world)) == [200, 403]
    # Once the user may, it goes.
    world.google.edit(copy_of(slot).event_id, guestsCanModify=True)
    await world.pull()
    event = world.google.event(copy_of(slot).event_id)
    assert (event["summary"], event["location"]) == ("By the app", "Elsewhere")


async def test_an_event_that_google_will_not_even_show_is_asked_for_ever_more_seldom(world: World):
    slot = await pulled(world, INVITED)
    await smuggle(world, slot, title="By the app")
    await world.settle()
    world.google.edit(copy_of(slot).event_id, location="Elsewhere")
    world.google.forget_requests()
    path = f"events/{copy_of(slot).event_id}"
    world.google.fault("answer", method="GET", path=path, times=1000, status=403, reason="forbidden")
    await world.pull()
    await world.settle(within=timedelta(hours=6))
    looks = [each for each in world.google.requests() if each["path"].endswith(path)]
    assert 5 < len(looks) < 11
    assert (await world.slot(slot.id)).sync_state is SyncState.FAILED


async def test_taking_back_an_edit_that_google_refused_settles_the_slot(world: World):
    slot = await pulled(world, {"eventType": "fromGmail"})
    await smuggle(world, slot, title="By the app")
    await world.settle()
    failed = await world.slot(slot.id)
    assert failed.failure is not None
    assert failed.failure.reason == "eventTypeRestriction"
    await world.edit(failed, title=slot.content.title)
    await world.settle()
    assert (await world.slot(slot.id)).sync_state is SyncState.SYNCED
