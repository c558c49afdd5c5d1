"""Short ways to write down series and read them back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from services.core.recurrence import occurrences
from services.core.slots import AllDay, Schedule, Timed

if TYPE_CHECKING:
    from services.core.recurrence import OriginalStart

BEGINNING = datetime(1, 1, 5, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def at(wall: str, zone: str = BERLIN) -> datetime:
    """The instant of a wall-clock time."""
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def timed(wall: str, *lines: str, zone: str = BERLIN, hours: float = 1) -> Schedule:
    """A series at a wall-clock time."""
    return Schedule(span(wall, zone=zone, hours=hours), lines)


def span(wall: str, *, zone: str = BERLIN, hours: float = 1) -> Timed:
    start = at(wall, zone)
    return Timed(start, start + timedelta(hours=hours), zone)


def all_day(day: str, *lines: str, days: int = 1) -> Schedule:
    """A series of dates."""
    return Schedule(dates(day, days=days), lines)


def dates(day: str, *, days: int = 1) -> AllDay:
    start = date.fromisoformat(day)
    return AllDay(start, start + timedelta(days=days))


def starts(schedule: Schedule | None, before: str = "2100-01-01") -> list[OriginalStart]:
    """What the occurrences are called."""
    if schedule is None:
        return []
    end = datetime.fromisoformat(before).replace(tzinfo=UTC)
    return [each.original_start for each in occurrences(schedule, starts_before=end, ends_after=BEGINNING)]


def walls(schedule: Schedule | None, before: str = "2100-01-01") -> list[str]:
    """When the occurrences start, as `2026-03-02 10:00` or `2026-03-02` on the wall clock of the series."""
    if schedule is None or isinstance(schedule.span, AllDay):
        return [str(each) for each in starts(schedule, before)]
    zone = ZoneInfo(schedule.span.timezone)
    found = [each for each in starts(schedule, before) if isinstance(each, datetime)]
    return [f"{each.astimezone(zone):%Y-%m-%d %H:%M}" for each in found]
