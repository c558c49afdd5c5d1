"""What a calendar feed says, as programs that know nothing of us read it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import icalendar
from ical.calendar_stream import IcsCalendarStream

from services.core.slots import AllDay, ReminderOverride, Reminders
from tests.api.feeds import document, events
from tests.api.pulled import Pulled, content, timed

if TYPE_CHECKING:
    import pytest

    from tests.api.service import Person, Service

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YEAR = {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z", "expand": "true", "limit": "200"}


async def only_event(service: Service, person: Person, pulled: Pulled) -> Any:
    await pulled.store(service)
    (event,) = events(await document(person))
    return event


async def listed(person: Person) -> list[tuple[str, str, str]]:
    """What the service says takes place in 2026: title, start, end."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await person.get("/slots", params={**YEAR, **({"cursor": cursor} if cursor else {})})).json()
        found += page["items"]
        cursor = page["next_cursor"]
    return sorted((each["title"], in_utc(each["start"]), in_utc(each["end"])) for each in found)


def read_by_another_program(text: str) -> list[tuple[str, str, str]]:
    """The same from the feed alone."""
    timeline = IcsCalendarStream.calendar_from_ics(text).timeline_tz(UTC)
    found = timeline.overlapping(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    return sorted((str(each.summary), in_utc(each.start), in_utc(each.end)) for each in found)


def in_utc(moment: datetime | date | str) -> str:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment) if "T" in moment else date.fromisoformat(moment)
    return (moment.astimezone(UTC) if isinstance(moment, datetime) else moment).isoformat()


def mixed_calendar(person: Person) -> Pulled:
    """Series over both changes of the clock in two zones, with every kind of exception."""
    pulled = Pulled(person)
    nine = datetime(2026, 1, 5, 9, tzinfo=BERLIN)
    lecture = pulled.add(content("Lecture", timed(nine, nine + HOUR), "RRULE:FREQ=WEEKLY"))
    at = datetime(2026, 3, 30, 9, tzinfo=BERLIN)
    pulled.exception(lecture, at, content("Moved", timed(at + DAY, at + DAY + 2 * HOUR)))
    at = datetime(2026, 4, 13, 9, tzinfo=BERLIN)
    pulled.exception(lecture, at, content("Renamed", timed(at, at + HOUR)))
    pulled.cancelled(lecture, datetime(2026, 10, 26, 9, tzinfo=BERLIN))
    pulled.cancelled(lecture, datetime(2026, 11, 2, 9, tzinfo=BERLIN))
    at = datetime(2026, 5, 4, 9, tzinfo=BERLIN)
    pulled.exception(lecture, at, content("A whole day", AllDay(date(2026, 5, 5), date(2026, 5, 6))))
    call = datetime(2026, 2, 2, 18, tzinfo=NEW_YORK)
    pulled.add(
        content(
            "Call",
            timed(call, call + HOUR, "America/New_York"),
            "RRULE:FREQ=MONTHLY;BYDAY=1MO;UNTIL=20261231",
            "EXDATE;TZID=America/New_York:20260706T180000",
            "EXDATE:20260908T220000Z",
            "RDATE;TZID=Europe/Berlin:20260717T100000",
        )
    )
    night = datetime(2026, 3, 26, 1, 30, tzinfo=BERLIN)
    pulled.add(content("Night", timed(night, night + HOUR), "RRULE:FREQ=DAILY;COUNT=6"))
    holiday = pulled.add(
        content(
            "Holiday",
            AllDay(date(2026, 2, 27), date(2026, 3, 1)),
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=27",
            "EXDATE;VALUE=DATE:20260427",
        )
    )
    pulled.exception(
        holiday, date(2026, 6, 27), content("Holiday, later", AllDay(date(2026, 6, 29), date(2026, 6, 30)))
    )
    pulled.cancelled(holiday, date(2026, 7, 27))
    noon = datetime(2026, 8, 3, 12, tzinfo=BERLIN)
    pulled.add(content("By hand", timed(noon, noon + HOUR), "RDATE:20260805T100000Z", "RDATE:20260901"))
    pulled.add(
        content("Monday, then Tuesdays", timed(noon, noon + HOUR), "RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=3")
    )
    second = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)
    pulled.add(content("The second half past two", timed(second, second.astimezone(UTC) + HOUR)))
    pulled.add(content("Fair", AllDay(date(2026, 12, 30), date(2027, 1, 3))))
    orphan = datetime(2026, 9, 9, 9, tzinfo=BERLIN)
    pulled.exception(lecture, orphan, content("Instance that the rule lost", timed(orphan, orphan + HOUR)))
    return pulled


