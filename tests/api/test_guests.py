"""Guests, answers and what may be edited of events of others, over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.review_schemas import ConflictPageOut
from tests.api.service import SLOT, problem, refused
from tests.api.timetable import seen

if TYPE_CHECKING:
    from tests.api.service import Person, Service

EVENTS = "/calendars/bob@example.com/primary/events"
BOB, EVE, ZOE = "bob@example.com", "eve@example.com", "zoe@example.com"
TIMES = {
    "start": {"dateTime": "2026-07-01T08:00:00Z", "timeZone": "Europe/Paris"},
    "end": {"dateTime": "2026-07-01T09:00:00Z", "timeZone": "Europe/Paris"},
}
ROWS: list[dict[str, Any]] = [
    {"email": BOB, "responseStatus": "needsAction"},
    {"email": "Eve@Example.com", "responseStatus": "accepted", "comment": "With cake", "additionalGuests": 2},
    {"email": "room@resource.example.com", "resource": True, "optional": True},
    {"email": "odd guest@elsewhere"},
]
RICH: dict[str, Any] = {
    **TIMES,
    "summary": "Review",
    "attendees": ROWS,
    "conferenceData": {
        "entryPoints": [
            {"entryPointType": "video", "uri": "https://meet.google.com/abc"},
            {"entryPointType": "phone", "uri": "tel:+31-20-555"},
        ]
    },
    "attachments": [{"fileUrl": "https://drive.google.com/1", "title": "Agenda"}],
}
INVITATION = {**RICH, "organizer": {"email": EVE, "displayName": "Eve"}}
WRITABLE = (
    *("title", "description", "location", "start", "end", "timezone", "recurrence", "color", "transparency"),
    *("visibility", "reminders", "attendees", "response_status", "calendar_id"),
)


@pytest.fixture
async def linked(any_service: Service, bob: Person) -> Person:
    await any_service.connect(bob)
    return bob


async def pulled(service: Service, person: Person, **event: Any) -> dict[str, Any]:
    """What a person or Google made, as a slot."""
    made = await service.sandbox("POST", EVENTS, event)
    answer = await person.post("/sync/trigger")
    assert answer.json()["status"] == "completed", answer.text
    items = (await person.get("/slots")).json()["items"]
    [slot] = [each for each in items if each["google"]["event_id"] == made["id"]]
    return seen(await person.get(f"/slots/{slot['id']}"))


async def event_of(service: Service, slot: dict[str, Any]) -> dict[str, Any]:
    return dict(await service.sandbox("GET", f"{EVENTS}/{slot['google']['event_id']}"))


async def test_a_frontend_sees_what_google_knows(any_service: Service, linked: Person) -> None:
    slot = await pulled(any_service, linked, **INVITATION)
    google = slot["google"]
    assert slot["attendees"] == [
        {"email": BOB, "optional": False},
        {"email": EVE, "optional": False},
        {"email": "odd guest@elsewhere", "optional": False},
        {"email": "room@resource.example.com", "optional": True},
    ]
    assert slot["response_status"] == "needsAction"
    assert google["organizer"] == {"email": EVE, "self": False, "display_name": "Eve"}
    assert google["attendees"][1] == {
        "email": "Eve@Example.com",
        "response_status": "accepted",
        "comment": "With cake",
        "additional_guests": 2,
    }
    assert google["conference_url"] == "https://meet.google.com/abc"
    assert google["attachments"] == [{"title": "Agenda", "file_url": "https://drive.google.com/1"}]
    assert google["html_link"].startswith("http")
    assert (google["restriction"], google["editable"], google["deletable"]) == ("not-organizer", True, True)
    assert google["editable_fields"] == [
        *("color", "transparency", "visibility", "reminders", "response_status"),
    ]


@pytest.mark.parametrize("event", [RICH, INVITATION, {**TIMES, "summary": ""}])
@pytest.mark.parametrize("rows", ["attendees", "google"])
async def test_what_get_shows_can_be_put_back_and_changes_nothing(
    any_service: Service, linked: Person, event: dict[str, Any], rows: str
) -> None:
    slot = await pulled(any_service, linked, **event)
    before = await event_of(any_service, slot)
    body = {name: slot[name] for name in WRITABLE}
    if rows == "google":
        body["attendees"] = slot["google"]["attendees"]
    assert seen(await linked.put(f"/slots/{slot['id']}", json=body)) == slot
    await linked.post("/sync/trigger")
    assert seen(await linked.get(f"/slots/{slot['id']}")) == slot
    assert await event_of(any_service, slot) == before


async def test_put_without_attendees_leaves_nobody_invited(any_service: Service, linked: Person) -> None:
    slot = await pulled(any_service, linked, **RICH)
    body = {name: slot[name] for name in WRITABLE if name not in ("attendees", "response_status")}
    answer = await linked.put(f"/slots/{slot['id']}", json=body, headers={"prefer": "wait=20"})
    assert (seen(answer)["attendees"], answer.json()["response_status"]) == ([], None)
    event = await event_of(any_service, slot)
    assert ("attendees" in event, event["attachments"]) == (False, RICH["attachments"])


async def test_guests_are_invited_and_told_as_notify_says(any_service: Service, linked: Person) -> None:
    slot = await linked.create(attendees=[{"email": "EVE@example.com"}])
    waited = {"prefer": "wait=20"}
    await linked.patch(f"/slots/{slot['id']}", json={"description": "x"}, headers=waited)
    more = {"attendees": [{"email": EVE}, {"email": ZOE, "optional": True}], "notify": "all"}
    patched = seen(await linked.patch(f"/slots/{slot['id']}", json=more, headers=waited))
    assert [each["email"] for each in patched["google"]["attendees"]] == [EVE, ZOE]
    await linked.delete(f"/slots/{slot['id']}", headers=waited)
    mails = (await any_service.sandbox("GET", "/mails"))["mails"]
    assert [(each["kind"], each["to"]) for each in mails] == [("update", EVE), ("invitation", ZOE)]


async def test_a_guest_answers_and_what_is_the_organizers_is_refused_before_google_is_asked(
    any_service: Service, linked: Person
) -> None:
    slot = await pulled(any_service, linked, **INVITATION)
    path = f"/slots/{slot['id']}"
    await any_service.sandbox("DELETE", "/requests")
    told = problem(await linked.patch(path, json={"title": "Mine", "color": "3"}), 409, "read-only-slot")
    assert (told["reason"], told["fields"]) == ("not-organizer", ["title"])
    later = {"start": "2026-07-02T10:00:00+02:00", "end": "2026-07-02T11:00:00+02:00"}
    told = problem(await linked.patch(path, json=later), 409, "read-only-slot")
    assert told["fields"] == ["end", "start"]
    told = problem(await linked.put(path, json={**SLOT, "title": "Mine"}), 409, "read-only-slot")
    assert told["fields"] == ["attendees", "title"]
    assert seen(await linked.get(path)) == slot
    assert (await any_service.sandbox("GET", "/requests"))["requests"] == []
    answer = {"response_status": "accepted", "color": "3"}
    patched = seen(await linked.patch(path, json=answer, headers={"prefer": "wait=20"}))
    assert (patched["response_status"], patched["sync"]["state"]) == ("accepted", "synced"), patched["sync"]
    rows = (await event_of(any_service, slot))["attendees"]
    assert [row["responseStatus"] for row in rows] == ["accepted", "accepted", "needsAction", "needsAction"]
    history = (await linked.get(f"{path}/history")).json()["items"]
    assert history[-1]["fields"]["response_status"] == {"before": "needsAction", "after": "accepted"}


async def test_answers_of_guests_make_no_edit_stale_but_are_seen(
    any_service: Service, linked: Person
) -> None:
    slot = await pulled(any_service, linked, **RICH)
    path = f"/slots/{slot['id']}"
    etag = (await linked.get(path)).headers["etag"]
    rows = [{**row, "responseStatus": "declined"} for row in ROWS[1:]]
    changed = {"id": slot["google"]["event_id"], "attendees": [ROWS[0], *rows]}
    await any_service.sandbox("POST", EVENTS, changed)
    await linked.post("/sync/trigger")
    answer = await linked.get(path, headers={"if-none-match": etag})
    assert (answer.status_code, answer.json()["version"]) == (200, slot["version"])
    assert answer.json()["google"]["attendees"][1]["response_status"] == "declined"
    assert answer.json()["updated_at"] == slot["updated_at"]
    assert (await linked.get(f"{path}/history")).json()["items"] == []
    stale = await linked.patch(path, json={"title": "Renamed"}, headers={"if-match": etag})
    assert stale.status_code == 200


@pytest.mark.parametrize(
    ("event", "change", "pointer"),
    [
        (
            {"eventType": "focusTime"},
            {"start": "2026-07-01", "end": "2026-07-02", "timezone": None},
            "/start",
        ),
        (
            {"eventType": "outOfOffice"},
            {"start": "2026-07-01", "end": "2026-07-02", "timezone": None},
            "/start",
        ),
        (
            {"eventType": "workingLocation", "visibility": "public", "transparency": "transparent"},
            {"start": "2026-07-01", "end": "2026-07-03", "timezone": None},
            "/end",
        ),
    ],
)
async def test_times_that_do_not_suit_the_type_are_a_problem_of_the_body(
    any_service: Service, linked: Person, event: dict[str, Any], change: dict[str, Any], pointer: str
) -> None:
    slot = await pulled(any_service, linked, **TIMES, summary="Mine", **event)
    assert "attendees" not in slot["google"]["editable_fields"]
    refused(await linked.patch(f"/slots/{slot['id']}", json=change), pointer)
    assert seen(await linked.get(f"/slots/{slot['id']}")) == slot


async def test_an_answer_that_lost_is_called_as_the_field_is(any_service: Service, linked: Person) -> None:
    slot = await pulled(any_service, linked, **RICH)
    path = f"/slots/{slot['id']}"
    await any_service.sandbox("POST", "/notifications/faults", {"kind": "drop", "times": 10})
    rows = [{**ROWS[0], "responseStatus": "declined"}, *ROWS[1:]]
    await any_service.sandbox("POST", EVENTS, {"id": slot["google"]["event_id"], "attendees": rows})
    await linked.patch(path, json={"response_status": "tentative"}, headers={"prefer": "wait=20"})
    await linked.post("/sync/trigger")
    conflicts = ConflictPageOut.model_validate_json((await linked.get("/sync/conflicts")).content)
    [conflict] = conflicts.items
    assert (conflict.field, {conflict.winning_value, conflict.losing_value}) == (
        "response_status",
        {"tentative", "declined"},
    )


async def test_an_address_that_is_none_is_refused(ada: Person) -> None:
    slot = await ada.create()
    body = {"attendees": [{"email": EVE}, {"email": "nobody"}]}
    refused(await ada.patch(f"/slots/{slot['id']}", json=body), "/attendees/1/email")
    body = {"attendees": [{"email": f"{number}@example.com"} for number in range(1001)]}
    refused(await ada.patch(f"/slots/{slot['id']}", json=body), "/attendees")
