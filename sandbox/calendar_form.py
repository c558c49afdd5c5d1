"""The fields of the form in which a person edits an event, and what they mean when they come back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.messages import Json, only
from sandbox.model.zones import in_zone, parse_date, parse_date_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from sandbox.model.calendars import Calendar

TEXTS = ("summary", "location", "description")
"""Fields that are texts."""


def changed(fields: Mapping[str, list[str]], name: str) -> bool:
    """Whether the person changed this field of the form; what was left alone is not written."""
    return f"was_{name}" not in fields or only(fields, name) != only(fields, f"was_{name}")


def form_bounds(doc: Json, zone: ZoneInfo, now: datetime, monday: date) -> tuple[str, str]:
    """Start and end for the two input fields; a new event takes the next full hour, in the week shown."""
    start, end = doc.get("start", {}), doc.get("end", {})
    if "date" in start:
        last = parse_date(end.get("date")) or date.fromisoformat(start["date"])
        return f"{start['date']}T00:00", f"{last}T00:00"
    begins, ends = parse_date_time(start.get("dateTime")), parse_date_time(end.get("dateTime"))
    if begins is None or ends is None:
        begins = now.astimezone(zone).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        if not monday <= begins.date() < monday + timedelta(days=7):
            begins = begins.replace(year=monday.year, month=monday.month, day=monday.day)
        ends = begins + timedelta(hours=1)
    return f"{begins.astimezone(zone):%Y-%m-%dT%H:%M}", f"{ends.astimezone(zone):%Y-%m-%dT%H:%M}"


def read_bounds(fields: Mapping[str, list[str]], calendar: Calendar, before: Json) -> Json | None:
    """Start and end as an event has them, in the zone that it had before; `None` when one is no time."""
    start = parse_date_time(only(fields, "start"))
    end = parse_date_time(only(fields, "end"))
    if start is None or end is None:
        return None
    if only(fields, "all_day"):
        last = max(end.date(), start.date() + timedelta(days=1))
        return {"start": {"date": start.date().isoformat()}, "end": {"date": last.isoformat()}}
    zone = calendar.zone
    begins, ends = start.replace(tzinfo=zone), max(start, end).replace(tzinfo=zone)
    return {
        side: {
            "dateTime": in_zone(at, zone),
            "timeZone": before.get(side, {}).get("timeZone", calendar.time_zone),
        }
        for side, at in (("start", begins), ("end", ends))
    }
