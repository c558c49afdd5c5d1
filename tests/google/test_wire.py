"""Google's JSON to the core and back, as laws and as a table of odd documents."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.errors import FailureClass, VendorError
from services.core.events import InstanceName
from services.core.slots import (
    DEFAULT_REMINDERS,
    AllDay,
    Attendee,
    ReminderOverride,
    Reminders,
    Schedule,
    SlotContent,
    Timed,
)
from services.google.times import UnreadableEventError, known_zone
from services.google.wire import changes_to_wire, event_from_wire, event_to_wire, page_from_wire
from tests.google.world import all_day, timed

ZONES = ["Europe/Paris", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca", "UTC"]

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=30)
instants = st.datetimes(
    datetime(1902, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone.
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda each: each.replace(microsecond=0))
spans = st.one_of(
    st.builds(
        lambda start, minutes, zone: Timed(start, start + timedelta(minutes=minutes), zone),
        instants,
        st.integers(0, 10_000),
        st.sampled_from(ZONES),
    ),
    st.builds(
        lambda start, days: AllDay(start, start + timedelta(days=days)),
        st.dates(date(1, 1, 1), date(9998, 1, 1)),
        st.integers(1, 60),
    ),
)
overrides = st.builds(ReminderOverride, st.sampled_from(["email", "popup"]), st.integers(0, 40_320))
reminders = st.one_of(
    st.just(DEFAULT_REMINDERS),
    st.sets(overrides, max_size=5).map(
        lambda some: Reminders(
            use_default=False, overrides=tuple(sorted(some, key=lambda each: (each.minutes, each.method)))
        )
    ),
)
GUESTS = (Attendee("ada@example.com"), Attendee("bob@example.com", optional=True))
contents = st.builds(
    SlotContent,
    title=texts,
    schedule=st.builds(
        Schedule,
        spans,
        st.sampled_from([(), ("RRULE:FREQ=DAILY",), ("RRULE:FREQ=WEEKLY", "EXDATE;VALUE=DATE:20260101")]),
    ),
    description=texts,
    location=texts,
    color=st.sampled_from([None, "1", "11"]),
    transparency=st.sampled_from(["opaque", "transparent"]),
    visibility=st.sampled_from(["default", "public", "private", "confidential"]),
    reminders=reminders,
    attendees=st.sampled_from(
        [(), (Attendee("ada@example.com"), Attendee("bob@example.com", optional=True))]
    ),
)


def read(document: dict[str, Any], zone: str = "Europe/Paris", **more: Any) -> SlotContent:
    content = event_from_wire({"id": "e", "etag": '"1"', **document}, zone, **more).content
    assert content is not None
    return content


def merged(document: Any, patch: Any) -> Any:
    """A merge patch as Google applies it.

    Source: RFC 7396.
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


@given(contents)
def test_what_is_written_reads_the_same(content: SlotContent) -> None:
    assert read(event_to_wire(content)) == content


@given(contents, contents)
def test_a_patch_leads_from_any_content_to_any_other(base: SlotContent, content: SlotContent) -> None:
    document = merged(event_to_wire(base), changes_to_wire(base, content))

    assert read(document) == content
    for end in ("start", "end"):
        assert ("date" in document[end]) != ("dateTime" in document[end])
        assert ("date" in document[end]) != ("timeZone" in document[end])
    assert "overrides" not in document["reminders"] or not document["reminders"]["useDefault"]


@given(contents, contents)
def test_with_an_unknown_base_everything_is_named(before: SlotContent, content: SlotContent) -> None:
    assert read(merged(event_to_wire(before), changes_to_wire(None, content))) == content


@given(contents)
def test_no_change_is_an_empty_patch(content: SlotContent) -> None:
    assert changes_to_wire(content, content) == {}


@given(contents, contents)
def test_a_patch_names_a_group_exactly_when_it_changed(base: SlotContent, content: SlotContent) -> None:
    names = {
        "summary": "title",
        "start": "schedule",
        "end": "schedule",
        "recurrence": "schedule",
        "colorId": "color",
    }
    named = {names.get(key, key) for key in changes_to_wire(base, content)}

    assert named == base.changed_groups(content)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=10), st.lists))