async def test_another_program_sees_what_we_list(any_service: Service, bob: Person) -> None:
    await mixed_calendar(bob).store(any_service)
    expected = await listed(bob)
    assert len(expected) > 70
    assert read_by_another_program(await document(bob)) == expected


async def test_series_keep_the_wall_clock_and_exceptions_name_their_instance(
    service: Service, ada: Person
) -> None:
    pulled = mixed_calendar(ada)
    await pulled.store(service)
    text = await document(ada)
    lecture = [each for each in events(text) if each["UID"] == str(pulled.slots[0].id)]
    written = {str(each["SUMMARY"]): each.to_ical().decode() for each in lecture}
    assert set(written) == {"Lecture", "Moved", "Renamed", "A whole day"}
    assert "DTSTART;TZID=Europe/Berlin:20260105T090000" in written["Lecture"]
    assert "RRULE:FREQ=WEEKLY" in written["Lecture"]
    assert "EXDATE;TZID=Europe/Berlin:20261026T090000" in written["Lecture"]
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20260330T090000" in written["Moved"]
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20260504T090000" in written["A whole day"]
    assert "DTSTART;VALUE=DATE:20260505" in written["A whole day"]
    assert "RECURRENCE-ID;VALUE=DATE:20260627" in text
    assert "UNTIL=20270101T045959Z" in text
    zones = {str(each["TZID"]) for each in icalendar.Calendar.from_ical(text).walk("VTIMEZONE")}
    assert zones == {"Europe/Berlin", "America/New_York"}


async def test_what_an_event_says(service: Service, ada: Person) -> None:
    pulled = Pulled(ada)
    nine = datetime(2026, 6, 1, 9, tzinfo=BERLIN)
    pulled.add(
        content(
            "Review",
            timed(nine, nine + HOUR),
            description="Bring\nthe numbers; all, of them",
            location="Room 4",
            transparency="transparent",
            visibility="private",
            reminders=Reminders(
                use_default=False,
                overrides=(ReminderOverride("popup", 10), ReminderOverride("email", 1440)),
            ),
        ),
        facts={
            "status": "tentative",
            "html_link": "https://www.google.com/calendar/event?eid=1",
            "conference_url": "https://meet.google.com/abc-defg-hij",
            "organizer": {"email": "bob@example.com", "display_name": 'Bob "the" Builder'},
            "attendees": [
                {"email": "ada@example.com", "self": True, "response_status": "declined"},
                {"email": "room@example.com", "resource": True, "response_status": "accepted"},
                {"email": "eve@example.com", "optional": True, "response_status": "needsAction"},
                {"display_name": "Nobody with an address"},
            ],
        },
        version=7,
    )
    event = await only_event(service, ada, pulled)
    assert (event["SUMMARY"], event["LOCATION"]) == ("Review", "Room 4")
    assert event["DESCRIPTION"] == "Bring\nthe numbers; all, of them"
    assert (event["TRANSP"], event["CLASS"], event["STATUS"]) == ("TRANSPARENT", "PRIVATE", "TENTATIVE")
    assert (event["SEQUENCE"], event["UID"]) == (7, str(pulled.slots[0].id))
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert event["URL"] == "https://www.google.com/calendar/event?eid=1"
    assert event["CONFERENCE"] == "https://meet.google.com/abc-defg-hij"
    assert event["ORGANIZER"] == "mailto:bob@example.com"
    guests = {str(each): (each.params["PARTSTAT"], each.params["ROLE"]) for each in event["ATTENDEE"]}
    assert guests == {
        "mailto:ada@example.com": ("DECLINED", "REQ-PARTICIPANT"),
        "mailto:room@example.com": ("ACCEPTED", "REQ-PARTICIPANT"),
        "mailto:eve@example.com": ("NEEDS-ACTION", "OPT-PARTICIPANT"),
    }
    alarms = [(str(each["ACTION"]), each["TRIGGER"].dt) for each in event.walk("VALARM")]
    assert alarms == [("DISPLAY", -timedelta(minutes=10)), ("EMAIL", -DAY)]


