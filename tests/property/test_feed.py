"""Whatever a slot holds, its event says just that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from icalendar.prop import vText

from services.core.records import GoogleCopy, Slot
from services.core.recurrence import instance_key
from services.core.slots import Schedule, SlotContent, Timed
from services.ical.events import Described, event
from services.ical.texts import clean_text
from tests import strategies
from tests.unit.recurrence.strategies import found, schedules

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROPERTIES = {
    *("UID", "DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "TRANSP"),
    *("STATUS", "CLASS", "DESCRIPTION", "LOCATION", "URL", "CONFERENCE", "X-GOOGLE-CONFERENCE"),
    *("ORGANIZER", "ATTENDEE", "RRULE", "RDATE", "EXDATE"),
}
pieces = [*'a;,:\\"=^', "\r", "\n", "\r\nX-EVIL:1\r\n", "\u2028", "\x0b", "\x00", "ü"]
hostile = st.lists(st.sampled_from(pieces)).map("".join)
people = st.dictionaries(
    st.sampled_from(["email", "display_name", "response_status", "optional"]),
    hostile | hostile.map(lambda text: f"{text}@x.example"),
)
facts = st.fixed_dictionaries(
    {},
    optional={
        "html_link": hostile.map(lambda text: f"https://x.example/{text}"),
        "conference_url": hostile.map(lambda text: f"https://x.example/{text}"),
        "status": hostile,
        "organizer": people,
        "attendees": st.lists(people, max_size=3),
    },
)


@settings(deadline=None)
@given(strategies.slots(), hostile, facts)
def test_no_slot_can_say_more_than_it_is(slot: Slot, title: str, known: dict[str, Any]) -> None:
    content = SlotContent(title, slot.content.schedule, title, title, reminders=slot.content.reminders)
    odd = Slot(
        user_id=slot.user_id,
        id=slot.id,
        calendar_id="primary",
        content=content,
        source="google",
        created_at=slot.created_at,
        updated_at=slot.updated_at,
        google=GoogleCopy("e", "", None, facts=known),
    )
    written = event(Described(odd), owner_email="ada@example.com")
    assert all(len(line) <= 75 and line for line in written.split(b"\r\n")[:-1])
    assert all(len(line.splitlines()) == 1 for line in written.decode().split("\r\n")[:-1])
    document = b"BEGIN:VCALENDAR\r\n" + written + b"END:VCALENDAR\r\n"
    read: Any
    (read,) = Calendar.from_ical(document.decode()).events
    assert set(read) <= PROPERTIES
    assert {alarm.name for alarm in read.subcomponents} <= {"VALARM"}
    assert vText(read["SUMMARY"]) == clean_text(title)
    assert str(read["UID"]) == str(slot.id)


@settings(deadline=None)
@given(schedules(), st.data())
def test_a_series_keeps_its_instances_but_for_the_cancelled(schedule: Schedule, data: st.DataObject) -> None:
    instances = found(schedule, most=40)
    cancelled = data.draw(st.lists(st.sampled_from(instances), max_size=3)) if instances else []
    slot = Slot(
        user_id=UUID(int=1),
        id=UUID(int=2),
        calendar_id="primary",
        content=SlotContent("Series", schedule),
        source="google",
        created_at=NOW,
        updated_at=NOW,
    )
    written = event(Described(slot, cancelled=cancelled), owner_email="ada@example.com").decode()
    lines = written.replace("\r\n ", "").split("\r\n")
    names = ("RRULE", "RDATE", "EXDATE")
    again = Schedule(schedule.span, tuple(line for line in lines if line.startswith(names)))
    # Each stands in the form of DTSTART, or in UTC where the wall clock shows it twice.
    zone = schedule.span.timezone if isinstance(schedule.span, Timed) else None
    for line in again.recurrence[1:]:
        assert zone is not None or ";VALUE=DATE:" in line
        assert zone is None or line.endswith("Z") or f";TZID={zone}:" in line or line.startswith("RRULE")
    left = [each for each in instances if each not in cancelled]
    most = len(instances)
    assert [instance_key(each) for each in found(again, most=most)][: len(left)] == [
        instance_key(each) for each in left
    ]