def test_nonsense_anywhere_is_unreadable_and_nothing_worse(nonsense: Any) -> None:
    plain = {"id": "e", "status": "confirmed", **event_to_wire(timed())}
    documents = [{**plain, key: nonsense} for key in ("id", "start", "end", "summary", "reminders")]
    documents += [{**plain, key: nonsense} for key in ("recurrence", "attendees", "organizer", "updated")]
    documents += [{**plain, "start": {"dateTime": nonsense, "timeZone": nonsense}}]

    page = page_from_wire({"items": documents, "timeZone": nonsense if isinstance(nonsense, str) else None})

    assert len(page.events) + len(page.unreadable) == len(documents)


@pytest.mark.parametrize("page", [{}, {"items": None}, {"items": "x"}, {"error": "x"}, {"nextSyncToken": 5}])
def test_what_is_no_page_is_not_an_empty_one(page: dict[str, Any]) -> None:
    with pytest.raises(VendorError) as caught:
        page_from_wire(page)

    assert (caught.value.failure, caught.value.status) == (FailureClass.RETRYABLE, None)


def test_a_page_may_be_empty() -> None:
    assert page_from_wire({"nextPageToken": "more"}).events == ()
    assert page_from_wire({"items": [], "timeZone": 5}).time_zone == "UTC"


def test_clearing_sends_null_and_defaults_are_said_by_name() -> None:
    base = replace(
        timed(),
        description="x",
        location="x",
        color="1",
        transparency="transparent",
        visibility="private",
        reminders=Reminders(use_default=False),
    )

    assert changes_to_wire(base, timed("")) == {
        "summary": None,
        "description": None,
        "location": None,
        "colorId": None,
        "transparency": "opaque",
        "visibility": "default",
        "reminders": {"useDefault": True, "overrides": None},
    }


def test_switching_to_all_day_removes_the_times() -> None:
    assert changes_to_wire(timed("x"), all_day("x")) == {
        "start": {"date": "2026-11-23", "dateTime": None, "timeZone": None},
        "end": {"date": "2026-11-25", "dateTime": None, "timeZone": None},
    }


def test_times_are_written_in_the_wall_clock_of_their_zone() -> None:
    assert event_to_wire(timed())["start"] == {
        "dateTime": "2026-11-23T10:00:00+01:00",
        "timeZone": "Europe/Paris",
    }


START = datetime(2026, 11, 23, 9, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


@pytest.mark.parametrize(
    ("start", "zone"),
    [
        ({"dateTime": "2026-11-23T10:00:00+01:00", "timeZone": "Europe/Berlin"}, "Europe/Berlin"),
        ({"dateTime": "2026-11-23T09:00:00Z"}, "Europe/Paris"),
        ({"dateTime": "2026-11-23T09:00:00.750Z"}, "Europe/Paris"),
        ({"dateTime": "2026-11-23T04:00:00", "timeZone": "America/New_York"}, "America/New_York"),
        ({"dateTime": "2026-11-23T10:00:00"}, "Europe/Paris"),
        ({"dateTime": "2026-11-23T10:00:00+01:00", "timeZone": "W. Europe Standard Time"}, "Europe/Paris"),
        ({"dateTime": "2026-11-23T10:00:00", "timeZone": "Nowhere/Land"}, "Europe/Paris"),
        ({"dateTime": "2026-11-23T10:00:00+01:00", "timeZone": "../etc/passwd"}, "Europe/Paris"),
        ({"dateTime": "2026-11-23T10:00:00+01:00", "timeZone": "Europe"}, "Europe/Paris"),
        ({"dateTime": "2026-11-23T09:00:00Z", "date": "2026-11-23"}, "Europe/Paris"),
    ],
)
def test_an_instant_survives_whatever_its_zone(start: dict[str, str], zone: str) -> None:
    content = read({"start": start, "end": {"dateTime": "2026-11-23T09:30:00Z", "date": "2026-11-24"}})

    assert content.schedule == Schedule(Timed(START, START + HALF_HOUR, zone))


def test_an_all_day_event_of_no_length_lasts_a_day() -> None:
    content = read({"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-23"}})

    assert content.schedule.span == AllDay(date(2026, 11, 23), date(2026, 11, 24))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ({"date": "0000-12-30"}, {"date": "0000-12-31"}),
        ({"date": "+12026-01-01"}, {"date": "+12026-01-02"}),
        ({"date": "9999-12-31"}, {"date": "9999-12-31"}),
        ({"dateTime": "0001-01-01T00:00:00+14:00"}, {"dateTime": "0001-01-01T01:00:00+14:00"}),
        ({"dateTime": "yesterday"}, {"dateTime": "2026-01-01T00:00:00Z"}),
        ({"timeZone": "Europe/Paris"}, {"timeZone": "Europe/Paris"}),
        ({"date": "2026-01-01"}, {"dateTime": "2026-01-01T00:00:00Z"}),
        ({"date": "2026-01-02"}, {"date": "2026-01-01"}),
        ({"dateTime": "2026-01-01T01:00:00Z"}, {"dateTime": "2026-01-01T00:00:00Z"}),
        ({}, {}),
        (None, None),
    ],
)
def test_times_that_are_none_are_unreadable(start: Any, end: Any) -> None:
    with pytest.raises(UnreadableEventError):
        event_from_wire({"id": "e", "start": start, "end": end}, "Europe/Paris")


