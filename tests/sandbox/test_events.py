"""Single events: making, reading, changing, deleting them, and what is refused."""

import base64

import pytest

from tests.sandbox.driver import ANN, BOB, EVENTS, Google, all_day, reason, timed


def test_a_new_event_has_the_shape_that_google_gives_it(google: Google) -> None:
    event = google.insert(transparency="opaque", guestsCanModify=False, description="")
    assert list(event) == [
        *("kind", "etag", "id", "status", "htmlLink", "created", "updated", "summary", "creator"),
        *("organizer", "start", "end", "iCalUID", "sequence", "reminders", "eventType"),
    ]
    assert event["start"] == {"dateTime": "2026-03-03T10:00:00+01:00", "timeZone": "Europe/Amsterdam"}
    assert event["created"] == "2026-03-02T12:00:00.000Z"
    assert event["creator"] == event["organizer"] == {"email": ANN, "self": True}
    assert event["iCalUID"] == event["id"] + "@google.com"
    assert len(event["id"]) == 26
    assert event["htmlLink"].startswith("http://localhost:9090/calendar/event?eid=")
    assert google.ok("GET", f"{EVENTS}/{event['id']}") == event


def test_times_are_shown_in_the_calendars_offset_with_the_events_zone(google: Google) -> None:
    event = google.insert(**timed("2026-07-01T09:00:00", zone="America/New_York"))
    assert event["start"] == {"dateTime": "2026-07-01T15:00:00+02:00", "timeZone": "America/New_York"}
    elsewhere = google.ok("GET", f"{EVENTS}/{event['id']}", timeZone="Asia/Tokyo")
    assert elsewhere["start"]["dateTime"] == "2026-07-01T22:00:00+09:00"


def test_an_offset_without_a_zone_is_enough_for_a_single_event(google: Google) -> None:
    event = google.insert(
        start={"dateTime": "2026-03-03T10:00:00Z"}, end={"dateTime": "2026-03-03T11:00:00Z"}
    )
    assert event["start"] == {"dateTime": "2026-03-03T11:00:00+01:00", "timeZone": "Europe/Amsterdam"}


def test_an_all_day_event_is_dates(google: Google) -> None:
    event = google.insert(**all_day())
    assert (event["start"], event["end"]) == ({"date": "2026-03-03"}, {"date": "2026-03-04"})


def test_the_clients_id_is_taken_once_and_never_again(google: Google) -> None:
    google.insert(id="abc123")
    again = {**timed(), "id": "abc123"}
    assert reason(google.api("POST", EVENTS, again)) == (409, "duplicate")
    google.ok("DELETE", f"{EVENTS}/abc123")
    assert reason(google.api("POST", EVENTS, again)) == (409, "duplicate")


@pytest.mark.parametrize("event_id", ["abcd", "ABCDEF", "has-dash", "xyzxyz", "_abcdef"])
def test_an_id_outside_the_alphabet_is_refused(google: Google, event_id: str) -> None:
    response = google.api("POST", EVENTS, {**timed(), "id": event_id})
    assert reason(response) == (400, "invalid")
    assert response.json()["error"]["message"] == "Invalid resource id value."


@pytest.mark.parametrize(
    ("fields", "status_reason", "message"),
    [
        ({"start": timed()["start"]}, "required", "Missing end time."),
        ({"end": timed()["end"]}, "required", "Missing start time."),
        ({}, "required", "Missing end time."),
        (
            {"start": {"dateTime": "2026-03-03T10:00:00"}, "end": timed()["end"]},
            "required",
            "Missing time zone definition for start time.",
        ),
        (
            {
                "start": {"dateTime": "2026-03-03T10:00:00", "timeZone": "W. Europe Standard Time"},
                "end": timed()["end"],
            },
            "invalid",
            "Invalid time zone definition for start time.",
        ),
        (
            {
                "start": {"date": "2026-03-03", "dateTime": "2026-03-03T10:00:00Z"},
                "end": {"date": "2026-03-04"},
            },
            "invalid",
            "Invalid start time.",
        ),
        ({"start": {"date": "2026-03-03"}, "end": timed()["end"]}, "invalid", "Invalid end time."),
        (timed(hours=-1), "timeRangeEmpty", "The specified time range is empty."),
        ({**timed(), "attendees": [{"displayName": "Bob"}]}, "required", "Missing attendee email."),
        ({**timed(), "status": "maybe"}, "invalid", "Invalid value for: status"),
        ({**timed(), "colorId": "12"}, "invalid", "Invalid color id."),
        ({**timed(), "recurrence": ["RRULE:FREQ=SOMETIMES"]}, "invalid", "Invalid recurrence rule."),
        (
            {
                "recurrence": ["RRULE:FREQ=DAILY"],
                "start": {"dateTime": "2026-03-03T10:00:00Z"},
                "end": {"dateTime": "2026-03-03T11:00:00Z"},
            },
            "required",
            "Missing time zone definition for start time.",
        ),
        ({**all_day(), "eventType": "focusTime"}, "eventTypeRestriction", None),
        ({**timed(), "eventType": "fromGmail"}, "eventTypeRestriction", None),
        (
            {
                **timed(),
                "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 50_000}]},
            },
            "invalid",
            None,
        ),
    ],
)
def test_what_google_refuses_is_refused_in_its_words(
    google: Google, fields: dict, status_reason: str, message: str | None
) -> None:
    response = google.api("POST", EVENTS, fields)
    assert reason(response) == (400, status_reason)
    assert message in {None, response.json()["error"]["message"]}
    assert google.listing()[0] == []


