"""Random times and rules of series, in Google's words and in the app's."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from services.core.slots import AllDay, Timed

if TYPE_CHECKING:
    import random

FIRST_DAY = date(2026, 3, 2)
ZONES = ("UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata")
"""Two of them change to summer time within the window that is compared, on different days."""
NIGHT = (0, 1, 2, 3)
"""Hours that a clock may jump over; how an UNTIL is read there is not agreed upon."""
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MOVES = (
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=-2),
    timedelta(days=1),
    timedelta(days=-1),
    timedelta(days=2, hours=3),
)


def random_span(dice: random.Random) -> Timed | AllDay:
    """When something takes place for the first time."""
    day = FIRST_DAY + timedelta(days=dice.randrange(30))
    if dice.random() < 0.25:
        return AllDay(day, day + timedelta(days=dice.choice((1, 1, 2))))
    zone = dice.choice(ZONES)
    clock = time(dice.choice((5, 9, 14, 19, 23)), dice.choice((0, 30)))
    start = datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)
    return Timed(start, start + timedelta(minutes=dice.choice((30, 60, 90))), zone)


def random_rule(dice: random.Random, span: Timed | AllDay) -> tuple[str, ...]:
    """The lines of a series that begins with `span`."""
    day = first_day(span)
    frequency = dice.choice(("DAILY", "DAILY", "WEEKLY", "WEEKLY", "WEEKLY", "MONTHLY"))
    parts = [f"FREQ={frequency}"]
    if dice.random() < 0.4:
        parts.append(f"INTERVAL={dice.choice((2, 3))}")
    if frequency == "WEEKLY" and dice.random() < 0.6:
        days = {WEEKDAYS[day.weekday()], *dice.sample(WEEKDAYS, dice.randrange(3))}
        if dice.random() < 0.1:
            days = {dice.choice(WEEKDAYS)}
        parts.append("BYDAY=" + ",".join(sorted(days, key=WEEKDAYS.index)))
    if frequency == "MONTHLY" and dice.random() < 0.5:
        parts.append(dice.choice(("BYMONTHDAY=31", "BYMONTHDAY=-1", "BYDAY=2MO", "BYDAY=-1FR")))
    match dice.randrange(3):
        case 0:
            parts.append(f"COUNT={dice.randrange(2, 9)}")
        case 1:
            parts.append(f"UNTIL={moment(span, dice.randrange(3, 50))}")
        case _:
            pass
    lines = ["RRULE:" + ";".join(parts)]
    dates = ";VALUE=DATE" if isinstance(span, AllDay) else ""
    if dice.random() < 0.1:
        lines.append(f"RDATE{dates}:{moment(span, dice.randrange(1, 20))}")
    if dice.random() < 0.1:
        lines.append(f"EXDATE{dates}:{moment(span, dice.choice((1, 2, 7, 14)))}")
    return tuple(lines)


def first_day(span: Timed | AllDay) -> date:
    """The day on which something begins, where it takes place."""
    if isinstance(span, AllDay):
        return span.start
    return span.start.astimezone(ZoneInfo(span.timezone)).date()


def moment(span: Timed | AllDay, days: int) -> str:
    """The same time so many days later, in the form that a line of the series has."""
    if isinstance(span, AllDay):
        return (span.start + timedelta(days=days)).strftime("%Y%m%d")
    zone = ZoneInfo(span.timezone)
    wall = span.start.astimezone(zone).replace(tzinfo=None) + timedelta(days=days)
    return wall.replace(tzinfo=zone).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def moved(dice: random.Random, span: Timed | AllDay, *, kind: bool = True) -> Timed | AllDay:
    """Some other time; with `kind` it may become days, or days a time."""
    by = dice.choice(MOVES)
    if isinstance(span, AllDay):
        days = timedelta(days=by.days or 1)
        if kind and dice.random() < 0.1:
            start = datetime.combine(span.start, time(9), ZoneInfo("Europe/Amsterdam")).astimezone(UTC)
            return Timed(start, start + timedelta(hours=1), "Europe/Amsterdam")
        return AllDay(span.start + days, span.end + days)
    day = first_day(span)
    if kind and dice.random() < 0.1:
        return AllDay(day, day + timedelta(days=1))
    start, end = span.start + by, span.end + by
    if dice.random() < 0.15:
        end += timedelta(minutes=15)
    zone = dice.choice(ZONES) if dice.random() < 0.05 else span.timezone
    if start.astimezone(ZoneInfo(zone)).hour in NIGHT:
        return Timed(span.start, span.end + timedelta(minutes=15), span.timezone)
    return Timed(start, end, zone)


def times_of(span: Timed | AllDay, *, merging: bool = False) -> dict[str, Any]:
    """A span in Google's words; where it is merged, what the other kind of time had is removed."""
    start, end = span.start.isoformat(), span.end.isoformat()
    if isinstance(span, AllDay):
        none = {"dateTime": None, "timeZone": None} if merging else {}
        return {"start": {"date": start, **none}, "end": {"date": end, **none}}
    others = {"timeZone": span.timezone, **({"date": None} if merging else {})}
    return {"start": {"dateTime": start, **others}, "end": {"dateTime": end, **others}}


def span_of(event: dict[str, Any]) -> Timed | AllDay:
    """The span of an event in Google's words."""
    start, end = event["start"], event["end"]
    if "date" in start:
        return AllDay(date.fromisoformat(start["date"]), date.fromisoformat(end["date"]))
    return Timed(
        datetime.fromisoformat(start["dateTime"]).astimezone(UTC),
        datetime.fromisoformat(end["dateTime"]).astimezone(UTC),
        start.get("timeZone", "Europe/Amsterdam"),
    )