@pytest.mark.parametrize("document", [{}, {"id": ""}, {"id": 5}])
def test_an_event_needs_an_id(document: dict[str, Any]) -> None:
    with pytest.raises(UnreadableEventError):
        event_from_wire({**document, **event_to_wire(timed())}, "Europe/Paris")


def test_what_google_respells_is_no_edit() -> None:
    respelled: dict[str, Any] = {
        "summary": "Standup",
        "description": "one\r\ntwo\rthree",
        "location": None,
        "start": {"dateTime": "2026-11-23T10:00:00.000+01:00", "timeZone": "Europe/Paris"},
        "end": {"dateTime": "2026-11-23T09:30:00Z", "timeZone": "Europe/Paris"},
        "transparency": "opaque",
        "visibility": "default",
        "reminders": {"useDefault": True, "overrides": []},
        "recurrence": [],
    }

    assert read(respelled) == replace(timed(), description="one\ntwo\nthree")


def test_reminders_have_one_order_and_only_known_methods() -> None:
    document = {
        **event_to_wire(timed()),
        "reminders": {
            "useDefault": False,
            "overrides": [
                {"method": "popup", "minutes": 30},
                {"method": "sms", "minutes": 5},
                {"method": "email", "minutes": "10"},
                {"method": "popup", "minutes": 30},
            ],
        },
    }

    assert read(document).reminders == Reminders(
        use_default=False, overrides=(ReminderOverride("email", 10), ReminderOverride("popup", 30))
    )


SELF = {"email": "a@example.com", "self": True}
OTHER = {"email": "b@example.com"}


@pytest.mark.parametrize(
    ("fields", "role", "reason"),
    [
        ({}, "owner", None),
        ({"organizer": SELF}, "writer", None),
        ({"organizer": OTHER}, "owner", "not-organizer"),
        ({"organizer": OTHER, "attendees": [SELF]}, "owner", "not-organizer"),
        ({"organizer": OTHER, "guestsCanModify": True}, "owner", None),
        ({"organizer": OTHER, "privateCopy": True}, "owner", "not-organizer"),
        ({"locked": True}, "owner", "locked"),
        ({"recurrence": ["RRULE:FREQ=DAILY"]}, "owner", None),
        ({"recurringEventId": "s", "originalStartTime": {"date": "2026-01-01"}}, "owner", None),
        ({}, "reader", "calendar-read-only"),
        ({}, "freeBusyReader", "calendar-read-only"),
        ({"visibility": "private"}, "writerWithoutPrivateAccess", "private-event"),
        ({}, "writerWithoutPrivateAccess", None),
        ({"eventType": "birthday"}, "owner", "birthday"),
        ({"eventType": "fromGmail"}, "owner", "from-gmail"),
        ({"eventType": "focusTime"}, "owner", "focus-time"),
        ({"eventType": "outOfOffice"}, "owner", "out-of-office"),
        ({"eventType": "workingLocation"}, "owner", "working-location"),
        ({"eventType": "newer"}, "owner", "event-type"),
        ({"eventType": "default"}, "owner", None),
    ],
)
def test_who_may_edit(fields: dict[str, Any], role: str, reason: str | None) -> None:
    copy = event_from_wire({"id": "e", **event_to_wire(timed()), **fields}, "Europe/Paris", role).copy

    assert copy.restriction == reason