def test_a_body_that_is_not_json_is_a_parse_error(google: Google) -> None:
    assert reason(google.api("POST", EVENTS, b"{")) == (400, "parseError")


def test_an_unknown_event_is_not_found(google: Google) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        assert reason(google.api(method, f"{EVENTS}/nothere", {} if method == "PATCH" else None)) == (
            404,
            "notFound",
        )


class TestPatch:
    def test_it_leaves_what_it_does_not_name(self, google: Google) -> None:
        event = google.insert(location="Here", attendees=[{"email": BOB}])
        changed = google.ok("PATCH", f"{EVENTS}/{event['id']}", {"summary": "Dinner"})
        ignored = {"summary", "etag", "updated"}
        assert changed["summary"] == "Dinner"
        assert {k: v for k, v in changed.items() if k not in ignored} == {
            k: v for k, v in event.items() if k not in ignored
        }

    def test_null_deletes_and_lists_are_replaced_whole(self, google: Google) -> None:
        event = google.insert(location="Here", attendees=[{"email": BOB}, {"email": "eve@example.com"}])
        change = {"location": None, "attendees": [{"email": BOB}]}
        changed = google.ok("PATCH", f"{EVENTS}/{event['id']}", change)
        assert "location" not in changed
        assert [row["email"] for row in changed["attendees"]] == [BOB]

    def test_extended_properties_merge_key_by_key(self, google: Google) -> None:
        event = google.insert(extendedProperties={"private": {"a": "1", "b": "2"}, "shared": {"c": "3"}})
        change = {"extendedProperties": {"private": {"a": None, "d": "4"}}}
        changed = google.ok("PATCH", f"{EVENTS}/{event['id']}", change)
        assert changed["extendedProperties"] == {"private": {"b": "2", "d": "4"}, "shared": {"c": "3"}}

    def test_from_all_day_to_timed_needs_the_date_taken_away(self, google: Google) -> None:
        event = google.insert(**all_day())
        path = f"{EVENTS}/{event['id']}"
        refused = google.api("PATCH", path, timed())
        assert reason(refused) == (400, "invalid")
        assert refused.json()["error"]["message"] == "Invalid start time."
        bounds = {name: {**value, "date": None} for name, value in timed().items()}
        assert "dateTime" in google.ok("PATCH", path, bounds)["start"]

    def test_fields_that_google_does_not_know_survive(self, google: Google) -> None:
        google.passed_through = {"novelty"}
        event = google.person({**timed(), "summary": "Odd", "novelty": {"deep": [1, {"x": None}]}})
        changed = google.ok("PATCH", f"{EVENTS}/{event['id']}", {"summary": "Still odd"})
        assert changed["novelty"] == {"deep": [1, {"x": None}]}


def test_update_clears_what_it_leaves_out(google: Google) -> None:
    event = google.insert(location="Here", description="Long", colorId="3")
    replaced = google.ok("PUT", f"{EVENTS}/{event['id']}", {**timed(), "summary": "Only this"})
    assert {"location", "description", "colorId"}.isdisjoint(replaced)
    assert (replaced["id"], replaced["created"]) == (event["id"], event["created"])


def test_a_lower_sequence_is_refused_and_a_moved_event_raises_it(google: Google) -> None:
    event = google.insert()
    path = f"{EVENTS}/{event['id']}"
    assert google.ok("PATCH", path, {"summary": "Same time"})["sequence"] == 0
    moved = google.ok("PATCH", path, timed("2026-03-04T10:00:00"))
    assert moved["sequence"] == 1
    assert reason(google.api("PUT", path, {**timed(), "sequence": 0})) == (400, "invalid")


