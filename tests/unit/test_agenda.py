"""What takes place in a window: singles, series and their exceptions in one order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.core.agenda import Entry, Window, agenda, replaced_by
from services.core.records import GoogleCopy, SeriesLink, Slot
from services.core.slots import AllDay, Schedule, SlotContent, Timed

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
END = MONDAY + 4 * WEEK - DAY
FOUR_WEEKS = Window(MONDAY - DAY, END, MONDAY - DAY, END)


def a_slot(number: int, title: str, start: datetime, *recurrence: str) -> Slot:
    return Slot(
        user_id=UUID(int=1),
        id=UUID(int=number),
        calendar_id="primary",
        content=SlotContent(title, Schedule(Timed(start, start + HOUR, "Europe/Berlin"), recurrence)),
        source="google",
        created_at=MONDAY,
        updated_at=MONDAY,
        google=GoogleCopy(f"event{number}", '"1"', MONDAY),
    )


def an_exception(number: int, title: str, start: datetime, *, of: Slot, original: datetime) -> Slot:
    return replace(a_slot(number, title, start), series=SeriesLink(original, of.id))


LECTURE = a_slot(2, "Lecture", MONDAY, "RRULE:FREQ=WEEKLY")
MOVED = an_exception(3, "Lecture, moved", MONDAY + WEEK + DAY, of=LECTURE, original=MONDAY + WEEK)
CANCELLED = replace(
    an_exception(4, "", MONDAY + 2 * WEEK, of=LECTURE, original=MONDAY + 2 * WEEK),
    deleted_at=MONDAY,
)
DENTIST = a_slot(5, "Dentist", MONDAY + WEEK)


def titles(entries: list[Entry]) -> list[tuple[str, datetime]]:
    return [(entry.slot.content.title, entry.position[0]) for entry in entries]


def test_instances_exceptions_and_singles_come_in_one_order():
    entries = list(agenda([DENTIST, MOVED], [LECTURE], replaced_by([MOVED, CANCELLED]), FOUR_WEEKS))
    assert titles(entries) == [
        ("Lecture", MONDAY),
        ("Dentist", MONDAY + WEEK),
        ("Lecture, moved", MONDAY + WEEK + DAY),
        ("Lecture", MONDAY + 3 * WEEK),
    ]


def test_an_instance_is_named_by_its_series_and_original_start():
    [first, *_] = agenda([], [LECTURE], {}, FOUR_WEEKS)
    assert first.id == f"{LECTURE.id}_20260302T080000Z"


def test_an_exception_of_another_series_takes_no_place():
    other = an_exception(6, "Other", MONDAY + DAY, of=DENTIST, original=MONDAY)
    assert titles(list(agenda([], [LECTURE], replaced_by([other]), FOUR_WEEKS)))[0] == ("Lecture", MONDAY)


def test_pages_put_together_are_the_whole():
    def page(after):
        return agenda([DENTIST, MOVED], [LECTURE], replaced_by([MOVED, CANCELLED]), FOUR_WEEKS, after=after)

    whole = list(page(None))
    paged, after = [], None
    while (entry := next(page(after), None)) is not None:
        paged.append(entry)
        after = entry.position
    assert paged == whole


def test_all_day_series_are_compared_by_dates():
    day = MONDAY.date()
    span = AllDay(day, day + DAY)
    content = SlotContent("Holiday", Schedule(span, ("RRULE:FREQ=DAILY;COUNT=3",)))
    holiday = replace(LECTURE, content=content)
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    window = Window(midnight, midnight + 9 * DAY, midnight, midnight + DAY)
    assert titles(list(agenda([], [holiday], {}, window))) == [("Holiday", midnight)]


def test_a_rule_that_cannot_be_read_hides_nothing():
    odd = a_slot(7, "Odd", MONDAY, "RRULE:FREQ=NEVER")
    assert titles(list(agenda([], [odd], {}, FOUR_WEEKS))) == [("Odd", MONDAY)]
