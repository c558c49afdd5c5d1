"""Laws of series, and the rule engine held against python-dateutil."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.core.recurrence import (
    OriginalStart,
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

if TYPE_CHECKING:
    from collections.abc import Sequence

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Kolkata",
    "Africa/Casablanca",
)
HORIZON = datetime(2031, 1, 1, tzinfo=UTC)
BEGINNING = datetime(2018, 1, 1, tzinfo=UTC)

unhurried = settings(deadline=None)

days = st.dates(date(2019, 1, 1), date(2027, 12, 31))
clocks = st.builds(timedelta, hours=st.integers(0, 23), minutes=st.sampled_from([0, 15, 30, 45]))
seldom = st.sampled_from([False, False, True])
lengths = st.builds(timedelta, minutes=st.sampled_from([0, 30, 60, 600, 1440, 4000]))


def listed(numbers: st.SearchStrategy[int], most: int = 3) -> st.SearchStrategy[list[int]]:
    return st.lists(numbers, min_size=1, max_size=most, unique=True)


def from_both_ends(most: int) -> st.SearchStrategy[int]:
    return st.integers(1, most) | st.integers(-most, -1)


def said(name: str, values: Sequence[object]) -> str:
    return f"{name}={','.join(map(str, values))}"


@st.composite
def rule_parts(draw: st.DrawFn, *, is_timed: bool = True) -> list[str]:
    """A rule without its end that RFC 5545 allows and that occurs now and then."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, 4))}"]
    numbers: dict[str, st.SearchStrategy[list[int]]] = {"BYMONTH": listed(st.integers(1, 12), 4)}
    if frequency in ("MONTHLY", "YEARLY"):
        numbers["BYMONTHDAY"] = listed(from_both_ends(31), 5)
    if frequency == "YEARLY":
        numbers["BYYEARDAY"] = listed(from_both_ends(366), 5)
        numbers["BYWEEKNO"] = listed(from_both_ends(53), 4)
    if is_timed:
        numbers["BYHOUR"] = listed(st.integers(0, 23))
        numbers["BYMINUTE"] = listed(st.sampled_from([0, 15, 30, 45]))
    given_parts = draw(st.lists(st.sampled_from(sorted(numbers)), max_size=2, unique=True))
    parts += [said(name, draw(numbers[name])) for name in given_parts]
    # Without a weekday, dateutil takes every day of a week where RFC 5545 takes the weekday of DTSTART.
    if "BYWEEKNO" in given_parts or draw(seldom):
        chosen = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True))
        if frequency in ("MONTHLY", "YEARLY") and "BYWEEKNO" not in given_parts and draw(seldom):
            chosen = [f"{draw(from_both_ends(5))}{each}" for each in chosen]
        parts.append(said("BYDAY", chosen))
    if any(each.startswith("BY") for each in parts) and draw(seldom):
        parts.append(said("BYSETPOS", draw(listed(from_both_ends(4), 2))))
    if draw(seldom):
        parts.append(f"WKST={draw(st.sampled_from(DAYS))}")
    return parts


@st.composite
def schedules(draw: st.DrawFn, *, has_rdates: bool = True) -> Schedule:
    """A series with everything that a series can have."""
    is_timed = draw(st.booleans())
    day = draw(days)
    span: Timed | AllDay
    if is_timed:
        zone = draw(st.sampled_from(ZONES))
        wall = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) + draw(clocks)
        start = wall.astimezone(UTC)
        span = Timed(start, start + draw(lengths), zone)
    else:
        span = AllDay(day, day + timedelta(days=draw(st.integers(1, 3))))
    lines = [f"RRULE:{';'.join([*draw(rule_parts(is_timed=is_timed)), *draw(ends(is_timed=is_timed))])}"]
    whole = Schedule(span, tuple(lines))
    near: list[OriginalStart] = [
        each.original_start
        for each in islice(occurrences(whole, starts_before=HORIZON, ends_after=BEGINNING), 30)
    ]
    if draw(st.booleans()):
        excluded: list[OriginalStart] = draw(st.lists(st.sampled_from(near), max_size=3))
        lines += [f"EXDATE:{instance_key(each)}" for each in excluded]
        if draw(st.booleans()) and excluded:
            lines.append(f"EXDATE;VALUE=DATE:{instance_key(excluded[0])[:8]}")
    if has_rdates and draw(st.booleans()):
        moved = st.sampled_from(near).map(lambda each: each + timedelta(days=1, hours=3))
        lines += [f"RDATE:{instance_key(each)}" for each in draw(st.lists(moved, max_size=2))]
    return Schedule(span, tuple(lines))


@st.composite
def ends(draw: st.DrawFn, *, is_timed: bool) -> list[str]:
    kind = draw(st.sampled_from(["none", "count", "until", "until date"]))
    if kind == "count":
        return [f"COUNT={draw(st.integers(1, 40))}"]
    if kind == "none":
        return []
    last = draw(st.dates(date(2019, 1, 1), date(2030, 1, 1)))
    if kind == "until date" or not is_timed:
        return [f"UNTIL={last:%Y%m%d}"]
    return [f"UNTIL={datetime(last.year, last.month, last.day) + draw(clocks):%Y%m%dT%H%M%SZ}"]  # noqa: DTZ001


def found(
    schedule: Schedule | None, since: datetime = BEGINNING, before: datetime = HORIZON, most: int = 300
) -> list[OriginalStart]:
    if schedule is None:
        return []
    window = occurrences(schedule, starts_before=before, ends_after=since)
    return [each.original_start for each in islice(window, most)]


def instant(start: OriginalStart) -> datetime:
    return start if isinstance(start, datetime) else datetime(start.year, start.month, start.day, tzinfo=UTC)


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
    far = datetime(2200, 1, 1, tzinfo=UTC)
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
    if "INTERVAL=1" not in schedule.recurrence[0]:
        # An RDATE cannot carry the phase of a rule on.
        rule_only = replace(schedule, recurrence=schedule.recurrence[:1])
        assume(has_occurrence(rule_only, cut.original_start))
        assume(cut.original_start != whole[0].original_start or len(whole) == 1)
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


@st.composite
def movable(draw: st.DrawFn) -> Schedule:
    """A series whose rule says nothing that cannot follow, by day and never where a clock changes."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    day = draw(days)
    start = datetime(day.year, day.month, day.day, draw(st.integers(8, 16)), tzinfo=zone).astimezone(UTC)
    parts = [draw(st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY"])), f"INTERVAL={draw(st.integers(1, 3))}"]
    if "FREQ=WEEKLY" in parts and draw(st.booleans()):
        own = DAYS[day.weekday()]
        parts.append(said("BYDAY", sorted({own, *draw(st.lists(st.sampled_from(DAYS), max_size=3))})))
    last = start + timedelta(days=draw(st.integers(0, 300)))
    parts.append(draw(st.sampled_from([f"COUNT={draw(st.integers(1, 30))}", f"UNTIL={last:%Y%m%dT%H%M%SZ}"])))
    span = Timed(start, start + timedelta(hours=1), str(zone))
    whole = Schedule(span, (f"RRULE:{';'.join(parts)}",))
    starts = found(whole)
    lines = [f"EXDATE:{instance_key(each)}" for each in draw(st.lists(st.sampled_from(starts), max_size=2))]
    extra = draw(st.lists(st.integers(1, 400), max_size=2))
    lines += [f"RDATE:{instance_key(start + timedelta(days=each))}" for each in extra]
    return replace(whole, recurrence=(*whole.recurrence, *lines))


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
