"""Hypothesis strategies for series, and ways to look at them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from services.core.recurrence import OriginalStart, instance_key, occurrences
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
        # dateutil loses days of the weeks that lie in two years; the unit tests have those.
        numbers["BYWEEKNO"] = listed(st.integers(2, 51) | st.integers(-51, -2), 4)
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


def found(
    schedule: Schedule | None, since: datetime = BEGINNING, before: datetime = HORIZON, most: int = 300
) -> list[OriginalStart]:
    if schedule is None:
        return []
    window = occurrences(schedule, starts_before=before, ends_after=since)
    return [each.original_start for each in islice(window, most)]


def instant(start: OriginalStart) -> datetime:
    return start if isinstance(start, datetime) else datetime(start.year, start.month, start.day, tzinfo=UTC)