class TestVersions:
    def test_each_write_gives_a_greater_etag_twice_the_updated_microseconds(self, google: Google) -> None:
        event = google.insert()
        etags = [int(event["etag"].strip('"'))]
        for number in range(3):
            changed = google.ok("PATCH", f"{EVENTS}/{event['id']}", {"summary": str(number)})
            etags.append(int(changed["etag"].strip('"')))
        assert etags == sorted(set(etags))
        assert all(etag % 2 == 0 for etag in etags)

    @pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
    def test_a_write_with_an_old_etag_is_refused(self, google: Google, method: str) -> None:
        event = google.insert()
        path = f"{EVENTS}/{event['id']}"
        current = google.ok("PATCH", path, {"summary": "Newer"})
        body = None if method == "DELETE" else timed()
        stale = google.api(method, path, body, headers={"if-match": event["etag"]})
        assert reason(stale) == (412, "conditionNotMet")
        assert google.api(method, path, body, headers={"if-match": current["etag"]}).status in {200, 204}

    def test_a_star_forces(self, google: Google) -> None:
        event = google.insert()
        google.ok("PATCH", f"{EVENTS}/{event['id']}", {"summary": "x"}, headers={"if-match": "*"})

    def test_a_known_version_is_not_sent_again(self, google: Google) -> None:
        event = google.insert()
        known = {"if-none-match": event["etag"]}
        assert google.api("GET", f"{EVENTS}/{event['id']}", headers=known).status == 304

    def test_reminders_alone_do_not_change_updated(self, google: Google) -> None:
        event = google.insert()
        _, token = google.listing()
        reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]}
        changed = google.ok("PATCH", f"{EVENTS}/{event['id']}", {"reminders": reminders})
        assert (changed["updated"], changed["reminders"]) == (event["updated"], reminders)
        assert [item["id"] for item in google.listing(syncToken=token)[0]] == [event["id"]]


class TestDeletion:
    def test_a_deleted_event_is_gone_but_can_be_read(self, google: Google) -> None:
        event = google.insert()
        path = f"{EVENTS}/{event['id']}"
        assert google.api("DELETE", path).status == 204
        assert reason(google.api("DELETE", path)) == (410, "deleted")
        assert google.ok("GET", path)["status"] == "cancelled"
        assert google.listing()[0] == []

    def test_a_guarded_second_deletion_fails_on_the_etag(self, google: Google) -> None:
        event = google.insert()
        path = f"{EVENTS}/{event['id']}"
        google.ok("DELETE", path)
        assert google.api("DELETE", path, headers={"if-match": event["etag"]}).status == 412

    def test_confirming_a_tombstone_revives_it_unless_the_trash_was_emptied(self, google: Google) -> None:
        event = google.insert()
        path = f"{EVENTS}/{event['id']}"
        google.ok("DELETE", path)
        assert google.ok("PATCH", path, {"status": "confirmed"})["status"] == "confirmed"
        google.ok("DELETE", path)
        google.control("POST", "/switches", {"revival_status": 403})
        assert reason(google.api("PATCH", path, {"status": "confirmed"})) == (403, "forbidden")


class TestExtendedProperties:
    def test_long_keys_vanish_and_long_values_are_cut(self, google: Google) -> None:
        event = google.insert(extendedProperties={"private": {"k" * 45: "v", "ok": "v" * 2000}})
        assert event["extendedProperties"] == {"private": {"ok": "v" * 1024}}

    def test_they_find_events(self, google: Google) -> None:
        wanted = google.insert(extendedProperties={"private": {"slot": "1"}})
        google.insert(extendedProperties={"private": {"slot": "2"}})
        found = google.pages(privateExtendedProperty="slot=1")
        assert [item["id"] for page in found for item in page["items"]] == [wanted["id"]]
        assert "nextSyncToken" not in found[-1]


class TestConferences:
    def test_without_the_version_parameter_they_are_dropped(self, google: Google) -> None:
        wanted = {"createRequest": {"requestId": "one", "conferenceSolutionKey": {"type": "hangoutsMeet"}}}
        assert "conferenceData" not in google.insert(conferenceData=wanted)

    def test_with_it_a_meeting_is_made_once_per_request_and_survives_a_plain_update(
        self, google: Google
    ) -> None:
        wanted = {"createRequest": {"requestId": "one", "conferenceSolutionKey": {"type": "hangoutsMeet"}}}
        body = {**timed(), "conferenceData": wanted}
        event = google.ok("POST", EVENTS, body, conferenceDataVersion=1)
        assert event["hangoutLink"].startswith("https://meet.google.com/")
        path = f"{EVENTS}/{event['id']}"
        again = google.ok("PATCH", path, {"conferenceData": wanted}, conferenceDataVersion=1)
        assert again["conferenceData"] == event["conferenceData"]
        assert google.ok("PUT", path, timed())["conferenceData"] == event["conferenceData"]


