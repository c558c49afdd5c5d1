"""Times as clients write them, made into spans: strict RFC 3339, and every doubt is refused by its pointer.

A local time that a zone has twice means the first, one that a zone skips moves forward by the gap, as
RFC 5545 section 3.3.5 has it.
"""

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

from services.core.errors import InvalidSlotError
from services.core.slots import AllDay, Timed

FIRST_YEAR, LAST_YEAR = 1970, 2200

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(
    r"(?P<local>\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(?::\d{2})?)(?:\.0+)?(?P<offset>[Zz]|[+-]\d{2}:\d{2})?",
    re.ASCII,
)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)
_LONGEST_ZONE = 64
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})

Moment: TypeAlias = datetime | date
"""A date-time, aware or local, or a date."""


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo | None:
    """The zone of this IANA name; `None` when there is none."""
    if len(name) > _LONGEST_ZONE or not _ZONE.fullmatch(name) or name in _NO_ZONES:
        return None
    if name.startswith(("posix/", "right/")):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def parse_moment(text: str, pointer: str) -> Moment:
    """One `start` or `end`.

    Raises:
        InvalidSlotError: It is neither a date nor an RFC 3339 date-time of whole seconds in sane years.
    """
    moment: Moment
    try:
        if _DATE.fullmatch(text):
            moment = date.fromisoformat(text)
        elif found := _DATE_TIME.fullmatch(text):
            moment = datetime.fromisoformat(found["local"].upper() + (found["offset"] or "").upper())
        else:
            raise InvalidSlotError(pointer, "Write an RFC 3339 date-time of whole seconds, or a date.")
    except ValueError:
        raise InvalidSlotError(pointer, "There is no such date or time.") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise InvalidSlotError(pointer, f"The year must be from {FIRST_YEAR} to {LAST_YEAR}.")
    return moment


def span_of(start: Moment, end: Moment, timezone: str | None) -> Timed | AllDay:
    """The span that a request means.

    Args:
        start: As parsed.
        end: As parsed.
        timezone: IANA name; `None` when the request names none, which makes offsets a UTC slot.

    Raises:
        InvalidSlotError: The three do not fit together.
    """
    if isinstance(start, datetime) != isinstance(end, datetime):
        raise InvalidSlotError("/end", "`start` and `end` must both be date-times or both be dates.")
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        if timezone is not None:
            raise InvalidSlotError("/timezone", "An all-day slot has dates only, and no timezone.")
        if end <= start:
            raise InvalidSlotError("/end", "`end` is exclusive and must be after `start`.")
        return AllDay(start, end)
    zone = None
    if timezone is not None:
        zone = required_zone(timezone)
    first, last = _instant(start, zone, "/start"), _instant(end, zone, "/end")
    if last < first:
        raise InvalidSlotError("/end", "`end` must not be before `start`.")
    return Timed(first, last, timezone or "UTC")


def required_zone(name: str) -> ZoneInfo:
    """The zone of this IANA name.

    Raises:
        InvalidSlotError: There is none.
    """
    zone = zone_named(name)
    if zone is None:
        raise InvalidSlotError("/timezone", "This is not the name of an IANA time zone.")
    return zone


def _instant(moment: datetime, zone: ZoneInfo | None, pointer: str) -> datetime:
    if moment.tzinfo is None:
        if zone is None:
            raise InvalidSlotError(pointer, "Give an offset such as +02:00, or a `timezone` beside it.")
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)
