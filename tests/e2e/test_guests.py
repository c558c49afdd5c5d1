"""Guests and events of others, over the real processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.app import problem_of

if TYPE_CHECKING:
    from tests.e2e.world import Person

ANN, EVE, ZOE = "ann@example.org", "eve@example.org", "zoe@example.org"
MEETING: dict[str, Any] = {
    "attendees": [
        {"email": ANN, "responseStatus": "accepted", "comment": "With cake", "additionalGuests": 2},
        {"email": EVE, "optional": True},
    ],
    "conferenceData": {
        "conferenceId": "abc",
        "entryPoints": [{"entryPointType": "video", "uri": "https://meet.google.com/abc"}],
    },
    "attachments": [{"fileUrl": "https://drive.google.com/1", "title": "Agenda"}],
    "extendedProperties": {"private": {"theirs": "1"}, "shared": {"too": "2"}},
    "guestsCanInviteOthers": False,
}
VOLATILE = {"etag", "updated", "sequence"}


async def pulled(person: Person, title: str, **event: Any) -> dict[str, Any]:
    """What somebody put into the person's calendar, as a slot."""
    await person.google.create(title, **event)
    await person.app.shows(title)
    return await person.app.called(title)


def _kept(event: dict[str, Any], *changed: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in VOLATILE.union(changed)}


async def _mails(person: Person, event_id: str) -> list[tuple[str, str]]:
    mails = (await person.google.control("GET", "/mails"))["mails"]
    return [(each["kind"], each["to"]) for each in mails if each["event"] == event_id]


async def test_a_meeting_is_renamed_and_somebody_more_invited_and_nothing_else_changes(ada: Person):
    slot = await pulled(ada, "Review", **MEETING)
    event_id = slot["google"]["event_id"]
    assert slot["google"]["conference_url"] == "https://meet.google.com/abc"
    before = await ada.google.event(event_id)
    await ada.app.edit(slot, title="Review, again", wait=True)
    after = await ada.google.event(event_id)
    assert _kept(after, "summary") == _kept(before, "summary")
    assert await _mails(ada, event_id) == []
    guests = [*slot["attendees"], {"email": ZOE}]
    edited = await ada.app.edit(slot, attendees=guests, notify="all", wait=True)
    assert [each["email"] for each in edited["attendees"]] == [ANN, EVE, ZOE]
    after = await ada.google.event(event_id)
    assert after["attendees"][:2] == before["attendees"]
    assert _kept(after, "summary", "attendees") == _kept(before, "summary", "attendees")
    assert await _mails(ada, event_id) == [("update", ANN), ("update", EVE), ("invitation", ZOE)]
    await ada.come_to_rest()


async def test_an_invitation_is_answered_and_can_be_changed_in_no_other_way(ada: Person):
    rows = [{"email": ada.google.email}, *MEETING["attendees"]]
    slot = await pulled(ada, "Party", **{**MEETING, "attendees": rows}, organizer={"email": ANN})
    google = slot["google"]
    assert (google["restriction"], slot["response_status"]) == ("not-organizer", "needsAction")
    assert google["editable_fields"] == [
        *("color", "transparency", "visibility", "reminders", "response_status"),
    ]
    since = await ada.google.request_count()
    answer = await ada.app.call("PATCH", f"/slots/{slot['id']}", json={"title": "My party"})
    told = problem_of(answer, 409, "read-only-slot")
    assert (told["reason"], told["fields"]) == ("not-organizer", ["title"])
    assert await ada.google.requests(since) == []
    before = await ada.google.event(google["event_id"])
    await ada.app.edit(slot, response_status="accepted", wait=True)
    after = await ada.google.event(google["event_id"])
    assert _kept(after, "attendees") == _kept(before, "attendees")
    assert after["attendees"] == [
        {**before["attendees"][0], "responseStatus": "accepted"},
        *before["attendees"][1:],
    ]
    assert await _mails(ada, google["event_id"]) == []
    await ada.come_to_rest()


async def test_one_evening_of_a_series_of_others_is_declined(bob: Person):
    rows = [{"email": bob.google.email}, {"email": ANN, "responseStatus": "accepted"}]
    zoned = {
        "start": {"dateTime": "2026-07-06T18:00:00Z", "timeZone": "UTC"},
        "end": {"dateTime": "2026-07-06T20:00:00Z", "timeZone": "UTC"},
    }
    weekly = {**zoned, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"], "organizer": {"email": ANN}}
    series = await pulled(bob, "Choir", **weekly, attendees=rows)
    answer = await bob.app.call(
        "PATCH",
        f"/slots/{series['id']}_20260713T180000Z",
        json={"response_status": "declined"},
        wait=True,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["sync"]["state"] == "synced"
    event_id = series["google"]["event_id"]
    one = await bob.google.event(f"{event_id}_20260713T180000Z")
    assert [row["responseStatus"] for row in one["attendees"]] == ["declined", "accepted"]
    rest = await bob.google.event(event_id)
    assert [row["responseStatus"] for row in rest["attendees"]] == ["needsAction", "accepted"]
    await bob.come_to_rest()


async def test_events_of_every_type_come_in_and_go_on_coming(bob: Person):
    day: dict[str, Any] = {"start": {"date": "2026-07-06"}, "end": {"date": "2026-07-07"}}
    shown: dict[str, Any] = {"visibility": "public", "transparency": "transparent"}
    await bob.google.create("Focus", eventType="focusTime")
    await bob.google.create("Away", eventType="outOfOffice")
    await bob.google.create("Home", eventType="workingLocation", **day, **shown)
    await bob.google.create("Flight", eventType="fromGmail")
    yearly = {**day, "recurrence": ["RRULE:FREQ=YEARLY"], "visibility": "private"}
    await bob.google.create("Eve", eventType="birthday", transparency="transparent", **yearly)
    await bob.google.create("Fixed", locked=True)
    await bob.app.shows("Away", "Eve", "Fixed", "Flight", "Focus", "Home")
    slots = {each["title"]: each for each in await bob.app.slots()}
    assert {title: slot["google"]["restriction"] for title, slot in slots.items()} == {
        "Focus": "focus-time",
        "Away": "out-of-office",
        "Home": "working-location",
        "Flight": "from-gmail",
        "Eve": "birthday",
        "Fixed": "locked",
    }
    for slot in slots.values():
        await bob.app.edit(slot, color="4", wait=True)
    assert {each["colorId"] for each in await bob.google.events()} == {"4"}
    answer = await bob.app.call("PATCH", f"/slots/{slots['Flight']['id']}", json={"location": "Gate 5"})
    assert problem_of(answer, 409, "read-only-slot")["reason"] == "from-gmail"
    await bob.come_to_rest()
