"""This and following, all, and one left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from services.core.errors import InvalidSlotError
from services.core.recurrence import (
    Weekdays,
    continued_from,
    shifted,
    truncated_before,
    without,
)
from services.core.slots import AllDay, Schedule, Timed
from tests.unit.recurrence.series import all_day, at, dates, span, starts, timed, walls

DAILY = timed("2026-03-27T10:00", "RRULE:FREQ=DAILY")
CUT = at("2026-03-30T10:00")


def recurrence(schedule: Schedule | None) -> tuple[str, ...]:
    assert schedule is not None
    return schedule.recurrence


def test_a_head_ends_a_second_before_the_cut_in_utc() -> None:
    head = truncated_before(DAILY, CUT)
    assert recurrence(head) == ("RRULE:FREQ=DAILY;UNTIL=20260330T075959Z",)
    assert walls(head) == ["2026-03-27 10:00", "2026-03-28 10:00", "2026-03-29 10:00"]
    assert head is not None
    assert head.span == DAILY.span


def test_a_head_of_dates_ends_the_day_before() -> None:
    head = truncated_before(all_day("2026-03-27", "RRULE:FREQ=DAILY"), date(2026, 3, 30))
    assert recurrence(head) == ("RRULE:FREQ=DAILY;UNTIL=20260329",)


def test_a_head_ends_before_a_cut_that_the_clock_jumps_over_however_until_is_read() -> None:
    series = timed("2026-03-27T02:30", "RRULE:FREQ=DAILY")
    head = truncated_before(series, datetime(2026, 3, 29, 1, 30, tzinfo=UTC))
    assert recurrence(head) == ("RRULE:FREQ=DAILY;UNTIL=20260329T002959Z",)
    assert walls(head) == ["2026-03-27 02:30", "2026-03-28 02:30"]


def test_the_until_of_a_head_replaces_count_and_a_later_until() -> None:
    counted = timed("2026-03-27T10:00", "RRULE:FREQ=DAILY;COUNT=9;INTERVAL=1")
    assert recurrence(truncated_before(counted, CUT)) == (
        "RRULE:FREQ=DAILY;INTERVAL=1;UNTIL=20260330T075959Z",
    )
    ending = timed("2026-03-27T10:00", "RRULE:FREQ=DAILY;UNTIL=20270101T000000Z;INTERVAL=1")
    assert recurrence(truncated_before(ending, CUT)) == (
        "RRULE:FREQ=DAILY;UNTIL=20260330T075959Z;INTERVAL=1",
    )


@pytest.mark.parametrize("end", ["COUNT=2", "UNTIL=20260328"])
def test_a_rule_that_ended_before_the_cut_stays_in_the_head_only(end: str) -> None:
    series = timed("2026-03-27T10:00", f"RRULE:FREQ=DAILY;{end}", "RDATE:20260401T080000Z,20260402T080000Z")
    cut = at("2026-04-01T10:00")
    assert recurrence(truncated_before(series, cut)) == (f"RRULE:FREQ=DAILY;{end}",)
    assert recurrence(continued_from(series, cut, span("2026-04-01T10:00"))) == (
        "RDATE:20260401T080000Z,20260402T080000Z",
    )


def test_extra_and_excluded_dates_go_with_their_side() -> None:
    series = timed(
        "2026-03-27T10:00",
        "RRULE:FREQ=DAILY",
        "EXDATE;TZID=Europe/Berlin:20260328T100000,20260401T100000",
        "RDATE:20260328T150000Z",
        "RDATE:20260402T150000Z",
        "EXDATE;VALUE=DATE:20260329,20260330,20260405",
    )
    assert recurrence(truncated_before(series, CUT)) == (
        "RRULE:FREQ=DAILY;UNTIL=20260330T075959Z",
        "EXDATE;TZID=Europe/Berlin:20260328T100000",
        "RDATE:20260328T150000Z",
        "EXDATE;VALUE=DATE:20260329",
    )
    assert recurrence(continued_from(series, CUT, span("2026-03-30T10:00"))) == (
        "RRULE:FREQ=DAILY",
        "EXDATE;TZID=Europe/Berlin:20260401T100000",
        "RDATE:20260402T150000Z",
        "EXDATE;VALUE=DATE:20260330,20260405",
    )


def test_nothing_before_the_first_occurrence() -> None:
    assert truncated_before(DAILY, at("2026-03-27T10:00")) is None
    assert truncated_before(DAILY, at("2020-01-01T10:00")) is None
    assert truncated_before(without(DAILY, at("2026-03-27T10:00")), at("2026-03-28T10:00")) is None


def test_a_head_of_one_extra_date_stays_a_series() -> None:
    extra = timed("2026-03-27T10:00", "RDATE:20260328T150000Z")
    assert recurrence(truncated_before(extra, at("2026-03-28T16:00"))) == ("RDATE:20260327T090000Z",)
    days = all_day("2026-03-27", "RDATE;VALUE=DATE:20260328")
    assert recurrence(truncated_before(days, date(2026, 3, 28))) == ("RDATE;VALUE=DATE:20260327",)


def test_a_tail_without_anything_more_is_a_single_slot() -> None:
    series = timed("2026-03-27T10:00", "RDATE:20260328T150000Z", "EXDATE:20260101T100000Z,20270101T100000Z")
    assert recurrence(continued_from(series, at("2026-03-29T10:00"), span("2026-03-29T10:00"))) == ()


def test_the_tail_counts_on() -> None:
    counted = timed("2026-03-27T10:00", "RRULE:FREQ=DAILY;COUNT=5")
    tail = continued_from(counted, CUT, span("2026-03-30T10:00"))
    assert tail.recurrence == ("RRULE:FREQ=DAILY;COUNT=2",)
    assert walls(tail) == ["2026-03-30 10:00", "2026-03-31 10:00"]


def test_excluded_occurrences_are_counted_by_the_head() -> None:
    counted = without(timed("2026-03-27T10:00", "RRULE:FREQ=DAILY;COUNT=5"), at("2026-03-28T10:00"))
    tail = continued_from(counted, CUT, span("2026-03-30T10:00"))
    assert walls(truncated_before(counted, CUT)) + walls(tail) == walls(counted)


def test_a_start_that_the_rule_does_not_have_is_not_counted() -> None:
    counted = timed("2026-03-27T10:00", "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3")
    tail = continued_from(counted, CUT, span("2026-03-30T10:00"))
    assert tail.recurrence == ("RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3",)
    assert walls(truncated_before(counted, CUT)) == ["2026-03-27 10:00"]


def test_a_tail_at_another_time_takes_what_it_has_along() -> None:
    series = timed(
        "2026-03-27T10:00",
        "RRULE:FREQ=DAILY;UNTIL=20260403T080000Z",
        "EXDATE;TZID=Europe/Berlin:20260401T100000",
        "EXDATE;VALUE=DATE:20260402",
        "RDATE:20260405T080000Z",
    )
    tail = continued_from(series, CUT, span("2026-03-30T15:00", hours=2))
    assert walls(tail) == ["2026-03-30 15:00", "2026-03-31 15:00", "2026-04-03 15:00", "2026-04-05 15:00"]
    assert tail.span == span("2026-03-30T15:00", hours=2)


def test_a_tail_on_another_day_keeps_the_rule_unless_asked() -> None:
    series = timed("2026-03-02T10:00", "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=6")
    cut, moved_to = at("2026-03-09T10:00"), span("2026-03-10T10:00")
    kept = continued_from(series, cut, moved_to)
    assert kept.recurrence == ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4",)
    assert walls(kept)[:3] == ["2026-03-10 10:00", "2026-03-11 10:00", "2026-03-16 10:00"]
    following = continued_from(series, cut, moved_to, weekdays=Weekdays.FOLLOW)
    assert following.recurrence == ("RRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=4",)
    assert walls(following) == [
        "2026-03-10 10:00",
        "2026-03-12 10:00",
        "2026-03-17 10:00",
        "2026-03-19 10:00",
    ]


def test_weeks_turn_with_their_days_where_it_matters() -> None:
    series = timed("2026-03-01T10:00", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;COUNT=4")
    moved = shifted(series, span("2026-03-02T10:00"), weekdays=Weekdays.FOLLOW)
    assert moved.recurrence == ("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU;COUNT=4;WKST=TU",)
    assert walls(moved) == [
        f"{datetime.fromisoformat(each) + timedelta(days=1):%Y-%m-%d %H:%M}" for each in walls(series)
    ]


def test_only_weekdays_of_weekly_rules_follow() -> None:
    series = timed("2026-03-02T10:00", "RRULE:FREQ=MONTHLY;BYDAY=1MO")
    moved = shifted(series, span("2026-03-03T10:00"), weekdays=Weekdays.FOLLOW)
    assert moved.recurrence == series.recurrence


def test_a_split_at_an_extra_date_keeps_the_days_of_the_rule() -> None:
    series = timed("2026-01-31T10:00", "RRULE:FREQ=MONTHLY;COUNT=4", "RDATE:20260410T150000Z")
    cut = datetime(2026, 4, 10, 15, tzinfo=UTC)
    tail = continued_from(series, cut, Timed(cut, cut + timedelta(hours=1), "Europe/Berlin"))
    assert walls(truncated_before(series, cut)) + walls(tail) == walls(series)
    yearly = timed("2026-01-05T10:00", "RRULE:FREQ=WEEKLY;COUNT=4", "RDATE:20260115T150000Z")
    cut = datetime(2026, 1, 15, 15, tzinfo=UTC)
    tail = continued_from(yearly, cut, Timed(cut, cut + timedelta(hours=1), "Europe/Berlin"))
    assert tail.recurrence[0] == "RRULE:FREQ=WEEKLY;COUNT=2;BYHOUR=10;BYMINUTE=0;BYSECOND=0;BYDAY=MO"
    assert walls(truncated_before(yearly, cut)) + walls(tail) == walls(yearly)


def test_a_split_at_an_extra_date_counts_no_interval_anew() -> None:
    series = timed("2026-03-02T10:00", "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4", "RDATE:20260312T140000Z")
    cut = datetime(2026, 3, 12, 14, tzinfo=UTC)
    tail = continued_from(series, cut, Timed(cut, cut + timedelta(hours=1), "Europe/Berlin"))
    assert walls(truncated_before(series, cut)) == ["2026-03-02 10:00"]
    assert walls(tail) == ["2026-03-12 15:00", "2026-03-16 10:00", "2026-03-30 10:00", "2026-04-13 10:00"]


def test_what_follows_an_extra_date_moves_as_far_as_the_date() -> None:
    series = timed("2026-03-02T23:30", "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3", "RDATE:20260312T090000Z")
    tail = continued_from(series, at("2026-03-12T10:00"), span("2026-03-12T11:00"), weekdays=Weekdays.FOLLOW)
    assert walls(tail) == ["2026-03-12 11:00", "2026-03-17 00:30"]
    assert tail.recurrence[0] == "RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=2"


def test_extra_dates_before_the_start_stay_in_the_head() -> None:
    series = timed("2026-03-27T10:00", "RRULE:FREQ=DAILY;COUNT=2", "RDATE:20260320T080000Z,20260325T140000Z")
    head = truncated_before(series, at("2026-03-27T10:00"))
    assert head == timed("2026-03-20T09:00", "RDATE:20260320T080000Z,20260325T140000Z")
    assert recurrence(truncated_before(series, at("2026-03-25T15:00"))) == ("RDATE:20260320T080000Z",)
    tail = continued_from(series, at("2026-03-25T15:00"), span("2026-03-25T15:00"))
    assert walls(tail) == ["2026-03-25 15:00", "2026-03-27 10:00", "2026-03-28 10:00"]
    days = all_day("2026-03-27", "RRULE:FREQ=DAILY;COUNT=2", "RDATE;VALUE=DATE:20260320", days=2)
    assert truncated_before(days, date(2026, 3, 27)) == all_day(
        "2026-03-20", "RDATE;VALUE=DATE:20260320", days=2
    )


def test_a_split_where_the_clock_jumps_keeps_the_time() -> None:
    series = timed("2026-03-27T02:30", "RRULE:FREQ=DAILY;COUNT=5")
    cut = at("2026-03-29T03:30")
    tail = continued_from(series, cut, span("2026-03-29T03:30"))
    assert walls(tail) == ["2026-03-29 03:30", "2026-03-30 02:30", "2026-03-31 02:30"]


def test_a_split_of_an_all_day_series() -> None:
    series = all_day("2026-01-31", "RRULE:FREQ=MONTHLY;COUNT=4", "RDATE;VALUE=DATE:20260410", days=2)
    for cut in (date(2026, 3, 31), date(2026, 4, 10)):
        tail = continued_from(series, cut, AllDay(cut, cut + timedelta(days=2)))
        assert walls(truncated_before(series, cut)) + walls(tail) == walls(series)


def test_a_series_moves_with_one_of_its_occurrences() -> None:
    series = timed("2026-03-27T10:00", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20260328T090000Z")
    moved = shifted(series, span("2026-03-30T15:30", hours=3), original_start=CUT)
    assert moved.span == span("2026-03-27T15:30", hours=3)
    assert walls(moved) == ["2026-03-27 15:30", "2026-03-29 15:30", "2026-03-30 15:30"]


def test_a_series_moves_with_its_own_span() -> None:
    series = timed("2026-03-27T10:00", "RRULE:FREQ=DAILY;UNTIL=20260330T080000Z", "RDATE:20260405T120000Z")
    moved = shifted(series, span("2026-03-28T09:00"))
    assert moved.recurrence == ("RRULE:FREQ=DAILY;UNTIL=20260331T070000Z", "RDATE:20260406T110000Z")
    assert len(starts(moved)) == len(starts(series))


def test_a_longer_span_moves_nothing() -> None:
    series = timed("2026-03-27T10:00", "rrule:freq=daily;until=20260330", "EXDATE;X-A=b:20260328T090000Z")
    longer = shifted(series, span("2026-03-30T10:00", hours=5), original_start=CUT)
    assert longer.span == span("2026-03-27T10:00", hours=5)
    assert longer.recurrence == ("RRULE:FREQ=DAILY;UNTIL=20260330", "EXDATE;X-A=b:20260328T090000Z")


def test_a_series_moves_to_another_zone() -> None:
    series = timed("2026-03-02T10:00", "RRULE:FREQ=DAILY;UNTIL=20260401T080000Z", "EXDATE:20260330T080000Z")
    moved = shifted(series, span("2026-03-02T10:00", zone="America/New_York"))
    assert walls(moved) == walls(series)
    assert moved.recurrence == ("RRULE:FREQ=DAILY;UNTIL=20260401T140000Z", "EXDATE:20260330T140000Z")


def test_a_timed_series_becomes_all_day() -> None:
    series = timed(
        "2026-03-27T22:00",
        "RRULE:FREQ=DAILY;UNTIL=20260401T100000Z;BYHOUR=22",
        "EXDATE:20260328T210000Z",
        "RDATE:20260410T030000Z",
    )
    moved = shifted(series, dates("2026-03-28"), original_start=at("2026-03-27T22:00"))
    assert moved == all_day(
        "2026-03-28",
        "RRULE:FREQ=DAILY;UNTIL=20260401",
        "EXDATE;VALUE=DATE:20260329",
        "RDATE;VALUE=DATE:20260411",
    )
    assert len(starts(moved)) == len(starts(series))


def test_an_all_day_series_becomes_timed() -> None:
    series = all_day("2026-03-27", "RRULE:FREQ=DAILY;UNTIL=20260331", "EXDATE;VALUE=DATE:20260330")
    moved = shifted(series, span("2026-03-27T10:00"))
    assert moved.recurrence == ("RRULE:FREQ=DAILY;UNTIL=20260331T080000Z", "EXDATE:20260330T080000Z")
    assert walls(moved) == [f"{each} 10:00" for each in walls(series)]


def test_periods_keep_their_length() -> None:
    series = timed(
        "2026-03-27T10:00", "RDATE;VALUE=PERIOD:20260405T080000Z/PT3H,20260406T080000Z/20260406T090000Z"
    )
    moved = shifted(series, span("2026-03-27T11:00"))
    assert moved.recurrence == ("RDATE;VALUE=PERIOD:20260405T090000Z/PT3H,20260406T090000Z/PT3600S",)


def test_one_left_out() -> None:
    series = without(DAILY, CUT)
    assert recurrence(series) == ("RRULE:FREQ=DAILY", "EXDATE:20260330T080000Z")
    assert without(series, CUT) == series
    assert without(DAILY, CUT + timedelta(hours=1)) == DAILY
    days = all_day("2026-03-27", "RRULE:FREQ=DAILY")
    assert recurrence(without(days, date(2026, 3, 30))) == ("RRULE:FREQ=DAILY", "EXDATE;VALUE=DATE:20260330")


def test_names_of_the_other_kind_are_refused() -> None:
    with pytest.raises(InvalidSlotError):
        truncated_before(DAILY, date(2026, 3, 30))
    with pytest.raises(InvalidSlotError):
        continued_from(all_day("2026-03-27", "RRULE:FREQ=DAILY"), CUT, dates("2026-03-27"))
