"""The user's calendars over REST: listed, chosen, left, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from schemas.calendar_schemas import CalendarOut, CalendarPageOut
from schemas.sync_schemas import SyncStatusOut
from tests.api.service import SLOT, problem, refused

if TYPE_CHECKING:
    from tests.api.service import Person, Service

WORK = "c_work@group.calendar.google.com"
HOLIDAYS = "nl.dutch#holiday@group.v.calendar.google.com"
EVENTS_ONLY = "openid email https://www.googleapis.com/auth/calendar.events"


def at(calendar_id: str) -> str:
    return f"/calendars/{quote(calendar_id, safe='')}"


async def calendars_of(person: Person) -> dict[str, CalendarOut]:
    answer = await person.get("/calendars")
    assert answer.status_code == 200, answer.text
    page = CalendarPageOut.model_validate_json(answer.content)
    assert page.unread_reason is None
    return {each.calendar_id: each for each in page.items}


async def choose(person: Person, calendar_id: str, **wanted: bool) -> CalendarOut:
    answer = await person.put(at(calendar_id), json=wanted)
    assert answer.status_code == 200, answer.text
    return CalendarOut.model_validate_json(answer.content)


async def google_has(service: Service, person: Person, calendar_id: str) -> list[str]:
    path = f"/calendars/{person.email}/{quote(calendar_id, safe='')}/events"
    found = (await service.sandbox("GET", path))["events"]
    return sorted(each["summary"] for each in found if each["status"] != "cancelled")


async def google_gets(service: Service, person: Person, calendar_id: str, summary: str, **more: Any) -> None:
    moment = {"dateTime": "2026-07-02T10:00:00Z"}
    path = f"/calendars/{person.email}/{quote(calendar_id, safe='')}/events"
    await service.sandbox("POST", path, {"summary": summary, "start": moment, "end": moment, **more})


async def made(service: Service, owner: str, calendar_id: str, **fields: Any) -> None:
    await service.sandbox("POST", "/accounts", {"email": owner})
    await service.sandbox("POST", "/calendars", {"account": owner, "id": calendar_id, **fields})


@pytest.fixture
async def eve(any_service: Service, bob: Person) -> Person:
    """Bob, linked, with two more calendars: one at work, and public holidays, which Google never pushes."""
    await any_service.connect(bob)
    await made(any_service, bob.email, WORK, summary="Work")
    await made(
        any_service,
        "holidays@example.com",
        HOLIDAYS,
        summary="Feestdagen",
        push_supported=False,
        acl={bob.email: "reader"},
    )
    await bob.post("/sync/trigger")
    return bob


async def test_calendars_are_listed_with_what_was_chosen(eve: Person) -> None:
    found = await calendars_of(eve)
    assert list(found) == ["primary", HOLIDAYS, WORK]
    primary, holidays = found["primary"], found[HOLIDAYS]
    assert (primary.google_calendar_id, primary.access_role) == (eve.email, "owner")
    assert (primary.selected, primary.default, primary.primary, primary.push) == (True, True, True, True)
    assert (holidays.google_calendar_id, holidays.access_role) == (HOLIDAYS, "reader")
    assert (holidays.selected, holidays.writable, holidays.push) == (False, False, None)
    assert (found[WORK].background_color, found[WORK].time_zone) == ("#9fe1e7", "Europe/Amsterdam")


async def test_two_calendars_and_holidays_side_by_side(any_service: Service, eve: Person) -> None:
    await google_gets(any_service, eve, WORK, "Board meeting")
    await google_gets(any_service, eve, HOLIDAYS, "Koningsdag")
    assert (await choose(eve, WORK, selected=True)).selected
    assert not (await choose(eve, HOLIDAYS, selected=True)).writable
    await eve.create(title="Dentist")
    await eve.create(title="Review", calendar_id=WORK)
    await eve.create(title="Lunch", calendar_id=eve.email)
    await eve.post("/sync/trigger")
    assert await google_has(any_service, eve, "primary") == ["Dentist", "Lunch"]
    assert await google_has(any_service, eve, WORK) == ["Board meeting", "Review"]
    everything = ["Board meeting", "Dentist", "Koningsdag", "Lunch", "Review"]
    assert sorted(await eve.titles()) == everything
    for name in ("primary", eve.email):
        assert sorted(await eve.titles(calendar_id=name)) == ["Dentist", "Lunch"]
    before = {each["id"] for each in (await eve.get("/slots")).json()["items"]}

    await choose(eve, WORK, selected=False)
    await eve.post("/sync/trigger")
    assert sorted(await eve.titles()) == ["Dentist", "Koningsdag", "Lunch", "Review"]
    assert await google_has(any_service, eve, WORK) == ["Board meeting", "Review"]
    status = SyncStatusOut.model_validate_json((await eve.get("/sync/status")).content)
    assert [each.calendar_id for each in status.calendars] == [HOLIDAYS, "primary"]

    await choose(eve, WORK, selected=True)
    await eve.post("/sync/trigger")
    assert sorted(await eve.titles()) == everything
    assert {each["id"] for each in (await eve.get("/slots")).json()["items"]} == before


async def test_each_calendar_has_a_channel_of_its_own(any_service: Service, eve: Person) -> None:
    for calendar_id in (WORK, HOLIDAYS):
        await choose(eve, calendar_id, selected=True)
    opened = (await eve.post(f"/webhooks/setup/{eve.id}")).json()["channels"]
    assert [each["calendar_id"] for each in opened] == [WORK, "primary"]
    found = await calendars_of(eve)
    assert {name: each.push for name, each in found.items()} == {
        "primary": True,
        WORK: True,
        HOLIDAYS: False,
    }
    await choose(eve, WORK, selected=False)
    channels = (await any_service.sandbox("GET", "/state"))["channels"]
    assert opened[0]["channel_id"] not in {each["id"] for each in channels}
    assert opened[1]["channel_id"] in {each["id"] for each in channels}


async def test_the_default_moves(any_service: Service, eve: Person) -> None:
    problem(await eve.put(at(WORK), json={"default": True}), 409, "calendar-not-selected")
    assert (await choose(eve, WORK, selected=True, default=True)).default
    assert (await eve.create(title="Review"))["calendar_id"] == WORK
    await eve.post("/sync/trigger")
    assert await google_has(any_service, eve, WORK) == ["Review"]
    for body in ({"selected": False}, {"default": False}):
        problem(await eve.put(at(WORK), json=body), 409, "default-calendar")
    assert (await choose(eve, eve.email, default=True)).calendar_id == "primary"
    found = await calendars_of(eve)
    assert [name for name, each in found.items() if each.default] == ["primary"]
    assert not (await choose(eve, WORK, selected=False)).selected


async def test_a_calendar_that_can_only_be_read(eve: Person) -> None:
    await choose(eve, HOLIDAYS, selected=True)
    body = problem(
        await eve.post("/slots", json={**SLOT, "calendar_id": HOLIDAYS}), 409, "read-only-calendar"
    )
    assert (body["calendar_id"], body["access_role"]) == (HOLIDAYS, "reader")
    problem(await eve.put(at(HOLIDAYS), json={"default": True}), 409, "read-only-calendar")
    assert await eve.titles() == []


async def test_pending_edits_keep_their_calendar(any_service: Service, eve: Person) -> None:
    await choose(eve, WORK, selected=True)
    await eve.post("/sync/trigger")
    path = "^/calendar/v3/calendars/[^/]*work"
    refusal = {"kind": "answer", "status": 503, "reason": "backendError"}
    await any_service.sandbox(
        "POST", "/faults", {"match": {"path_regex": path}, "times": 1000, "action": refusal}
    )
    await eve.create(title="Review", calendar_id=WORK)
    body = problem(await eve.put(at(WORK), json={"selected": False}), 409, "calendar-has-pending-changes")
    assert (body["pending"], body["held"]) == (1, 0)
    assert (await calendars_of(eve))[WORK].selected


async def test_what_is_no_choice(eve: Person) -> None:
    problem(await eve.put(at("nowhere@example.com"), json={"selected": True}), 404, "not-found")
    refused(await eve.put(at(WORK), json={"selected": "yes"}), "/selected")
    refused(await eve.put(at(WORK), json={"selected": False, "default": True}), "")
    refused(await eve.put(at(WORK), json={"chosen": True}), "/chosen")
    refused(await eve.put("/calendars/%00", json={"selected": True}), "/path/google_calendar_id")
    refused(await eve.put(at("x" * 1025), json={"selected": True}), "/path/google_calendar_id")
    for calendar_id in (WORK, "nowhere@example.com"):
        assert refused(await eve.post("/slots", json={**SLOT, "calendar_id": calendar_id}), "/calendar_id")
    assert not (await choose(eve, WORK)).selected
    assert not (await choose(eve, WORK, selected=False, default=False)).selected


async def test_what_is_known_is_told_without_google(service: Service, ada: Person) -> None:
    empty = CalendarPageOut.model_validate_json((await ada.get("/calendars")).content)
    assert (empty.items, empty.unread_reason) == ([], "google-not-connected")
    for calendar_id in ("primary", WORK):
        problem(await ada.put(at(calendar_id), json={"selected": True}), 409, "google-not-connected")
    await service.connect(ada)
    await made(service, ada.email, WORK, summary="Work")
    await choose(ada, WORK, selected=True)

    outage = {"match": {"path_regex": "calendarList"}, "times": 9, "action": {"kind": "html_503"}}
    await service.sandbox("POST", "/faults", outage)
    known = CalendarPageOut.model_validate_json((await ada.get("/calendars")).content)
    assert known.unread_reason == "google-error"
    assert [(each.summary, each.selected) for each in known.items] == [(ada.email, True), ("Work", True)]
    problem(await ada.put(at("new@example.com"), json={"selected": True}), 503, "google-error")
    assert (await choose(ada, WORK, default=True)).default
    await service.sandbox("DELETE", "/faults")

    await ada.post("/auth/google/disconnect", json={})
    known = CalendarPageOut.model_validate_json((await ada.get("/calendars")).content)
    assert known.unread_reason == "google-not-connected"
    assert [each.calendar_id for each in known.items] == ["primary", WORK]


async def test_a_list_that_may_not_be_read_stops_nothing(service: Service, ada: Person) -> None:
    answer = await service.consent(ada, granted=EVENTS_ONLY)
    assert answer.status_code == 200, answer.text
    page = CalendarPageOut.model_validate_json((await ada.get("/calendars")).content)
    assert page.unread_reason == "calendar-list-scope-missing"
    assert [(each.calendar_id, each.selected, each.writable) for each in page.items] == [
        ("primary", True, True)
    ]
    problem(await ada.put(at(WORK), json={"selected": True}), 409, "calendar-list-scope-missing")
    slot = await ada.post("/slots", json=SLOT, headers={"prefer": "wait=20"})
    assert slot.json()["sync"]["state"] == "synced"
    assert (await ada.get("/auth/users/me")).json()["google"]["status"] == "connected"


async def test_one_persons_calendars_are_nobody_elses(service: Service, ada: Person) -> None:
    await service.connect(ada)
    await made(service, ada.email, WORK, summary="Work")
    await choose(ada, WORK, selected=True)
    eve = await service.register("eve@example.com")
    await service.connect(eve)
    problem(await eve.put(at(WORK), json={"selected": False}), 404, "not-found")
    assert list(await calendars_of(eve)) == ["primary"]
    assert (await calendars_of(ada))[WORK].selected
