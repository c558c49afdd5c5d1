"""Requests are those of Google's own client, down to the byte, whatever the ids look like."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc

from services.google.requests import CalendarRequests

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.google.transport import HttpRequest

ROOT = "https://google.test"
BODY = {"summary": "Räksmörgås 🦐", "description": None, "reminders": {"useDefault": True}}
ODD = [
    "primary",
    "ada@example.com",
    "c_0123@group.calendar.google.com",
    "en.usa#holiday@group.v.calendar.google.com",
    "a/../b?c=d&e#f",
    "100%25 + 2 = ä 🦐",
    "~tilde_dash-dot.",
    "{eventId}",
    "BLANK0KNALB",
    "",
]

Both = tuple["Callable[[Ours, str], HttpRequest]", "Callable[[Any, str], Any]"]
Ours = CalendarRequests

CALLS: dict[str, Both] = {
    "first listing": (
        lambda ours, odd: ours.page(odd, sync_token=None, page_token=None),
        lambda theirs, odd: theirs.events().list(calendarId=odd, singleEvents=False, maxResults=2500),
    ),
    "next page": (
        lambda ours, odd: ours.page("primary", sync_token=None, page_token=odd),
        lambda theirs, odd: theirs.events().list(
            calendarId="primary", singleEvents=False, maxResults=2500, pageToken=odd
        ),
    ),
    "changes": (
        lambda ours, odd: ours.page(odd, sync_token=odd, page_token=None),
        lambda theirs, odd: theirs.events().list(
            calendarId=odd, singleEvents=False, maxResults=2500, syncToken=odd
        ),
    ),
    "next page of changes": (
        lambda ours, odd: ours.page(odd, sync_token=odd, page_token=f"2{odd}"),
        lambda theirs, odd: theirs.events().list(
            calendarId=odd, singleEvents=False, maxResults=2500, syncToken=odd, pageToken=f"2{odd}"
        ),
    ),
    "calendar list": (
        lambda ours, _: ours.calendar_list(page_token=None),
        lambda theirs, _: theirs.calendarList().list(maxResults=250, showHidden=True),
    ),
    "next page of the calendar list": (
        lambda ours, odd: ours.calendar_list(page_token=odd),
        lambda theirs, odd: theirs.calendarList().list(maxResults=250, showHidden=True, pageToken=odd),
    ),
    "facts": (
        lambda ours, odd: ours.calendar_facts(odd),
        lambda theirs, odd: theirs.events().list(calendarId=odd, maxResults=1, fields="timeZone,accessRole"),
    ),
    "get": (
        lambda ours, odd: ours.get(odd, f"2{odd}"),
        lambda theirs, odd: theirs.events().get(calendarId=odd, eventId=f"2{odd}"),
    ),
    "insert": (
        lambda ours, odd: ours.insert(odd, BODY, send_updates="all"),
        lambda theirs, odd: theirs.events().insert(calendarId=odd, body=BODY, sendUpdates="all"),
    ),
    "whole insert": (
        lambda ours, odd: ours.insert(odd, BODY, send_updates="none", whole=True),
        lambda theirs, odd: theirs.events().insert(
            calendarId=odd, body=BODY, sendUpdates="none", conferenceDataVersion=1, supportsAttachments=True
        ),
    ),
    "patch": (
        lambda ours, odd: ours.patch(odd, f"2{odd}", BODY, etag="", send_updates="externalOnly"),
        lambda theirs, odd: theirs.events().patch(
            calendarId=odd, eventId=f"2{odd}", body=BODY, sendUpdates="externalOnly"
        ),
    ),
    "delete": (
        lambda ours, odd: ours.delete(odd, f"2{odd}", etag="", send_updates="none"),
        lambda theirs, odd: theirs.events().delete(calendarId=odd, eventId=f"2{odd}", sendUpdates="none"),
    ),
    "move": (
        lambda ours, odd: ours.move(odd, f"2{odd}", destination=f"3{odd}", etag="", send_updates="none"),
        lambda theirs, odd: theirs.events().move(
            calendarId=odd, eventId=f"2{odd}", sendUpdates="none", destination=f"3{odd}"
        ),
    ),
    "watch": (
        lambda ours, odd: ours.watch(odd, {"id": odd, "type": "web_hook"}),
        lambda theirs, odd: theirs.events().watch(calendarId=odd, body={"id": odd, "type": "web_hook"}),
    ),
    "stop": (
        lambda ours, odd: ours.stop(channel_id=odd, resource_id=f"2{odd}"),
        lambda theirs, odd: theirs.channels().stop(body={"id": odd, "resourceId": f"2{odd}"}),
    ),
}


@pytest.fixture(scope="module")
def ours() -> CalendarRequests:
    return CalendarRequests.load(ROOT)


@pytest.fixture(scope="module")
def theirs() -> Any:
    document = json.loads(get_static_doc("calendar", "v3"))
    endpoint = f"{ROOT}/{document['servicePath']}"
    return build_from_document(document, http=object(), client_options={"api_endpoint": endpoint})


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_requests_are_those_that_the_client_builds(ours: CalendarRequests, theirs: Any, call: Both) -> None:
    for odd in ODD:
        mine, built = call[0](ours, odd), call[1](theirs, odd)

        assert mine.url == built.uri.removesuffix("?")
        assert mine.method == built.method
        assert mine.body == (built.body or "").encode()
        assert mine.headers == {**built.headers, "user-agent": "calendar-sync (gzip)"}


def test_conditional_requests_name_the_version(ours: CalendarRequests) -> None:
    patch = ours.patch("primary", "1", {}, etag='"1"', send_updates="none")
    unconditional = ours.patch("primary", "1", {}, etag="", send_updates="none")

    assert patch.headers == {**unconditional.headers, "if-match": '"1"'}


def test_what_the_client_does_not_know_is_refused(ours: CalendarRequests) -> None:
    with pytest.raises(TypeError, match="sendUpdates"):
        ours.delete("primary", "1", etag="", send_updates="somebody")
