"""Windows, names and ends of series; and that an old series costs no more than a young one."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.core.recurrence import has_occurrence, last_occurrence_end, occurrences
from services.core.slots import AllDay, Schedule, Timed
from tests.unit.recurrence.series import BERLIN, all_day, at, dates, span, timed, walls

if TYPE_CHECKING:
    from collections.abc import Callable


def window(schedule: Schedule, ends_after: datetime, starts_before: datetime) -> list[Any]:
    found = occurrences(schedule, ends_after=ends_after, starts_before=starts_before)
    return [each.original_start for each in found]


def test_a_single_slot_is_its_only_occurrence() -> None:
    single = timed("2026-03-02T10:00")
    found = list(occurrences(single, ends_after=at("2026-03-01"), starts_before=at("2026-03-03")))
    assert [each.span for each in found] == [single.span]


def test_windows_are_open_at_both_ends() -> None:
    series = timed("2026-03-02T10:00", "RRULE:FREQ=DAILY", hours=2)
    noon = at("2026-03-04T12:00")
    assert window(series, noon, at("2026-03-05T10:00")) == []
    assert window(series, noon - timedelta(seconds=1), at("2026-03-05T10:00:01")) == [
        at("2026-03-04T10:00"),
        at("2026-03-05T10:00"),
    ]


def test_an_occurrence_without_length_is_in_the_window_that_it_opens() -> None:
    series = timed("2026-03-02T10:00", "RRULE:FREQ=DAILY", hours=0)
    ten = at("2026-03-04T10:00")
    assert window(series, ten, ten + timedelta(hours=1)) == [ten]
    assert window(series, ten - timedelta(hours=1), ten) == []


def test_long_occurrences_reach_into_the_window() -> None:
    series = timed("2026-03-02T10:00", "RRULE:FREQ=WEEKLY", hours=24 * 10)
    assert window(series, at("2026-03-18"), at("2026-03-19")) == [
        at("2026-03-09T10:00"),
        at("2026-03-16T10:00"),
    ]


def test_occurrences_last_as_long_as_the_first_over_a_change_of_the_clock() -> None:
    series = timed("2026-03-27T22:00", "RRULE:FREQ=DAILY;COUNT=3", hours=8)
    found = list(occurrences(series, ends_after=at("2026-03-27"), starts_before=at("2026-04-01")))
    lengths = {each.span.end - each.span.start for each in found if isinstance(each.span, Timed)}
    assert lengths == {timedelta(hours=8)}


def test_all_day_occurrences_are_dates() -> None:
    series = all_day("2026-03-27", "RRULE:FREQ=WEEKLY;COUNT=2", days=3)
    found = list(
        occurrences(
            series,
            ends_after=datetime(2026, 4, 3, tzinfo=UTC),
            starts_before=datetime(2026, 5, 1, tzinfo=UTC),
        )
    )
    assert [(each.original_start, each.span) for each in found] == [
        (date(2026, 4, 3), AllDay(date(2026, 4, 3), date(2026, 4, 6)))
    ]


def test_the_second_of_two_equal_times_stays_the_second() -> None:
    start = at("2026-10-25T02:30") + timedelta(hours=1)
    series = Schedule(Timed(start, start, BERLIN), ("RRULE:FREQ=DAILY;COUNT=3",))
    assert window(series, start, start + timedelta(days=9)) == [
        start,
        at("2026-10-26T02:30"),
        at("2026-10-27T02:30"),
    ]


def test_order_holds_where_the_clock_jumps() -> None:
    series = timed("2026-03-28T02:30", "RRULE:FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30;COUNT=10")
    found = window(series, at("2026-03-28"), at("2026-04-02"))
    assert found == sorted(set(found))


def test_several_rules_are_united_and_exrules_taken_away() -> None:
    series = timed(
        "2026-03-02T10:00",
        "RRULE:FREQ=WEEKLY;COUNT=3",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20260316T000000Z",
        "EXRULE:FREQ=MONTHLY;BYMONTHDAY=9",
    )
    assert walls(series) == ["2026-03-02 10:00", "2026-03-05 10:00", "2026-03-12 10:00", "2026-03-16 10:00"]


@pytest.mark.parametrize("number", [1, 2, 51, 52, 53])
def test_weeks_are_those_of_iso_8601(number: int) -> None:
    every_day = "BYDAY=MO,TU,WE,TH,FR,SA,SU"
    series = all_day("1999-12-31", f"RRULE:FREQ=YEARLY;BYWEEKNO={number};{every_day}")
    begin, end = datetime(2000, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC)
    days = (begin.date() + timedelta(days=each) for each in range((end - begin).days))
    assert window(series, begin, end) == [day for day in days if day.isocalendar().week == number]


@pytest.mark.parametrize("number", [1, 2, 51, 52, 53])
def test_weeks_counted_from_the_end_are_those_of_iso_8601(number: int) -> None:
    every_day = "BYDAY=MO,TU,WE,TH,FR,SA,SU"
    series = all_day("1999-12-31", f"RRULE:FREQ=YEARLY;BYWEEKNO=-{number};{every_day}")
    begin, end = datetime(2000, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC)
    days = (begin.date() + timedelta(days=each) for each in range((end - begin).days))
    # 28 December is always in the last week of its year.
    weeks_left = {
        day: date(day.isocalendar().year, 12, 28).isocalendar().week - day.isocalendar().week for day in days
    }
    assert window(series, begin, end) == [day for day, left in weeks_left.items() if left + 1 == number]


def test_names_of_the_other_kind_are_unknown() -> None:
    assert not has_occurrence(timed("2026-03-02T10:00", "RRULE:FREQ=DAILY"), date(2026, 3, 2))
    assert not has_occurrence(all_day("2026-03-02", "RRULE:FREQ=DAILY"), datetime(2026, 3, 2, tzinfo=UTC))


def test_names_are_known_in_every_zone() -> None:
    series = timed("2026-03-02T10:00", "RRULE:FREQ=DAILY", "EXDATE:20260304T090000Z")
    nine = datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert has_occurrence(series, nine)
    assert not has_occurrence(series, nine + timedelta(days=1))
    assert not has_occurrence(series, nine + timedelta(minutes=1))
    assert not has_occurrence(series, nine - timedelta(days=2))


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        ((), "2026-03-02T11:00"),
        (("RRULE:FREQ=DAILY;COUNT=3",), "2026-03-04T11:00"),
        (("RRULE:FREQ=DAILY;COUNT=3", "RDATE:20270101T120000Z"), "2027-01-01T14:00"),
        (("RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260304"), "2026-03-03T11:00"),
        (("RRULE:FREQ=YEARLY;INTERVAL=7;UNTIL=20500101T000000Z",), "2047-03-02T11:00"),
        (("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;UNTIL=21040101T000000Z",), "2096-02-29T11:00"),
        (("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;UNTIL=21040101T000000Z",), "2026-03-02T11:00"),
        (("RRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",), "2026-03-02T11:00"),
        (("RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20260302,20260303"), "2026-03-02T11:00"),
    ],
)
def test_ends(lines: tuple[str, ...], end: str) -> None:
    expected = at(end)
    if "RDATE:20270101T120000Z" in lines:
        expected = datetime(2027, 1, 1, 13, tzinfo=UTC)
    assert last_occurrence_end(timed("2026-03-02T10:00", *lines)) == expected


@pytest.mark.parametrize("rule", ["RRULE:FREQ=DAILY", "RRULE:FREQ=YEARLY;INTERVAL=3;BYMONTH=2;BYMONTHDAY=29"])
def test_endless_series_have_no_end(rule: str) -> None:
    assert last_occurrence_end(timed("2026-03-02T10:00", rule)) is None
    assert last_occurrence_end(timed("2026-03-02T10:00", "RRULE:FREQ=DAILY;COUNT=2", rule)) is None


def test_all_day_series_end_at_midnight_utc() -> None:
    assert last_occurrence_end(all_day("2026-03-02", "RRULE:FREQ=DAILY;COUNT=3", days=2)) == datetime(
        2026, 3, 6, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "series",
    [
        timed("0001-01-05T10:00", "RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=TU"),
        timed("9999-12-20T10:00", "RRULE:FREQ=DAILY"),
        all_day("0001-01-01", "RRULE:FREQ=WEEKLY"),
        all_day("9999-12-01", "RRULE:FREQ=YEARLY;BYWEEKNO=-1;BYDAY=FR"),
        timed("2026-03-02T10:00", "RRULE:FREQ=DAILY;INTERVAL=999999999"),
        timed("2026-03-02T10:00", "RRULE:FREQ=WEEKLY;INTERVAL=999999999"),
        timed("2026-03-02T10:00", "RRULE:FREQ=YEARLY;INTERVAL=999999999"),
    ],
    ids=str,
)
def test_the_ends_of_the_calendar_are_survived(series: Schedule) -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    year = timedelta(days=365)
    for found in (window(series, first, first + year), window(series, last - year, last)):
        assert found == sorted(set(found))
    assert last_occurrence_end(series) is None


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-30"])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Honolulu"])
def test_single_slots_at_the_ends_of_the_calendar_occur(day: str, zone: str) -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    for single in (Schedule(Timed(start, start + timedelta(hours=1), zone)), all_day(day)):
        assert len(window(single, first, last)) == 1
        assert has_occurrence(single, single.span.start)
        assert last_occurrence_end(single) == single.sort_end


def calls(work: Callable[[], object]) -> int:
    """How many functions a piece of work calls: a measure of time that is the same on every machine."""
    counted = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=DAILY",
        "RRULE:FREQ=DAILY;INTERVAL=3;UNTIL=20991231T000000Z",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;WKST=SU",
        "RRULE:FREQ=MONTHLY;BYDAY=-1FR",
        "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "RRULE:FREQ=YEARLY",
        "RRULE:FREQ=YEARLY;BYWEEKNO=13;BYDAY=MO",
    ],
)
def test_an_old_series_costs_what_its_window_costs(rule: str) -> None:
    def cost(start: str) -> int:
        series = timed(start, rule)
        return calls(lambda: window(series, at("2026-03-20"), at("2026-04-20")))

    cost("2026-03-02T10:00")  # What is cached is cached before counting.
    assert cost("1990-01-01T10:00") <= cost("2026-03-02T10:00") * 1.3 + 50


def test_the_end_of_a_long_series_is_not_looked_for_from_its_start() -> None:
    series = timed("1990-01-01T10:00", "RRULE:FREQ=DAILY;UNTIL=20991231T000000Z")
    assert calls(lambda: last_occurrence_end(series)) < 5_000


def test_a_rule_that_never_occurs_is_given_up() -> None:
    series = timed("0001-01-05T10:00", "RRULE:FREQ=DAILY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=30;COUNT=3")
    assert calls(lambda: last_occurrence_end(series)) < 1_000_000


def test_spans_of_dates_and_times_are_kept() -> None:
    assert dates("2026-03-02", days=2) == AllDay(date(2026, 3, 2), date(2026, 3, 4))
    assert span("2026-03-02T10:00").start == datetime(2026, 3, 2, 9, tzinfo=UTC)
