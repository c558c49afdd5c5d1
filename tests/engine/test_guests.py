"""Guests, and all else that Google alone knows of an event: kept by every edit, changed where asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from services.core.errors import ReadOnlySlotError
from services.core.records import SyncState
from services.core.scopes import EditScope
from services.core.slots import AllDay, Attendee, ReminderOverride, Reminders, Schedule, Timed
from services.slot_scopes import SlotAddress, SlotEdit
from tests.engine.world import EMAIL, START, USER, World, make_world

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.core.records import Notify, Slot
    from services.core.slots import SlotContent
    from services.google.transport import HttpRequest

BOB, EVE, ZOE, ROOM = "bob@example.com", "eve@example.com", "zoe@example.com", "room@resource.example.com"
WORK = "c_work@group.calendar.google.com"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEKLY = {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=6"]}

ROWS: list[dict[str, Any]] = [
    {"email": EMAIL, "responseStatus": "needsAction", "displayName": "Ada"},
    {
        "email": "Bob@Example.com",
        "displayName": "Bob",
        "responseStatus": "accepted",
        "comment": "With cake",
        "additionalGuests": 2,
        "aFieldOfTheFuture": {"deep": [1, None]},
    },
    {"email": EVE, "optional": True, "responseStatus": "declined", "id": "107"},
    {"email": ROOM, "resource": True, "responseStatus": "accepted", "displayName": "Room 4"},
]
RICH: dict[str, Any] = {
    "attendees": ROWS,
    "conferenceData": {
        "conferenceId": "abc-defg-hij",
        "signature": "signed",
        "conferenceSolution": {
            "name": "Google Meet",
            "key": {"type": "hangoutsMeet"},
            "iconUri": "https://x",
        },
        "entryPoints": [
            {"entryPointType": "video", "uri": "https://meet.google.com/abc-defg-hij", "label": "meet"},
            {"entryPointType": "phone", "uri": "tel:+31-20-555", "pin": "123", "regionCode": "NL"},
            {"entryPointType": "more", "uri": "https://tel.meet/abc"},
        ],
        "notes": "Wait in the lobby",
    },
    "hangoutLink": "https://meet.google.com/abc-defg-hij",
    "attachments": [{"fileUrl": "https://drive.google.com/1", "title": "Agenda", "mimeType": "text/plain"}],
    "extendedProperties": {"private": {"theirs": "1"}, "shared": {"too": "2"}},
    "guestsCanInviteOthers": False,
    "guestsCanModify": True,
    "guestsCanSeeOtherGuests": False,
    "source": {"title": "Mail", "url": "https://mail.example.com/1"},
    "aFieldOfTheFuture": {"nested": {"list": [1, "two", None]}},
    "description": "<b>Agenda</b>",
}
VOLATILE = {"etag", "updated", "sequence"}


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


async def pulled(world: World, **fields: Any) -> Slot:
    event = world.google.create("Review", **fields)
    await world.pull()
    [slot] = [each for each in await world.all_slots() if each.google and each.google.event_id == event["id"]]
    world.google.forget_requests()
    return slot


def id_of(slot: Slot) -> str:
    assert slot.google is not None
    return slot.google.event_id


def raw(world: World, slot: Slot) -> dict[str, Any]:
    return world.google.event(id_of(slot))


def rows_of(world: World, slot: Slot) -> dict[str, dict[str, Any]]:
    return {row["email"].lower(): row for row in raw(world, slot).get("attendees", [])}


def answers(world: World, slot: Slot) -> dict[str, str]:
    return {address: row["responseStatus"] for address, row in rows_of(world, slot).items()}


def difference(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    names = (before.keys() | after.keys()) - VOLATILE
    return {name for name in names if before.get(name) != after.get(name)}


async def app_edit(
    world: World,
    slot: Slot,
    *,
    at: datetime | None = None,
    scope: EditScope | None = None,
    lines: tuple[str, ...] | None = None,
    notify: Notify = "none",
    **changes: Any,
) -> Slot:
    change = SlotEdit(lambda content: replace(content, **changes), recurrence=lines, notify=notify)
    return (await world.slots.edit(USER, SlotAddress(slot.id, at, scope), change)).entry.slot


async def settled(world: World, slot: Slot) -> Slot:
    await world.settle()
    found = await world.slot(slot.id)
    assert found.sync_state is SyncState.SYNCED, found.failure
    return found


def shifted(content: SlotContent, by: timedelta) -> Schedule:
    span = content.schedule.span
    assert isinstance(span, Timed)
    return replace(content.schedule, span=Timed(span.start + by, span.end + by, span.timezone))


def with_guests(content: SlotContent, *more: Attendee) -> tuple[Attendee, ...]:
    return tuple(sorted((*content.attendees, *more)))


# Kept by every edit.

EDITS: dict[str, tuple[Callable[[SlotContent], dict[str, Any]], set[str]]] = {
    "title": (lambda _: {"title": "Renamed"}, {"summary"}),
    "description": (lambda _: {"description": "Other"}, {"description"}),
    "no description": (lambda _: {"description": ""}, {"description"}),
    "location": (lambda _: {"location": "Room 5"}, {"location"}),
    "times": (lambda content: {"schedule": shifted(content, HOUR)}, {"start", "end"}),
    "all day": (
        lambda _: {"schedule": Schedule(AllDay(START.date(), START.date() + DAY))},
        {"start", "end"},
    ),
    "color": (lambda _: {"color": "7"}, {"colorId"}),
    "transparency": (lambda _: {"transparency": "transparent"}, {"transparency"}),
    "visibility": (lambda _: {"visibility": "private"}, {"visibility"}),
    "reminders": (
        lambda _: {"reminders": Reminders(use_default=False, overrides=(ReminderOverride("email", 30),))},
        {"reminders"},
    ),
    "guests": (lambda content: {"attendees": with_guests(content, Attendee(ZOE))}, {"attendees"}),
    "no guests": (lambda _: {"attendees": ()}, {"attendees"}),
    "answer": (lambda _: {"response": "accepted"}, {"attendees"}),
    "several": (
        lambda content: {"title": "Renamed", "response": "declined", "schedule": shifted(content, DAY)},
        {"summary", "attendees", "start", "end"},
    ),
}


@pytest.mark.parametrize("name", EDITS)
async def test_an_edit_changes_what_it_names_and_nothing_else(world: World, name: str):
    change, named = EDITS[name]
    slot = await pulled(world, **RICH)
    before = raw(world, slot)
    await app_edit(world, slot, **change(slot.content))
    await settled(world, slot)
    assert difference(before, raw(world, slot)) == named


async def test_becoming_a_series_keeps_all_of_it(world: World):
    slot = await pulled(world, **RICH)
    before = raw(world, slot)
    await app_edit(world, slot, lines=("RRULE:FREQ=WEEKLY;COUNT=3",))
    await settled(world, slot)
    assert difference(before, raw(world, slot)) == {"recurrence"}


async def test_deleting_and_restoring_keeps_all_of_it(world: World):
    slot = await pulled(world, **RICH)
    before = raw(world, slot)
    await world.delete(slot)
    await world.settle()
    await world.restore(slot)
    await settled(world, slot)
    assert difference(before, raw(world, slot)) == set()


async def test_an_edit_of_one_instance_keeps_all_of_it_there_and_touches_no_other(world: World):
    series = await pulled(world, **RICH, **WEEKLY)
    before = raw(world, series)
    one = await app_edit(world, series, at=START + 7 * DAY, title="Renamed")
    one = await settled(world, one)
    assert difference(before, raw(world, series)) == set()
    own_fields = {"id", "start", "end", "recurrence", "recurringEventId", "originalStartTime", "htmlLink"}
    assert difference(before, raw(world, one)) == {"summary"} | own_fields


async def test_all_instances_edited_at_once_keep_all_of_it(world: World):
    series = await pulled(world, **RICH, **WEEKLY)
    before = raw(world, series)
    await app_edit(world, series, at=START + 7 * DAY, scope=EditScope.ALL, title="Renamed")
    await settled(world, series)
    assert difference(before, raw(world, series)) == {"summary"}


async def test_what_follows_in_a_new_series_has_all_of_it(world: World):
    series = await pulled(world, **RICH, **WEEKLY)
    before = raw(world, series)
    rest = await app_edit(world, series, at=START + 14 * DAY, scope=EditScope.FOLLOWING, title="Renamed")
    rest = await settled(world, rest)
    assert difference(before, raw(world, series)) == {"recurrence"}
    begun = raw(world, rest)
    identity = {"id", "iCalUID", "htmlLink", "created", "creator", "organizer", "start", "end", "recurrence"}
    set_by_google = {"hangoutLink"}
    assert difference(before, begun) - identity - set_by_google == {"summary", "extendedProperties"}
    assert begun["extendedProperties"] == {
        "private": {"theirs": "1", "slotId": str(rest.id)},
        "shared": {"too": "2"},
    }


async def test_an_event_whose_id_is_spent_is_made_anew_with_all_of_it(world: World):
    slot = await pulled(world, **RICH)
    before = raw(world, slot)
    await world.delete(slot)
    await world.settle()
    world.google.call("POST", "/switches", {"revival_status": 403})
    await world.restore(slot)
    anew = raw(world, await settled(world, slot))
    assert anew["id"] != before["id"]
    assert {name: anew[name] for name in ("attendees", "conferenceData", "attachments", "source")} == {
        name: before[name] for name in ("attendees", "conferenceData", "attachments", "source")
    }


# Guests.


async def test_guests_come_and_go_and_those_who_stay_keep_what_they_said(world: World):
    slot = await pulled(world, **RICH)
    before = rows_of(world, slot)
    staying = [each for each in slot.content.attendees if each.email not in (EVE, ROOM)]
    wanted = tuple(sorted([*staying, Attendee(ZOE, optional=True), Attendee(ROOM, optional=True)]))
    await app_edit(world, slot, attendees=wanted)
    found = await settled(world, slot)
    after = rows_of(world, slot)
    assert after == {
        EMAIL: before[EMAIL],
        BOB: before[BOB],
        ROOM: {**before[ROOM], "optional": True},
        ZOE: {"email": ZOE, "optional": True, "responseStatus": "needsAction"},
    }
    assert found.content.attendees == wanted


async def test_case_makes_no_other_guest(world: World):
    slot = await pulled(world, **RICH)
    assert Attendee(BOB) in slot.content.attendees
    world.google.edit(id_of(slot), attendees=[{**row, "email": row["email"].upper()} for row in ROWS])
    await world.pull()
    found = await world.slot(slot.id)
    assert (found.content, found.version) == (slot.content, slot.version)


async def test_the_organizer_may_go_and_come_back(world: World):
    slot = await pulled(world, **RICH)
    without = tuple(each for each in slot.content.attendees if each.email != EMAIL)
    await app_edit(world, slot, attendees=without)
    gone = await settled(world, slot)
    assert (EMAIL in rows_of(world, slot), gone.content.response) == (False, None)
    await app_edit(world, gone, attendees=slot.content.attendees)
    back = await settled(world, slot)
    assert back.content == slot.content


async def test_answers_of_guests_change_only_what_is_shown_of_google(world: World):
    slot = await pulled(world, **RICH)
    rows = [{**row, "responseStatus": "tentative"} if row["email"] == EVE else row for row in ROWS]
    world.google.edit(id_of(slot), attendees=rows)
    await world.pull()
    found = await world.slot(slot.id)
    assert found.google is not None
    answered = {row["email"]: row["response_status"] for row in found.google.facts["attendees"]}
    assert answered[EVE] == "tentative"
    same = replace(found, google=slot.google, seq=slot.seq, last_synced_at=slot.last_synced_at)
    assert same == slot
    assert found.seq > slot.seq
    async with world.uow.reading() as tx:
        assert await tx.slots.history(USER, slot.id) == []
    assert [each for each in world.google.requests() if each["method"] != "GET"] == []


async def test_an_answer_that_arrives_first_survives_a_change_of_the_guests(world: World):
    slot = await pulled(world, **RICH)
    rows = [{**row, "responseStatus": "tentative"} if row["email"] == EVE else row for row in ROWS]
    world.google.edit(id_of(slot), attendees=rows)
    await app_edit(world, slot, attendees=with_guests(slot.content, Attendee(ZOE)))
    await settled(world, slot)
    assert answers(world, slot) == {
        EMAIL: "needsAction",
        BOB: "accepted",
        EVE: "tentative",
        ROOM: "accepted",
        ZOE: "needsAction",
    }


async def test_an_answer_between_the_look_and_the_change_survives_too(world: World):
    slot = await pulled(world, **RICH)

    async def eve_answers(request: HttpRequest) -> None:
        if request.method == "PATCH":
            world.transport.before = None
            rows = [{**row, "responseStatus": "accepted"} if row["email"] == EVE else row for row in ROWS]
            world.google.edit(id_of(slot), attendees=rows)

    world.transport.before = eve_answers
    await app_edit(world, slot, attendees=with_guests(slot.content, Attendee(ZOE)))
    await settled(world, slot)
    assert answers(world, slot)[EVE] == "accepted"
    assert ZOE in answers(world, slot)


@pytest.mark.parametrize("winner", ["app", "google"])
async def test_guests_changed_on_both_sides_the_later_wins_and_the_loser_can_be_kept(
    world: World, winner: str
):
    slot = await pulled(world, **RICH)

    async def app() -> None:
        await app_edit(world, slot, attendees=with_guests(slot.content, Attendee(ZOE)))

    async def google() -> None:
        world.google.edit(id_of(slot), attendees=[*ROWS, {"email": "max@example.com"}])

    for side in (google, app) if winner == "app" else (app, google):
        world.clock.advance(timedelta(minutes=1))
        await side()
    await settled_or_in_conflict(world, slot)
    guests = set(answers(world, slot))
    assert (ZOE in guests, "max@example.com" in guests) == (winner == "app", winner == "google")
    [conflict] = await world.review.conflicts(USER, after=None, limit=10)
    assert (conflict.group, conflict.winner) == ("attendees", "local" if winner == "app" else "remote")
    await world.review.resolve(USER, conflict.id, "loser")
    await settled(world, slot)
    guests = set(answers(world, slot))
    assert (ZOE in guests, "max@example.com" in guests) == (winner != "app", winner != "google")


async def settled_or_in_conflict(world: World, slot: Slot) -> None:
    await world.settle()
    await world.pull()
    assert (await world.slot(slot.id)).sync_state is SyncState.CONFLICT


# The user's own answer.

INVITATION: dict[str, Any] = {**RICH, "organizer": {"email": BOB}, "guestsCanModify": False}


async def test_a_guest_answers_though_all_else_is_the_organizers(world: World):
    slot = await pulled(world, **INVITATION)
    before = raw(world, slot)
    with pytest.raises(ReadOnlySlotError):
        await app_edit(world, slot, response="accepted", attendees=())
    await app_edit(world, slot, response="accepted")
    await settled(world, slot)
    after = raw(world, slot)
    assert difference(before, after) == {"attendees"}
    assert rows_of(world, slot) == {
        row["email"].lower(): {**row, "responseStatus": "accepted"} if row["email"] == EMAIL else row
        for row in before["attendees"]
    }


@pytest.mark.parametrize("event", [RICH, INVITATION], ids=["as organizer", "as guest"])
async def test_the_answer_to_one_instance_and_to_the_whole_series(world: World, event: dict[str, Any]):
    series = await pulled(world, **event, **WEEKLY)
    one = await app_edit(world, series, at=START + 7 * DAY, response="declined")
    one = await settled(world, one)
    assert answers(world, one)[EMAIL] == "declined"
    assert answers(world, series)[EMAIL] == "needsAction"
    await app_edit(world, series, response="accepted")
    await settled(world, series)
    assert answers(world, series) == {
        EMAIL: "accepted",
        BOB: "accepted",
        EVE: "declined",
        ROOM: "accepted",
    }
    assert answers(world, one)[EMAIL] == "declined"


async def test_the_answer_given_in_google_arrives_as_googles_edit(world: World):
    slot = await pulled(world, **INVITATION)
    rows = [{**row, "responseStatus": "tentative"} if row["email"] == EMAIL else row for row in ROWS]
    world.google.edit(id_of(slot), attendees=rows)
    await world.pull()
    found = await world.slot(slot.id)
    assert (found.content.response, found.version, found.sync_state) == (
        "tentative",
        slot.version + 1,
        SyncState.SYNCED,
    )
    async with world.uow.reading() as tx:
        [entry] = await tx.slots.history(USER, slot.id)
    assert (entry.origin, entry.fields) == (
        "google",
        {"response_status": {"before": "needsAction", "after": "tentative"}},
    )


@pytest.mark.parametrize("rows", [ROWS, [{**row, "email": str(row["email"]).upper()} for row in ROWS]])
async def test_in_another_calendar_the_own_row_is_known_by_its_address(
    world: World, rows: list[dict[str, Any]]
):
    world.google.call("POST", "/calendars", {"account": EMAIL, "id": WORK, "summary": "Work"})
    event = {
        "summary": "Review",
        "start": {"dateTime": START.isoformat(), "timeZone": "UTC"},
        "end": {"dateTime": (START + HOUR).isoformat(), "timeZone": "UTC"},
    }
    path = f"/calendars/{quote(EMAIL)}/{quote(WORK, safe='')}/events"
    made = world.google.call("POST", path, {**event, "attendees": rows})
    assert not any(row.get("self") for row in made["attendees"])
    await world.selection.choose(USER, WORK, selected=True, default=None)
    await world.settle()
    [slot] = [each for each in await world.all_slots() if each.calendar_id == WORK]
    assert slot.content.response == "needsAction"
    await app_edit(world, slot, response="tentative")
    await settled(world, slot)
    after = world.google.call("GET", f"{path}/{made['id']}")["attendees"]
    assert after == [
        {**row, "responseStatus": "tentative"} if row["email"].lower() == EMAIL else row
        for row in made["attendees"]
    ]


# Mail.
