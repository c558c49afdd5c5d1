"""Google's dates and times: reading them strictly, writing them in a zone's offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.model.clock import from_us, to_us

if TYPE_CHECKING:
    from sandbox.messages import Json

_DATE_LENGTH = len("2026-01-01")
_SHORTEST_INSTANT = len("2026-01-01T00:00")


def find_zone(name: object) -> ZoneInfo | None:
    """The IANA zone of that name, or `None` (also for Windows names)."""
    if not isinstance(name, str) or not name or name.startswith((".", "/")):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def parse_date_time(text: object) -> datetime | None:
    """An RFC 3339 date-time, aware when it carries an offset; `None` when it is none."""
    if not isinstance(text, str) or len(text) < _SHORTEST_INSTANT or text[_DATE_LENGTH] not in "Tt ":
        return None
    try:
        return datetime.fromisoformat(text.upper()).replace(microsecond=0)
    except ValueError:
        return None


def parse_date(text: object) -> date | None:
    """A calendar date, or `None`."""
    if not isinstance(text, str) or len(text) != _DATE_LENGTH:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_instant_us(text: str) -> int | None:
    """An RFC 3339 instant with its mandatory offset; milliseconds are kept."""
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    if instant.tzinfo is None or len(text) < _SHORTEST_INSTANT:
        return None
    return to_us(instant)


def in_zone(instant: datetime, zone: ZoneInfo) -> str:
    """An instant as Google writes it: to the second, with the zone's offset, Z for none."""
    try:
        text = instant.astimezone(zone).isoformat(timespec="seconds")
    except OverflowError:
        text = instant.isoformat(timespec="seconds")
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def stamp_ms(stamp: int) -> str:
    """A stamp as `updated` shows it, to the millisecond."""
    return from_us(stamp).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp_s(stamp: int) -> str:
    """A stamp as `created` shows it: milliseconds are always zero.

    Source: captured events.
    """
    return from_us(stamp - stamp % 1_000_000).isoformat(timespec="milliseconds")[:-6] + "Z"


def moment_us(value: object, zone: ZoneInfo) -> int | None:
    """The instant of a `start` or `end`; a date counts from its midnight in the zone.

    Source: Calendar API concepts, 'Events' (all-day events in a time range).
    """
    if not isinstance(value, dict):
        return None
    day = parse_date(value.get("date"))
    if day is not None:
        return _midnight_us(day, zone)
    instant = parse_date_time(value.get("dateTime"))
    if instant is None:
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=find_zone(value.get("timeZone")) or zone)
    try:
        return to_us(instant)
    except OverflowError:
        return None


def _midnight_us(day: date, zone: ZoneInfo) -> int | None:
    try:
        return to_us(datetime(day.year, day.month, day.day, tzinfo=zone))
    except OverflowError:
        return to_us(datetime(day.year, day.month, day.day, tzinfo=UTC))


def shown_in(value: Json, zone: ZoneInfo) -> Json:
    """A `start` or `end` with its date-time written in another zone's offset."""
    instant = parse_date_time(value.get("dateTime"))
    if instant is None or instant.tzinfo is None:
        return value
    return {**value, "dateTime": in_zone(instant, zone)}


def plus_us(value: Json, microseconds: int, zone: ZoneInfo) -> Json:
    """A `start` moved by a duration, as an `end` of the same kind."""
    day = parse_date(value.get("date"))
    if day is not None:
        return {"date": (day + timedelta(microseconds=microseconds)).isoformat()}
    instant = parse_date_time(value.get("dateTime"))
    if instant is None:
        return value
    shown = in_zone(instant + timedelta(microseconds=microseconds), zone)
    return {**value, "dateTime": shown}