class TestGuests:
    def test_the_organizer_replaces_the_whole_list(self, google: Google) -> None:
        event = google.insert(attendees=[{"email": BOB}, {"email": "eve@example.com"}, {"email": ANN}])
        assert [row["responseStatus"] for row in event["attendees"]] == ["needsAction"] * 3
        assert event["attendees"][2] == {
            "email": ANN,
            "responseStatus": "needsAction",
            "self": True,
            "organizer": True,
        }

    def test_a_guest_changes_only_the_own_answer(self, google: Google) -> None:
        event = google.person(
            {**timed(), "organizer": {"email": BOB}, "attendees": [{"email": BOB}, {"email": ANN}]}
        )
        answer = {"attendees": [{"email": ANN, "responseStatus": "accepted"}]}
        changed = google.ok("PATCH", f"{EVENTS}/{event['id']}", answer)
        assert {row["email"]: row["responseStatus"] for row in changed["attendees"]} == {
            BOB: "needsAction",
            ANN: "accepted",
        }

    def test_a_guest_may_not_change_what_guests_may(self, google: Google) -> None:
        event = google.person({**timed(), "organizer": {"email": BOB}, "guestsCanInviteOthers": False})
        path = f"{EVENTS}/{event['id']}"
        assert reason(google.api("PUT", path, timed())) == (403, "forbiddenForNonOrganizer")

    def test_mails_are_noted_only_when_asked_for(self, google: Google) -> None:
        event = google.insert(attendees=[{"email": BOB}])
        assert google.control("GET", "/mails")["mails"] == []
        path = f"{EVENTS}/{event['id']}"
        google.ok("PATCH", path, {"attendees": [{"email": "eve@example.com"}]}, sendUpdates="externalOnly")
        google.ok("DELETE", path, sendUpdates="all")
        mails = [(mail["kind"], mail["to"]) for mail in google.control("GET", "/mails")["mails"]]
        assert mails == [("cancellation", BOB), ("cancellation", "eve@example.com")]

    def test_too_many_guests_are_left_out_on_request(self, google: Google) -> None:
        event = google.insert(attendees=[{"email": BOB}, {"email": ANN}])
        shown = google.ok("GET", f"{EVENTS}/{event['id']}", maxAttendees=1)
        assert [row["email"] for row in shown["attendees"]] == [ANN]
        assert shown["attendeesOmitted"] is True


def test_an_import_keeps_uid_and_organizer_under_an_id_made_of_the_uid(google: Google) -> None:
    body = {**timed(), "iCalUID": "abc@elsewhere", "organizer": {"email": BOB}}
    event = google.ok("POST", EVENTS + "/import", body)
    padded = event["id"][1:].upper() + "=" * (-len(event["id"][1:]) % 8)
    assert (event["id"][0], base64.b32hexdecode(padded)) == ("_", b"abc@elsewhere")
    assert (event["iCalUID"], event["organizer"]["email"], event["privateCopy"]) == (
        "abc@elsewhere",
        BOB,
        True,
    )
    again = google.ok("POST", EVENTS + "/import", {**body, "summary": "Twice"})
    assert (again["id"], len(google.listing()[0])) == (event["id"], 1)
    assert reason(google.api("POST", EVENTS + "/import", timed())) == (400, "required")


def test_a_moved_event_stands_in_the_other_calendar_and_leaves_a_tombstone(google: Google) -> None:
    other = google.ok("POST", "/calendar/v3/calendars", {"summary": "Other"})["id"]
    event = google.insert()
    left = google.ok("POST", f"{EVENTS}/{event['id']}/move", destination=other)
    assert left["status"] == "cancelled"
    moved = google.ok("GET", f"/calendar/v3/calendars/{other}/events/{event['id']}")
    assert (moved["status"], moved["organizer"]["email"]) == ("confirmed", other)


def test_quick_add_makes_an_hour_of_a_line(google: Google) -> None:
    event = google.ok("POST", EVENTS + "/quickAdd", text="Coffee at 15:30")
    assert (event["summary"], event["start"]["dateTime"]) == ("Coffee", "2026-03-02T15:30:00+01:00")


def test_events_of_other_kinds_come_from_google_and_cannot_be_rewritten(google: Google) -> None:
    mail = google.person({**timed(), "summary": "Flight", "eventType": "fromGmail"})
    path = f"{EVENTS}/{mail['id']}"
    assert google.ok("PATCH", path, {"colorId": "5"})["colorId"] == "5"
    assert reason(google.api("PATCH", path, {"summary": "Mine"})) == (400, "eventTypeRestriction")
    google.insert()
    assert [e["id"] for e in google.pages(eventTypes="fromGmail")[0]["items"]] == [mail["id"]]
