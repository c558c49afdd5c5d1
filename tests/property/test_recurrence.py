"""Laws of series, and the rule engine held against python-dateutil."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.core.recurrence import (
    Weekdays,
    continued_from,
    has_occurrence,
    instance_key,
    last_occurrence_end,
    normalise_recurrence,
    occurrences,
    parse_instance_key,
    same_original_start,
    shifted,
    truncated_before,
    without,
)
from services.core.slots import AllDay, Schedule, Timed
from tests.unit.recurrence.strategies import (
    BEGINNING,
    HORIZON,
    ZONES,
    clocks,
    days,
    found,
    instant,
    movable,
    rule_parts,
    schedules,
)

unhurried = settings(deadline=None)


@unhurried
@given(rule_parts(), days, clocks)
def test_rules_fall_where_dateutil_places_them(parts: list[str], day: date, clock: timedelta) -> None:
    text = ";".join(parts)
    # dateutil cuts the first week at DTSTART before it counts positions; RFC 5545 counts in whole weeks.
    assume(not ("FREQ=WEEKLY" in text and "BYSETPOS" in text))
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) + clock
    horizon = start + timedelta(days=1500)
    theirs = {
        each.replace(tzinfo=UTC)
        for each in rrulestr(text, dtstart=start.replace(tzinfo=None)).between(
            start.replace(tzinfo=None), horizon.replace(tzinfo=None), inc=True
        )
    }
    series = Schedule(Timed(start, start, "UTC"), (f"RRULE:{text}",))
    ours = set(found(series, start, horizon + timedelta(seconds=1), most=100_000))
    assert ours == theirs | {start}


@unhurried
@given(schedules())
def test_order_is_strict_and_every_name_is_known(schedule: Schedule) -> None:
    starts = found(schedule)
    assert starts == sorted(set(starts), key=instant)
    for start in starts[:10]:
        assert has_occurrence(schedule, start)
        assert parse_instance_key(instance_key(start)) == start
        assert same_original_start(instance_key(start), start)


@unhurried
@given(schedules(), st.lists(days, min_size=3, max_size=3, unique=True))
def test_windows_compose(schedule: Schedule, edges: list[date]) -> None:
    first, middle, last = (datetime(each.year, each.month, each.day, tzinfo=UTC) for each in sorted(edges))
    parts = {*found(schedule, first, middle, 10_000), *found(schedule, middle, last, 10_000)}
    assert sorted(parts, key=instant) == found(schedule, first, last, 10_000)


@unhurried
@given(schedules(), days)
def test_a_late_window_is_a_part_of_the_whole(schedule: Schedule, day: date) -> None:
    since = datetime(day.year, day.month, day.day, tzinfo=UTC)
    before = since + timedelta(days=90)
    everything = occurrences(schedule, starts_before=before, ends_after=BEGINNING)
    expected = [
        each.original_start
        for each in everything
        if instant(each.span.end) > since or instant(each.span.start) >= since
    ]
    assert found(schedule, since, before, 10_000) == expected


@unhurried
@given(schedules())
def test_the_last_end_is_that_of_the_last_occurrence(schedule: Schedule) -> None:
    end = last_occurrence_end(schedule)
    far = datetime(9999, 1, 1, tzinfo=UTC)
    rule = schedule.recurrence[0]
    assert (end is None) == ("COUNT" not in rule and "UNTIL" not in rule)
    if end is not None:
        every = [
            instant(each.span.end) for each in occurrences(schedule, starts_before=far, ends_after=BEGINNING)
        ]
        assert end == max(every, default=schedule.sort_end)


@unhurried
@given(schedules(), st.data())
def test_head_and_tail_are_the_whole(schedule: Schedule, data: st.DataObject) -> None:
    whole = list(islice(occurrences(schedule, starts_before=HORIZON, ends_after=BEGINNING), 60))
    assume(whole)
    cut = data.draw(st.sampled_from(whole))
    head = truncated_before(schedule, cut.original_start)
    tail = continued_from(schedule, cut.original_start, cut.span)
    before = instant(whole[-1].span.start) + timedelta(seconds=1)
    both = [
        each
        for part in (head, tail)
        if part is not None
        for each in occurrences(part, starts_before=before, ends_after=BEGINNING)
    ]
    assert both == whole


@unhurried
@given(schedules())
def test_normal_form_is_stable_and_keeps_what_occurs(schedule: Schedule) -> None:
    form = normalise_recurrence(schedule.recurrence)
    assert normalise_recurrence(form) == form
    assert normalise_recurrence(reversed(schedule.recurrence)) == form
    assert normalise_recurrence([each.lower() for each in schedule.recurrence]) == form
    assert found(replace(schedule, recurrence=form)) == found(schedule)


@unhurried
@given(
    st.lists(st.text(max_size=60) | st.from_regex(r"(RRULE|EXDATE)[;:][A-Z=;,:0-9]{0,30}", fullmatch=True))
)
def test_normal_form_never_fails(lines: list[str]) -> None:
    form = normalise_recurrence(lines)
    assert normalise_recurrence(form) == form


@unhurried
@given(schedules(), st.data())
def test_leaving_one_out_takes_that_one_only(schedule: Schedule, data: st.DataObject) -> None:
    starts = found(schedule)
    assume(starts)
    chosen = data.draw(st.sampled_from(starts))
    left = found(without(schedule, chosen))
    assert left[: len(starts) - 1] == [each for each in starts if each != chosen]
    assert not has_occurrence(without(schedule, chosen), chosen)


def walls(schedule: Schedule) -> list[datetime]:
    assert isinstance(schedule.span, Timed)
    zone = ZoneInfo(schedule.span.timezone)
    return [instant(each).astimezone(zone).replace(tzinfo=None) for each in found(schedule)]


@unhurried
@given(movable(), st.integers(-10, 10), st.integers(-3, 3), st.sampled_from(ZONES), st.data())
def test_a_moved_series_keeps_its_count_and_its_spacing_on_the_wall_clock(
    schedule: Schedule, some_days: int, hours: int, zone: str, data: st.DataObject
) -> None:
    before = walls(schedule)
    assume(before)
    index = data.draw(st.integers(0, len(before) - 1))
    delta = timedelta(days=some_days, hours=hours)
    start = (before[index] + delta).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    moved = shifted(
        schedule,
        Timed(start, start + timedelta(hours=2), zone),
        original_start=found(schedule)[index],
        weekdays=Weekdays.FOLLOW,
    )
    assert walls(moved) == [each + delta for each in before]


@unhurried
@given(movable(), st.integers(-5, 5), st.data())
def test_a_series_becomes_all_day_and_back(schedule: Schedule, some_days: int, data: st.DataObject) -> None:
    # Extra dates at other times may fall on days that the rule has.
    plain = replace(schedule, recurrence=tuple(each for each in schedule.recurrence if "RDATE" not in each))
    before = walls(plain)
    assume(before)
    index = data.draw(st.integers(0, len(before) - 1))
    day = before[index].date() + timedelta(days=some_days)
    moved = shifted(
        plain,
        AllDay(day, day + timedelta(days=1)),
        original_start=found(plain)[index],
        weekdays=Weekdays.FOLLOW,
    )
    assert found(moved) == [each.date() + timedelta(days=some_days) for each in before]
    back = shifted(moved, plain.span, original_start=None, weekdays=Weekdays.FOLLOW)
    assert walls(back) == before
