"""Which lines are taken, and what is said of those that are not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.core.errors import InvalidSlotError
from services.core.recurrence import MAX_COUNT, InvalidRecurrenceError, parse_recurrence
from services.core.slots import Timed
from tests.unit.recurrence.series import all_day, at, dates, span, timed, walls

SPAN = span("2026-03-02T10:00")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("FREQ=DAILY", "NAME:value"),
        ("", "NAME:value"),
        ("RRULE", "NAME:value"),
        ("RRULE:FREQ=DAILY\r\nEXDATE:20260302T080000Z", "NAME:value"),
        ("RRULE;X=a\nb:FREQ=DAILY", "NAME:value"),
        ("DTSTART:20260302T080000Z", "RRULE, EXRULE, RDATE or EXDATE"),
        ("RRULE:", "FREQ"),
        ("RRULE:COUNT=3", "FREQ"),
        ("RRULE:FREQ=FORTNIGHTLY", "FREQ"),
        ("RRULE:FREQ=SECONDLY;COUNT=3", "daily at most"),
        ("RRULE:FREQ=MINUTELY;COUNT=3", "daily at most"),
        ("RRULE:FREQ=HOURLY", "daily at most"),
        ("RRULE:FREQ=DAILY;FREQ=DAILY", "FREQ is given twice"),
        ("RRULE:FREQ=DAILY;COUNT=3;UNTIL=20260310", "exclude each other"),
        ("RRULE:FREQ=DAILY;COUNT=0", "COUNT"),
        ("RRULE:FREQ=DAILY;COUNT=-1", "COUNT"),
        ("RRULE:FREQ=DAILY;COUNT=three", "COUNT"),
        (f"RRULE:FREQ=DAILY;COUNT={MAX_COUNT + 1}", "COUNT"),
        ("RRULE:FREQ=DAILY;COUNT=" + "9" * 5000, "COUNT"),
        ("RRULE:FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("RRULE:FREQ=DAILY;INTERVAL=1.5", "INTERVAL"),
        ("RRULE:FREQ=DAILY;UNTIL=tomorrow", "UNTIL"),
        ("RRULE:FREQ=DAILY;UNTIL=2026-03-10", "UNTIL"),
        ("RRULE:FREQ=DAILY;UNTIL=20260230", "UNTIL"),
        ("RRULE:FREQ=DAILY;UNTIL=20260310T250000Z", "UNTIL"),
        ("RRULE:FREQ=DAILY;UNTIL=", "UNTIL"),
        ("RRULE:FREQ=WEEKLY;WKST=XX", "WKST"),
        ("RRULE:FREQ=WEEKLY;BYDAY=", "BYDAY"),
        ("RRULE:FREQ=WEEKLY;BYDAY=MONDAY", "BYDAY"),
        ("RRULE:FREQ=MONTHLY;BYDAY=0MO", "BYDAY"),
        ("RRULE:FREQ=YEARLY;BYDAY=54MO", "BYDAY"),
        ("RRULE:FREQ=WEEKLY;BYDAY=1MO", "BYDAY with a number"),
        ("RRULE:FREQ=DAILY;BYDAY=1MO", "BYDAY with a number"),
        ("RRULE:FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "BYWEEKNO"),
        ("RRULE:FREQ=MONTHLY;BYWEEKNO=20", "BYWEEKNO"),
        ("RRULE:FREQ=MONTHLY;BYYEARDAY=20", "BYYEARDAY"),
        ("RRULE:FREQ=WEEKLY;BYMONTHDAY=20", "BYMONTHDAY"),
        ("RRULE:FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
        ("RRULE:FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"),
        ("RRULE:FREQ=YEARLY;BYMONTH=-1", "BYMONTH"),
        ("RRULE:FREQ=YEARLY;BYMONTH=1,,2", "BYMONTH"),
        ("RRULE:FREQ=DAILY;BYHOUR=24", "BYHOUR"),
        ("RRULE:FREQ=DAILY;BYMINUTE=60", "BYMINUTE"),
        ("RRULE:FREQ=DAILY;BYSECOND=61", "BYSECOND"),
        ("RRULE:FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS"),
        ("RRULE:FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "BYSETPOS"),
        ("RRULE:FREQ=YEARLY;BYEASTER=1", "BYEASTER"),
        ("RRULE:RSCALE=CHINESE;FREQ=YEARLY", "RSCALE"),
        ("EXDATE:", "neither a date nor a date-time"),
        ("EXDATE:20260302T080000Z,", "neither a date nor a date-time"),
        ("EXDATE:2026-03-02", "neither a date nor a date-time"),
        ("RDATE:20260302T0800Z", "neither a date nor a date-time"),
        ("EXDATE;TZID=Europe/Atlantis:20260302T080000", "TZID"),
        ("EXDATE;TZID=W. Europe Standard Time:20260302T080000", "TZID"),
        ("EXDATE;TZID=../../etc/passwd:20260302T080000", "TZID"),
    ],
)
def test_invalid_lines_are_named(line: str, told: str) -> None:
    with pytest.raises(InvalidRecurrenceError) as refusal:
        parse_recurrence(["RRULE:FREQ=DAILY", line], SPAN)
    assert refusal.value.line == 1
    assert refusal.value.pointer == "/recurrence/1"
    assert told in refusal.value.detail
    assert isinstance(refusal.value, InvalidSlotError)


def test_a_span_in_an_unknown_zone_is_refused() -> None:
    with pytest.raises(InvalidSlotError):
        parse_recurrence(
            [], Timed(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC), "Nowhere")
        )


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=DAILY;COUNT=2",
        "rrule:freq=daily;count=2",
        " RRULE:COUNT=2;FREQ=DAILY; ",
        "RRULE;X-FROM=somewhere:FREQ=DAILY;COUNT=02",
        'RRULE;X-FROM="a;b:c":FREQ=DAILY;COUNT=2',
        "RRULE:FREQ=DAILY;UNTIL=20260303",
        "RRULE:FREQ=DAILY;UNTIL=20260303T100000",
        "RRULE:FREQ=DAILY;UNTIL=20260303T090000Z",
        "RDATE:20260303T090000Z",
        "RDATE:20260303T100000",
        "RDATE;TZID=Europe/Berlin:20260303T100000",
        'RDATE;TZID="America/New_York":20260303T040000',
        "RDATE;TZID=/America/New_York:20260303T040000",
        "RDATE;VALUE=DATE-TIME:20260303T090000Z",
        "RDATE;VALUE=PERIOD:20260303T090000Z/20260303T120000Z",
        "RDATE;VALUE=PERIOD:20260303T090000Z/PT2H",
        "RDATE;VALUE=DATE:20260303",
    ],
)
def test_every_form_of_a_line_is_read(line: str) -> None:
    assert walls(timed("2026-03-02T10:00", line)) == ["2026-03-02 10:00", "2026-03-03 10:00"]


@pytest.mark.parametrize(
    "line",
    [
        "EXDATE:20260303T090000Z",
        "EXDATE:20260303T100000",
        "EXDATE;TZID=Europe/Berlin:20260303T100000",
        "EXDATE;TZID=Asia/Tokyo:20260303T180000",
        "EXDATE;VALUE=DATE:20260303",
        "EXDATE:20260303",
        "EXDATE:20260310T090000Z,20260303T090000Z",
        "EXRULE:FREQ=DAILY;BYMONTHDAY=3",
        "exdate;tzid=Europe/Berlin:20260303t100000",
    ],
)
def test_every_form_of_an_exclusion_is_read(line: str) -> None:
    expected = ["2026-03-02 10:00", "2026-03-04 10:00"]
    assert walls(timed("2026-03-02T10:00", "RRULE:FREQ=DAILY;COUNT=3", line)) == expected


def test_an_excluded_date_is_a_day_in_the_zone_of_the_series() -> None:
    late = timed(
        "2026-03-02T20:00", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260303", zone="America/Los_Angeles"
    )
    assert walls(late) == ["2026-03-02 20:00", "2026-03-04 20:00"]


def test_until_as_a_date_is_a_day_in_the_zone_of_the_series() -> None:
    late = timed("2026-03-02T20:00", "RRULE:FREQ=DAILY;UNTIL=20260303", zone="America/Los_Angeles")
    assert walls(late) == ["2026-03-02 20:00", "2026-03-03 20:00"]


@pytest.mark.parametrize("until", ["20260304", "20260304T000000Z", "20260304T235959Z", "20260304T120000"])
def test_of_until_of_all_day_series_only_the_date_counts(until: str) -> None:
    series = all_day("2026-03-02", f"RRULE:FREQ=DAILY;UNTIL={until};BYHOUR=9")
    assert walls(series) == ["2026-03-02", "2026-03-03", "2026-03-04"]


def test_of_dates_of_all_day_series_only_the_dates_count() -> None:
    series = all_day(
        "2026-03-02",
        "RRULE:FREQ=DAILY;COUNT=3",
        "EXDATE:20260303T000000Z",
        "RDATE;TZID=Asia/Tokyo:20260310T090000",
    )
    assert walls(series) == ["2026-03-02", "2026-03-04", "2026-03-10"]


def test_a_leap_second_is_the_second_before() -> None:
    rules = parse_recurrence(["RRULE:FREQ=DAILY;BYSECOND=60;UNTIL=20260303T090060Z"], SPAN)
    assert rules.rules[0].by["BYSECOND"] == (59,)
    assert rules.rules[0].until == at("2026-03-03T10:00:59")


def test_dates_at_the_ends_of_the_calendar_are_read() -> None:
    assert parse_recurrence(["RRULE:FREQ=DAILY;UNTIL=99991231"], SPAN).rules[0].until is not None
    assert parse_recurrence(["RRULE:FREQ=DAILY;UNTIL=00010101T000000Z"], SPAN).rules[0].until is not None
    assert parse_recurrence(["EXDATE:00010101T000000Z,99991231T235959Z"], SPAN).excluded
    assert parse_recurrence(["EXDATE:00010101,99991231"], dates("2026-03-02")).excluded
