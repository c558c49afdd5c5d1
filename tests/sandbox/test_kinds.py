"""Events that Google or somebody else made, and calendars that are somebody else's."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.driver import ANN, BOB, EVENTS, Google, all_day, reason, timed

EVE = "eve@example.com"
HOLIDAYS = "nl.dutch#holiday@group.v.calendar.google.com"


@pytest.fixture
def invitation(google: Google) -> dict:
    """Bob invites Ann and Eve; it stands in Ann's calendar under the id of an event from elsewhere."""
    return google.person(
        {
            **timed(),
            "id": "_60q30c1g60o30e1i60o4ac1g60rj8gpl",
            "summary": "Review",
            "location": "Hall",
            "creator": {"email": BOB},
            "organizer": {"email": BOB, "displayName": "Bob"},
            "attendees": [{"email": BOB, "responseStatus": "accepted"}, {"email": ANN}, {"email": EVE}],
            "extendedProperties": {"shared": {"room": "1"}},
        }
    )


def answers(event: dict) -> dict[str, str]:
    return {row["email"]: row["responseStatus"] for row in event["attendees"]}


class TestGuests:
    @pytest.mark.parametrize(
        "rows",
        [
            [{"email": ANN, "responseStatus": "tentative", "comment": "If I can"}],
            [
                {"email": BOB, "responseStatus": "accepted", "organizer": True},
                {"email": ANN, "responseStatus": "tentative", "comment": "If I can"},
                {"email": EVE, "responseStatus": "needsAction"},
            ],
        ],
    )
    def test_an_answer_changes_only_the_own_row(self, google: Google, invitation: dict, rows: list) -> None:
        changed = google.ok("PATCH", f"{EVENTS}/{invitation['id']}", {"attendees": rows})
        assert answers(changed) == {BOB: "accepted", ANN: "tentative", EVE: "needsAction"}
        assert changed["attendees"][1]["comment"] == "If I can"

    @pytest.mark.parametrize(
        "change",
        [
            {"summary": "Mine"},
            {"description": "Mine"},
            {"location": None},
            timed("2026-03-03T11:00:00"),
            {"end": timed(hours=2)["end"]},
            {"recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]},
            {"attendees": [{"email": EVE, "responseStatus": "declined"}]},
            {"attendees": [{"email": ANN}, {"email": "new@example.com"}]},
            {"guestsCanInviteOthers": False},
            {"guestsCanModify": True},
            {"extendedProperties": {"shared": {"room": "2"}}},
        ],
    )
    def test_what_is_shared_is_the_organizers(self, google: Google, invitation: dict, change: dict) -> None:
        path = f"{EVENTS}/{invitation['id']}"
        refused = google.api("PATCH", path, change)
        assert reason(refused) == (403, "forbiddenForNonOrganizer")
        assert refused.json()["error"]["message"] == (
            "Shared properties can only be changed by the organizer of the event."
        )
        assert google.ok("GET", path) == invitation

    def test_what_is_the_own_copys_may_change(self, google: Google, invitation: dict) -> None:
        own = {
            "colorId": "5",
            "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]},
            "transparency": "transparent",
            "visibility": "private",
            "extendedProperties": {"private": {"slot": "1"}},
        }
        changed = google.ok("PATCH", f"{EVENTS}/{invitation['id']}", own)
        kept = {"shared": {"room": "1"}, "private": {"slot": "1"}}
        assert {name: changed[name] for name in own} == {**own, "extendedProperties": kept}
        replaced = google.ok("PUT", f"{EVENTS}/{invitation['id']}", {**changed, "colorId": "6"})
        assert replaced["colorId"] == "6"

    def test_leaving_something_shared_out_changes_it(self, google: Google, invitation: dict) -> None:
        refused = google.api("PUT", f"{EVENTS}/{invitation['id']}", {**timed(), "summary": "Review"})
        assert reason(refused) == (403, "forbiddenForNonOrganizer")

    def test_guests_who_may_modify_do(self, google: Google, invitation: dict) -> None:
        google.person({"id": invitation["id"], "guestsCanModify": True})
        path = f"{EVENTS}/{invitation['id']}"
        assert google.ok("PATCH", path, {"summary": "Better"})["summary"] == "Better"
        more = [*invitation["attendees"], {"email": "new@example.com"}]
        assert len(google.ok("PATCH", path, {"attendees": more})["attendees"]) == 4
        fewer = google.ok("PATCH", path, {"attendees": invitation["attendees"][:2]})
        assert [row["email"] for row in fewer["attendees"]] == [BOB, ANN]
        answered = google.ok("PATCH", path, {"attendees": [{"email": ANN, "responseStatus": "accepted"}]})
        assert answers(answered) == {BOB: "accepted", ANN: "accepted"}
        assert reason(google.api("PATCH", path, {"guestsCanModify": False}))[0] == 403

    def test_a_guest_may_go_away_and_the_organizer_hears_of_it(
        self, google: Google, invitation: dict
    ) -> None:
        path = f"{EVENTS}/{invitation['id']}"
        answer = {"attendees": [{"email": ANN, "responseStatus": "accepted"}]}
        google.ok("PATCH", path, answer, sendUpdates="all")
        google.ok("PATCH", path, {"colorId": "5"}, sendUpdates="all")
        google.ok("DELETE", path, sendUpdates="all")
        assert google.ok("GET", path)["status"] == "cancelled"
        mails = [(mail["kind"], mail["to"]) for mail in google.control("GET", "/mails")["mails"]]
        assert mails == [("response", BOB), ("response", BOB)]

    def test_an_instance_can_be_answered_alone(self, google: Google, invitation: dict) -> None:
        google.person({"id": invitation["id"], "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]})
        one = f"{EVENTS}/{invitation['id']}_20260304T090000Z"
        google.ok("PATCH", one, {"attendees": [{"email": ANN, "responseStatus": "declined"}]})
        items = google.pages(singleEvents="true", orderBy="startTime")[0]["items"]
        assert [answers(item)[ANN] for item in items] == ["needsAction", "declined", "needsAction"]
        assert reason(google.api("PATCH", one, {"summary": "Mine"})) == (403, "forbiddenForNonOrganizer")

    def test_the_organizer_who_does_not_know_all_guests_only_answers(self, google: Google) -> None:
        event = google.insert(attendees=[{"email": BOB}, {"email": ANN}])
        rows = {"attendees": [{"email": ANN, "responseStatus": "accepted"}]}
        path = f"{EVENTS}/{event['id']}"
        answered = google.ok("PATCH", path, {**rows, "attendeesOmitted": True})
        assert answers(answered) == {BOB: "needsAction", ANN: "accepted"}
        assert answers(google.ok("PATCH", path, rows)) == {ANN: "accepted"}


class TestKinds:
    @pytest.mark.parametrize("kind", ["focusTime", "outOfOffice", "workingLocation"])
    def test_some_belong_into_a_primary_calendar(self, google: Google, kind: str) -> None:
        other = google.ok("POST", "/calendar/v3/calendars", {"summary": "Other"})["id"]
        shown = {"visibility": "public", "transparency": "transparent"} if kind == "workingLocation" else {}
        body = {**timed(), "eventType": kind, **shown}
        refused = google.api("POST", f"/calendar/v3/calendars/{other}/events", body)
        assert reason(refused) == (400, "eventTypeRestriction")
        assert google.ok("POST", EVENTS, body)["eventType"] == kind

    @pytest.mark.parametrize(
        ("fields", "status_reason"),
        [
            ({**all_day(), "eventType": "outOfOffice"}, "eventTypeRestriction"),
            ({**timed(), "eventType": "focusTime", "transparency": "transparent"}, "eventTypeRestriction"),
            ({**timed(), "eventType": "outOfOffice", "attendees": [{"email": BOB}]}, "eventTypeRestriction"),
            (
                {
                    **all_day("2026-03-03", "2026-03-05"),
                    "eventType": "workingLocation",
                    "visibility": "public",
                    "transparency": "transparent",
                },
                "eventTypeRestriction",
            ),
            (
                {
                    **all_day("2028-02-29", "2028-03-01"),
                    "eventType": "birthday",
                    "visibility": "private",
                    "transparency": "transparent",
                    "recurrence": ["RRULE:FREQ=YEARLY"],
                },
                "eventTypeRestriction",
            ),
            ({**timed(), "eventType": "workingLocation"}, "eventTypeRestriction"),
            (
                {
                    **timed(),
                    "eventType": "focusTime",
                    "focusTimeProperties": {"autoDeclineMode": "sometimes"},
                },
                "invalid",
            ),
            (
                {**timed(), "eventType": "focusTime", "focusTimeProperties": {"chatStatus": ["busy"]}},
                "invalid",
            ),
            ({**all_day("2026-03-03", "2026-03-05"), "eventType": "birthday"}, "eventTypeRestriction"),
            ({**all_day(), "eventType": "birthday"}, "eventTypeRestriction"),
        ],
    )
    def test_their_rules_are_kept(self, google: Google, fields: dict, status_reason: str) -> None:
        assert reason(google.api("POST", EVENTS, fields)) == (400, status_reason)

    def test_a_birthday(self, google: Google) -> None:
        body = {
            **all_day(),
            "summary": "Eve",
            "eventType": "birthday",
            "visibility": "private",
            "transparency": "transparent",
            "recurrence": ["RRULE:FREQ=YEARLY"],
            "birthdayProperties": {"type": "birthday"},
        }
        event = google.ok("POST", EVENTS, body)
        path = f"{EVENTS}/{event['id']}"
        assert google.ok("PATCH", path, {"summary": "Eve!", "colorId": "2"})["summary"] == "Eve!"
        assert google.ok("PATCH", f"{path}_20270303", {"colorId": "3"})["colorId"] == "3"
        for change in ({"location": "Home"}, {"attendees": [{"email": BOB}]}, {"visibility": "public"}):
            assert reason(google.api("PATCH", path, change)) == (400, "eventTypeRestriction")
        other = {**body, "birthdayProperties": {"type": "anniversary"}}
        assert reason(google.api("POST", EVENTS, other)) == (400, "eventTypeRestriction")

    @pytest.mark.parametrize(
        "fields",
        [
            {
                **timed(),
                "eventType": "fromGmail",
                "source": {"url": "https://mail.example.com", "title": "x"},
            },
            {
                **all_day(),
                "eventType": "birthday",
                "recurrence": ["RRULE:FREQ=YEARLY"],
                "birthdayProperties": {"type": "anniversary", "contact": "people/c1"},
            },
            {**timed(), "locked": True},
            {**timed(), "eventType": "focusTime", "focusTimeProperties": {"chatStatus": "doNotDisturb"}},
            {**timed(), "eventType": "outOfOffice", "outOfOfficeProperties": {"declineMessage": "Away"}},
            {
                **all_day(),
                "eventType": "workingLocation",
                "workingLocationProperties": {"type": "homeOffice", "homeOffice": {}},
            },
            {**timed(), "privateCopy": True, "organizer": {"email": BOB}, "iCalUID": "x@elsewhere"},
            {
                **timed(),
                "hangoutLink": "https://meet.google.com/abc",
                "conferenceData": {"conferenceId": "abc", "entryPoints": [{"entryPointType": "video"}]},
            },
            {**timed(), "attachments": [{"fileUrl": "https://drive.google.com/x", "title": "Notes"}]},
        ],
    )
    def test_a_person_can_have_any_of_them(self, google: Google, fields: dict) -> None:
        made = google.person({**fields, "summary": "As it is"})
        [listed] = google.listing()[0]
        assert listed == made
        assert {name: made[name] for name in fields.keys() - {"start", "end", "organizer"}} == {
            name: fields[name] for name in fields.keys() - {"start", "end", "organizer"}
        }
        assert google.ok("PATCH", f"{EVENTS}/{made['id']}", {"colorId": "4"})["colorId"] == "4"

    def test_a_locked_event_keeps_what_it_is_about(self, google: Google) -> None:
        path = f"{EVENTS}/{google.person({**timed(), 'locked': True})['id']}"
        assert reason(google.api("PATCH", path, {"summary": "Mine"})) == (403, "forbidden")
        assert google.ok("PATCH", path, {"transparency": "transparent"})["locked"] is True


class TestCalendarsOfOthers:
    def add(self, google: Google, **fields: Any) -> str:
        google.control("POST", "/calendars", {"account": ANN, **fields})
        return f"/calendar/v3/calendars/{quote(fields['id'], safe='')}"

    def test_holidays_can_be_read_but_neither_written_nor_watched(self, google: Google) -> None:
        path = self.add(google, id=HOLIDAYS, role="reader", push_supported=False, summary="Holidays")
        google.person({**all_day(), "summary": "Kings' day"}, calendar=HOLIDAYS)
        [entry] = [
            one for one in google.ok("GET", "/calendar/v3/users/me/calendarList")["items"] if one["id"] != ANN
        ]
        assert (entry["id"], entry["accessRole"], entry["summary"]) == (HOLIDAYS, "reader", "Holidays")
        assert "dataOwner" not in entry
        assert [item["summary"] for item in google.listing(path=f"{path}/events")[0]] == ["Kings' day"]
        assert reason(google.api("POST", f"{path}/events", timed())) == (403, "requiredAccessLevel")
        watch = {"id": "c", "type": "web_hook", "address": "https://example.com/hook"}
        refused = google.api("POST", f"{path}/events/watch", watch)
        assert reason(refused) == (400, "pushNotSupportedForRequestedResource")

    def test_a_shared_calendar_is_read_or_written_as_its_owner_allows(self, google: Google) -> None:
        google.open_account(BOB)
        path = self.add(google, id="team@group.calendar.google.com", role="writer", owner=BOB)
        event = google.ok("POST", f"{path}/events", timed())
        assert (event["creator"]["email"], event["organizer"]["self"]) == (ANN, True)
        google.control("POST", f"/calendars/{ANN}/team@group.calendar.google.com", {"acl": {ANN: "reader"}})
        refused = google.api("PATCH", f"{path}/events/{event['id']}", {"summary": "x"})
        assert reason(refused) == (403, "requiredAccessLevel")
        google.ok("PATCH", f"{path}/events/{event['id']}", {"summary": "x"}, as_=BOB)

    def test_who_does_not_see_private_events_cannot_write_them(self, google: Google) -> None:
        google.open_account(BOB)
        path = self.add(
            google, id="team@group.calendar.google.com", role="writerWithoutPrivateAccess", owner=BOB
        )
        event = google.ok("POST", f"{path}/events", timed() | {"summary": "Affair", "visibility": "private"})
        one = f"{path}/events/{event['id']}"
        [listed] = google.listing(path=f"{path}/events")[0]
        assert ("summary" in listed, "summary" in google.ok("GET", one)) == (False, False)
        assert google.ok("GET", one, as_=BOB)["summary"] == "Affair"
        assert reason(google.api("PATCH", one, {"colorId": "3"})) == (403, "requiredAccessLevel")
        assert reason(google.api("DELETE", one)) == (403, "requiredAccessLevel")

    def test_a_role_that_does_not_exist_is_refused(self, google: Google) -> None:
        body = {"account": ANN, "id": HOLIDAYS, "role": "king"}
        assert google.send("POST", "/_control/calendars", body).status == 400
