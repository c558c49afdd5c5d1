"""However odd a body is, it is answered: taken in a shape that fits the schemas, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import Request
from tests.sandbox.driver import ANN, EVENTS, Google, timed

ODD: list[Any] = [5, -1.5, "x", "", True, [], [1], ["x"], [{}], {}, None]
FIELDS = [
    *("id", "iCalUID", "summary", "status", "start", "end", "recurrence", "attendees", "reminders"),
    *("extendedProperties", "conferenceData", "attachments", "source", "sequence", "visibility"),
    *("transparency", "eventType", "colorId", "guestsCanModify", "organizer", "creator", "location"),
    *("originalStartTime", "recurringEventId", "birthdayProperties", "workingLocationProperties"),
    *("focusTimeProperties", "outOfOfficeProperties", "gadget", "anyoneCanAddSelf", "eventLabelId"),
]


@pytest.mark.parametrize("field", FIELDS)
def test_an_odd_field_is_taken_or_refused(google: Google, field: str) -> None:
    google.control("POST", "/quota", {"enabled": False})
    event = google.insert()
    for odd in ODD:
        body = {**timed(), field: odd}
        for method, path in (
            ("POST", EVENTS),
            ("PUT", f"{EVENTS}/{event['id']}"),
            ("PATCH", f"{EVENTS}/{event['id']}"),
        ):
            response = google.api(method, path, body, conferenceDataVersion="1", supportsAttachments="true")
            assert response.status in {200, 400, 403}, (method, body, response.body)
    google.listing()


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("POST", EVENTS + "/watch", ("id", "type", "address", "token", "expiration", "params")),
        ("POST", EVENTS + "/import", ("iCalUID", "organizer", "start", "attendees")),
        ("POST", "/calendar/v3/channels/stop", ("id", "resourceId")),
        ("POST", "/calendar/v3/freeBusy", ("timeMin", "timeMax", "timeZone", "items")),
        ("POST", "/calendar/v3/calendars", ("summary", "description", "timeZone")),
        ("PATCH", "/calendar/v3/calendars/primary", ("summary", "description", "timeZone", "location")),
        (
            "PATCH",
            "/calendar/v3/users/me/calendarList/primary",
            ("summaryOverride", "hidden", "selected", "colorId", "defaultReminders", "notificationSettings"),
        ),
        ("POST", "/calendar/v3/calendars/primary/acl", ("role", "scope")),
    ],
)
def test_other_calls_survive_odd_fields_too(
    google: Google, method: str, path: str, fields: tuple[str, ...]
) -> None:
    google.control("POST", "/quota", {"enabled": False})
    whole = {
        **timed(),
        "id": "channel",
        "type": "web_hook",
        "address": "https://a.example/",
        "resourceId": "x",
        "iCalUID": "uid",
        "timeMin": "2026-01-01T00:00:00Z",
        "timeMax": "2026-01-02T00:00:00Z",
        "summary": "Work",
        "role": "reader",
        "scope": {"type": "user", "value": "x@example.com"},
    }
    google.passed_through = set(whole)
    for field in fields:
        for odd in ODD:
            response = google.api(method, path, {**whole, field: odd})
            assert response.status in {200, 400, 403, 404}, (field, odd, response.body)


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"\xff", b"null"])
def test_a_body_that_is_no_object_is_a_parse_error(google: Google, body: bytes) -> None:
    assert google.api("POST", EVENTS, body).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/calendar",
        "/calendar/event?eid=%%%",
        "/calendar/save",
        "/token",
        "/revoke",
        "/tokeninfo",
        "/nothing",
    ],
)
def test_any_path_has_an_answer(google: Google, path: str) -> None:
    for method in ("GET", "POST", "PUT"):
        response = google.sandbox.handle(Request(method, path, {}, b"a=%ff&account=" + ANN.encode()))
        assert response.status < 500
