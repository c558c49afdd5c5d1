"""Google's times to the core's and back: dates, date-times with and without offset, zones of any kind.

A zone that the IANA database does not know (Windows names, fixed offsets, nonsense) never loses the instant:
the calendar's zone stands in for it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from services.core.slots import AllDay, Timed

if TYPE_CHECKING:
    from collections.abc import Mapping

_ONE_DAY: Final = timedelta(days=1)


class UnreadableEventError(ValueError):
    """An event document that makes no sense; its text is the reason."""


def span_from_wire(document: Mapping[str, Any], calendar_zone: str) -> Timed | AllDay:
    """Start and end of an event.

    Raises:
        UnreadableEventError: There is no start, or the two are of different kinds or in the wrong order.
        ValueError: A text is no time.
    """
    start = document.get("start") or {}
    end = document.get("end") or start
    if (start_time := start.get("dateTime")) and (end_time := end.get("dateTime")):
        start_zone, end_zone = start.get("timeZone"), end.get("timeZone")
        zone = known_zone(start_zone) or calendar_zone
        begins = _instant(start_time, zone)
        ends = _instant(
            end_time, zone if end_zone in (None, start_zone) else known_zone(end_zone) or calendar_zone
        )
        if ends < begins:
            raise UnreadableEventError("it ends before it starts")
        return Timed(begins, ends, zone)
    if (start_day := start.get("date")) and (end_day := end.get("date")):
        first, behind = date.fromisoformat(start_day), date.fromisoformat(end_day)
        if behind < first:
            raise UnreadableEventError("it ends before it starts")
        # Some clients write all-day events of no length; calendars show them as one day.
        return AllDay(first, behind if behind > first else first + _ONE_DAY)
    raise UnreadableEventError("no start, or start and end of two kinds")


def _instant(text: str, zone: str) -> datetime:
    moment = datetime.fromisoformat(text)
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    return moment.replace(microsecond=0) if moment.microsecond else moment


def moment_or_none(text: Any) -> datetime | None:
    """An instant of which nothing depends on whether it can be read."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def known_zone(name: str | None) -> str | None:
    """The name when it is an IANA zone; `None` otherwise (Windows names, fixed offsets, nonsense)."""
    if not name:
        return None
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
    return name


def span_to_wire(span: Timed | AllDay) -> tuple[dict[str, Any], dict[str, Any]]:
    """Start and end; times in the wall clock of their zone, which Google is always told."""
    if isinstance(span, AllDay):
        return {"date": span.start.isoformat()}, {"date": span.end.isoformat()}
    return _time_to_wire(span.start, span.timezone), _time_to_wire(span.end, span.timezone)


def _time_to_wire(instant: datetime, zone: str) -> dict[str, Any]:
    try:
        local = instant.astimezone(ZoneInfo(zone))
    except OverflowError:
        local = instant
    return {"dateTime": local.isoformat(), "timeZone": zone}
