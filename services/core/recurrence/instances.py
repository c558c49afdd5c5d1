"""Occurrences of a series and their names.

An occurrence is named by the start that the rule gives it, whatever an exception makes of it later: an
instant for timed series, a date for all-day ones.

Source:
    Calendar API reference, Events resource, `originalStartTime` and `recurringEventId`; RFC 5545
    section 3.8.4.4 (RECURRENCE-ID). The end of an instance's id is its original start in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, TypeAlias

from services.core.recurrence.lines import find_zone, read_moment, write_date, write_instant

if TYPE_CHECKING:
    from services.core.slots import AllDay, Timed

OriginalStart: TypeAlias = datetime | date
"""An aware UTC date-time, or a date for all-day series."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence as the rules place it."""

    original_start: OriginalStart
    """Its name within the series."""
    span: Timed | AllDay


def instance_key(original_start: OriginalStart) -> str:
    """The name of an instance in Google's form, `20260302T080000Z` or `20260302`."""
    if isinstance(original_start, datetime):
        return write_instant(original_start)
    return write_date(original_start)


def parse_instance_key(key: str) -> OriginalStart | None:
    """The inverse of `instance_key`; `None` for what is no such name, in any other case or form."""
    moment = read_moment(key)
    if moment is None or (moment.clock is not None and not moment.is_utc):
        return None
    start = moment.day if moment.clock is None else moment.wall.replace(tzinfo=UTC)
    return start if instance_key(start) == key else None


def read_original_start(text: str, timezone: str | None = None) -> OriginalStart | None:
    """Read an original start in any form that Google writes it.

    Args:
        text: `2026-03-02`, `2026-03-02T09:00:00+01:00`, `2026-03-02T08:00:00.000Z` or an instance key.
        timezone: The IANA name of the zone of a text without an offset.

    Returns:
        `None` when it cannot be read, or is a local time without a zone.
    """
    if (known := parse_instance_key(text)) is not None:
        return known
    try:
        if "T" not in text.upper():
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text.upper())
        if moment.tzinfo is None:
            zone = find_zone(timezone) if timezone else None
            if zone is None:
                return None
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def same_original_start(one: OriginalStart | str, other: OriginalStart | str) -> bool:
    """Whether both name the same instance; texts in any form that `read_original_start` reads."""
    starts = [read_original_start(each) if isinstance(each, str) else each for each in (one, other)]
    if None in starts or len({isinstance(each, datetime) for each in starts}) > 1:
        return False
    return starts[0] == starts[1]
