"""Busy and free time against a count of minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.core.agenda import Entry
from services.core.free_busy import Interval, busy_intervals, free_intervals
from services.core.records import GoogleCopy, Slot
from services.core.recurrence import Occurrence
from services.core.slots import AllDay, Schedule, SlotContent, Timed

# Around the night in which Berlin's clocks go forward.
BEGIN = datetime(2026, 3, 28, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WINDOW = Interval(BEGIN, BEGIN + DAY)
ZONES: dict[str, tzinfo] = {
    "berlin": ZoneInfo("Europe/Berlin"),
    "apia": ZoneInfo("Pacific/Apia"),
    "utc": UTC,
}

minutes = st.integers(-300, 1740)
spans = st.one_of(
    st.builds(
        lambda start, length: Timed(BEGIN + start * MINUTE, BEGIN + (start + length) * MINUTE, "UTC"),
        minutes,
        st.integers(0, 400),
    ),
    st.builds(
        lambda first, days: AllDay(date(2026, 3, first), date(2026, 3, first) + days * DAY),
        st.integers(25, 31),
        st.integers(1, 3),
    ),
)
facts = st.sampled_from(
    [
        {},
        {"event_type": "outOfOffice"},
        {"event_type": "workingLocation"},
        {"attendees": [{"email": "a@b.c", "self": True, "response_status": "declined"}]},
        {"attendees": [{"email": "a@b.c", "self": True, "response_status": "needsAction"}]},
        {"attendees": [{"email": "a@b.c", "response_status": "declined"}, {"self": True}]},
    ]
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    span = draw(spans)
    slot = Slot(
        user_id=UUID(int=1),
        id=UUID(int=2),
        calendar_id=draw(st.sampled_from(sorted(ZONES))),
        content=SlotContent(
            "x", Schedule(span), transparency=draw(st.sampled_from(["opaque", "opaque", "transparent"]))
        ),
        source="google",
        created_at=BEGIN,
        updated_at=BEGIN,
        deleted_at=draw(st.sampled_from([None, None, BEGIN])),
        google=draw(st.none() | st.builds(lambda known: GoogleCopy("e", "", None, facts=known), facts)),
    )
    return Entry(slot, draw(st.sampled_from([None, Occurrence(BEGIN, span)])))


def occupies(entry: Entry, minute: datetime) -> bool:
    """The same question asked of one minute, in words of its own."""
    slot = entry.slot
    known = slot.google.facts if slot.google else {}
    declined = any(
        guest.get("self", False) and guest.get("response_status") == "declined"
        for guest in known.get("attendees", [])
    )
    idle = (
        slot.deleted_at is not None
        or slot.content.transparency == "transparent"
        or known.get("event_type") == "workingLocation"
        or declined
    )
    span = slot.content.schedule.span
    if isinstance(span, Timed):
        return not idle and span.start <= minute < span.end
    return not idle and span.start <= minute.astimezone(ZONES[slot.calendar_id]).date() < span.end


@given(st.lists(entries(), max_size=8))
def test_busy_and_free_time_are_what_a_count_of_minutes_gives(taking_place: list[Entry]) -> None:
    busy = busy_intervals(taking_place, WINDOW, ZONES.__getitem__)
    free = free_intervals(busy, WINDOW, MINUTE)
    for number in range(1440):
        minute = BEGIN + number * MINUTE
        expected = any(occupies(entry, minute) for entry in taking_place)
        assert any(each.start <= minute < each.end for each in busy) is expected
        assert any(each.start <= minute < each.end for each in free) is not expected


@given(st.lists(entries(), max_size=8), st.integers(1, 600))
def test_intervals_are_in_order_apart_and_within_the_window(taking_place: list[Entry], length: int) -> None:
    busy = busy_intervals(taking_place, WINDOW, ZONES.__getitem__)
    for found in (busy, free_intervals(busy, WINDOW, MINUTE)):
        assert all(WINDOW.start <= each.start < each.end <= WINDOW.end for each in found)
        assert all(one.end < other.start for one, other in pairwise(found))
    long_enough = free_intervals(busy, WINDOW, length * MINUTE)
    every = free_intervals(busy, WINDOW, MINUTE)
    assert long_enough == [each for each in every if each.end - each.start >= length * MINUTE]