HOSTILE = 'Fun\r\nATTENDEE:mailto:x@y.z\nEND:VEVENT\r\rBEGIN:VEVENT\x0b\u2028\x00\x1f; a\\n, "b" ' + "ü" * 90


async def test_no_text_can_add_a_property(service: Service, ada: Person) -> None:
    pulled = Pulled(ada)
    nine = datetime(2026, 6, 1, 9, tzinfo=BERLIN)
    pulled.add(
        content(
            HOSTILE,
            timed(nine, nine + HOUR),
            "RRULE:FREQ=DAILY;COUNT=1",
            "RDATE:20260601T070000Z\r\nX-EVIL:1",
            "X-EVIL:1",
            description=HOSTILE,
            location=HOSTILE,
            reminders=Reminders(use_default=False, overrides=(ReminderOverride("popup", 1),)),
        ),
        facts={
            "html_link": "https://x.example/\r\nX-EVIL:1",
            "conference_url": "javascript:alert(1)",
            "organizer": {"email": "bob@example.com", "display_name": HOSTILE},
            "attendees": [
                {"email": "a@example.com", "display_name": HOSTILE, "response_status": HOSTILE},
                {"email": "b@example.com\r\nX-EVIL:1"},
            ],
        },
    )
    await pulled.store(service)
    text = await document(ada)
    assert "X-EVIL" not in text.replace("\r\n ", "")
    assert "javascript" not in text
    lines = text.encode().split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 75 for line in lines)
    assert all(len(line.splitlines()) == 1 for line in text.split("\r\n")[:-1])
    (event,) = events(text)
    assert not any(name.startswith("X-EVIL") for name in event)
    assert str(event["SUMMARY"]).startswith("Fun\nATTENDEE:mailto:x@y.z\nEND:VEVENT\n\nBEGIN:VEVENT\n\n; a")
    assert str(event["ATTENDEE"]) == "mailto:a@example.com"


async def test_a_series_of_dates_alone_has_them_in_the_form_of_its_start(
    service: Service, ada: Person
) -> None:
    pulled = Pulled(ada)
    noon = datetime(2026, 8, 3, 12, tzinfo=BERLIN)
    pulled.add(content("By hand", timed(noon, noon + HOUR), "RDATE:20260805T100000Z", "RDATE:20260901"))
    text = (await only_event(service, ada, pulled)).to_ical().decode()
    assert "DTSTART;TZID=Europe/Berlin:20260803T120000\r\n" in text
    assert "RDATE;TZID=Europe/Berlin:20260803T120000\r\n" in text
    assert "RDATE;TZID=Europe/Berlin:20260805T120000\r\n" in text
    assert "RDATE;TZID=Europe/Berlin:20260901T120000\r\n" in text


async def test_a_rule_that_we_cannot_read_is_given_as_it_is(service: Service, ada: Person) -> None:
    pulled = Pulled(ada)
    nine = datetime(2026, 6, 1, 9, tzinfo=UTC)
    pulled.add(content("Odd", timed(nine, nine + HOUR, "UTC"), "RRULE:FREQ=HOURLY;UNTIL=20260601T120000Z"))
    await pulled.store(service)
    assert "RRULE:FREQ=HOURLY;UNTIL=20260601T120000Z\r\n" in await document(ada)


async def test_one_odd_slot_takes_nothing_else_away(
    service: Service, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    pulled = Pulled(ada)
    nine = datetime(2026, 6, 1, 9, tzinfo=BERLIN)
    pulled.add(content("Good", timed(nine, nine + HOUR)))
    odd = pulled.add(content("Odd", timed(nine, nine + HOUR)), facts={"attendees": ["not a guest"]})
    await pulled.store(service)
    assert [each["SUMMARY"] for each in events(await document(ada))] == ["Good"]
    (record,) = [each for each in caplog.records if each.name == "services.feed_service"]
    assert vars(record)["slot_id"] == str(odd.id)