@pytest.mark.parametrize(
    ("document", "instance"),
    [
        ({"id": "abc", "status": "cancelled"}, None),
        (
            {"id": "abc_20261123T090000Z", "status": "cancelled"},
            InstanceName("abc", datetime(2026, 11, 23, 9, tzinfo=UTC)),
        ),
        ({"id": "abc_20261123", "status": "cancelled"}, InstanceName("abc", date(2026, 11, 23))),
        ({"id": "_20261123", "status": "cancelled"}, None),
        ({"id": "abc_R20261123T090000", "status": "cancelled"}, None),
        (
            {
                "id": "x",
                "status": "cancelled",
                "recurringEventId": "abc",
                "originalStartTime": {"date": "2026-11-23"},
            },
            InstanceName("abc", date(2026, 11, 23)),
        ),
    ],
)
def test_what_is_cancelled_has_no_content_and_needs_no_start(
    document: dict[str, Any], instance: InstanceName | None
) -> None:
    event = event_from_wire({"kind": "calendar#event", "etag": '"1"', **document}, "Europe/Paris")

    assert event.content is None
    assert event.instance == instance


@pytest.mark.parametrize(
    ("private", "slot_id"),
    [
        ({"slotId": str(UUID(int=5))}, UUID(int=5)),
        ({"slotId": "no uuid"}, None),
        ({"slotId": 5}, None),
        ({"other": "x"}, None),
        (None, None),
    ],
)
def test_the_slot_that_an_event_names(private: Any, slot_id: UUID | None) -> None:
    document = {"id": "e", **event_to_wire(timed()), "extendedProperties": {"private": private}}

    assert event_from_wire(document, "Europe/Paris").slot_id == slot_id


def test_facts_say_what_a_frontend_shows() -> None:
    document = {
        "id": "e",
        **event_to_wire(timed()),
        "htmlLink": "https://calendar.example.com/e",
        "status": "tentative",
        "organizer": {"email": "b@example.com", "displayName": "B", "self": False},
        "attendees": [{"email": "a@example.com", "self": True, "responseStatus": "accepted", "odd": 1}],
        "hangoutLink": "https://meet.example.com/fallback",
        "conferenceData": {
            "conferenceSolution": {"name": "Meet"},
            "entryPoints": [
                {"entryPointType": "phone", "uri": "tel:+1"},
                {"entryPointType": "video", "uri": "https://meet.example.com/x"},
            ],
        },
        "source": {"title": "Mail", "url": "https://mail.example.com"},
        "guestsCanModify": True,
    }

    assert event_from_wire(document, "Europe/Paris").copy.facts == {
        "html_link": "https://calendar.example.com/e",
        "event_type": "default",
        "status": "tentative",
        "organizer": {"email": "b@example.com", "display_name": "B", "self": False},
        "attendees": [{"email": "a@example.com", "self": True, "response_status": "accepted"}],
        "conference_url": "https://meet.example.com/x",
        "conference_name": "Meet",
        "source": {"title": "Mail", "url": "https://mail.example.com"},
        "guests_can_modify": True,
    }


@pytest.mark.parametrize("name", [None, "", "Nowhere", "/etc/passwd", "Europe", "x" * 300, "\x00"])
def test_what_is_no_zone(name: str | None) -> None:
    assert known_zone(name) is None
