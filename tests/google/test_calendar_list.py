"""The list of calendars, as Google tells it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from services.core.accounts import AccountStatus
from services.core.calendar_entry import CalendarEntry
from services.core.errors import FailureClass, VendorError
from services.google.calendar_list import entries_from_wire
from services.google.transport import HttpRequest, HttpResponse
from tests.google.calls import listing
from tests.google.world import CALENDAR_SCOPES, EMAIL, World

LIST_SCOPE = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"
WORK = "c_work@group.calendar.google.com"


@pytest.fixture
def reader(world: World) -> World:
    """Somebody who lets the list be read."""
    world.link(f"{CALENDAR_SCOPES} {LIST_SCOPE}")
    return world


async def test_every_calendar_is_listed_as_the_person_sees_it(reader: World) -> None:
    reader.control("POST", "/accounts", {"email": "boss@example.com"})
    reader.control(
        "POST",
        "/calendars",
        {"account": "boss@example.com", "id": WORK, "summary": "Work", "time_zone": "Asia/Tokyo"}
        | {"acl": {EMAIL: "reader"}},
    )
    reader.control("POST", "/calendars", {"account": EMAIL, "id": "gone@example.com"})
    reader.control("POST", f"/calendars/{EMAIL}/gone@example.com", {"acl": {EMAIL: "none"}})

    primary, work = await reader.calendars.calendar_list(reader.user_id)

    assert primary == CalendarEntry(
        id=EMAIL,
        summary=EMAIL,
        time_zone="Europe/Amsterdam",
        access_role="owner",
        color_id="14",
        background_color="#9fe1e7",
        foreground_color="#000000",
        primary=True,
    )
    assert (work.id, work.summary, work.time_zone) == (WORK, "Work", "Asia/Tokyo")
    assert (work.access_role, work.writable, work.primary) == ("reader", False, False)
    assert (primary.stored_id, work.stored_id) == ("primary", WORK)


async def test_a_long_list_is_read_to_its_end(reader: World) -> None:
    for number in range(300):
        reader.control("POST", "/calendars", {"account": EMAIL, "id": f"c_{number}@example.com"})

    entries = await reader.calendars.calendar_list(reader.user_id)

    assert len({entry.id for entry in entries}) == len(entries) == 301
    assert len(reader.served("/calendar/v3/users/me/calendarList")) == 2


async def test_without_the_scope_the_events_are_served_all_the_same(world: World) -> None:
    with pytest.raises(VendorError) as refused:
        await world.calendars.calendar_list(world.user_id)

    assert refused.value.failure is FailureClass.AUTHENTICATION
    assert refused.value.reason == "insufficientPermissions"
    assert world.account().status is AccountStatus.CONNECTED
    assert (await listing(world)).next_sync_token


ENTRY: dict[str, Any] = {"kind": "calendar#calendarListEntry", "id": WORK, "accessRole": "writer"}


@pytest.mark.parametrize(
    ("told", "understood"),
    [
        ({"summary": "Work", "summaryOverride": "The office"}, {"summary": "The office"}),
        ({"summary": "Work", "hidden": True}, {"summary": "Work", "hidden": True}),
        ({"description": "", "timeZone": "Mars/Olympus"}, {}),
        ({"summary": ["odd"], "colorId": 3, "primary": "yes"}, {}),
        ({"accessRole": None}, {"access_role": "none"}),
    ],
)
def test_an_entry(told: dict[str, Any], understood: dict[str, Any]) -> None:
    page = {"kind": "calendar#calendarList", "items": [ENTRY | told]}
    expected = CalendarEntry(**{"id": WORK, "access_role": "writer"} | understood)
    assert entries_from_wire(page) == ([expected], None)


def test_what_is_no_entry_is_left_out() -> None:
    odd = [{**ENTRY, "deleted": True}, {"id": ""}, {"id": 7}, "text", None]
    page = {"kind": "calendar#calendarList", "items": odd, "nextPageToken": "more"}
    assert entries_from_wire(page) == ([], "more")


@pytest.mark.parametrize("page", [{}, {"items": []}, {"kind": "calendar#calendarList", "items": "none"}])
def test_what_is_no_page_is_no_empty_list(page: dict[str, Any]) -> None:
    with pytest.raises(VendorError) as error:
        entries_from_wire(page)
    assert error.value.failure is FailureClass.RETRYABLE


class EndlessList:
    """A Google that always says that there is more."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        if not request.url.startswith("http://google.localhost/calendar"):
            return HttpResponse(200, {}, b'{"access_token": "a", "expires_in": 3600}')
        page = {"kind": "calendar#calendarList", "items": [], "nextPageToken": "again"}
        return HttpResponse(200, {}, orjson.dumps(page))


async def test_a_list_without_end_is_given_up() -> None:
    world = World(transport=EndlessList())
    world.link(f"{CALENDAR_SCOPES} {LIST_SCOPE}")
    with pytest.raises(VendorError, match="endless-list"):
        await world.calendars.calendar_list(world.user_id)
