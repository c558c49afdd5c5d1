"""Between instants and the wall clock of a zone.

A series keeps its wall-clock time. Where the clock jumps over a time, the time before the jump still counts
(so the occurrence moves forward by the jump); where a time comes twice, the first counts.

Source:
    RFC 5545 section 3.3.5, form 3, and section 3.3.10 for computed local times.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC, microsecond=0)


def resolve(wall: datetime, zone: tzinfo) -> datetime:
    """The instant at which the clock in `zone` shows `wall`; at the ends of the calendar, in UTC."""
    try:
        return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    except OverflowError:
        return wall.replace(tzinfo=UTC)


def moved(instant: datetime, by: timedelta) -> datetime:
    """`instant + by`, or the end of the calendar that it lies beyond."""
    try:
        return min(instant + by, LATEST)
    except OverflowError:
        return LATEST if by > timedelta(0) else EARLIEST


def moved_wall(wall: datetime, by: timedelta) -> datetime:
    """The same for wall-clock times."""
    return moved(wall.replace(tzinfo=UTC), by).replace(tzinfo=None)


def wall_of(instant: datetime, zone: tzinfo) -> datetime:
    """What the clock in `zone` shows at `instant`, naive; at the ends of the calendar, in UTC."""
    try:
        shown = instant.astimezone(zone)
    except OverflowError:
        shown = instant
    return shown.replace(tzinfo=None, fold=0)


def rule_wall_of(instant: datetime, zone: tzinfo, clock: time) -> datetime:
    """The wall-clock time of a series at `clock` that leads to `instant`.

    It differs from `wall_of` where the clock jumps over `clock`: the instant then shows a later time.
    """
    shown = wall_of(instant, zone)
    if shown.time() != clock:
        day_before = moved(instant, -DAY)
        offset = wall_of(day_before, zone) - day_before.replace(tzinfo=None)
        meant = moved(instant, offset).replace(tzinfo=None)
        if meant.time() == clock and resolve(meant, zone) == instant:
            return meant
    return shown
