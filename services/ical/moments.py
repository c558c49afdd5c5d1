"""Instants and dates in the form in which a program reads them back right.

A time in a zone is a wall-clock time with TZID, so that a series keeps it when the clock changes. Where a
wall-clock time comes twice it means the first (RFC 5545 section 3.3.5), so the second is written in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from icalendar.prop import vDate, vDatetime

from services.core.recurrence.lines import find_zone
from services.core.recurrence.wall import resolve, rule_wall_of, wall_of
from services.core.slots import Timed

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from services.core.recurrence import OriginalStart
    from services.core.slots import Schedule

_UTC_NAMES = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "Etc/Zulu", "UCT", "Universal", "Zulu"})


def named_zone(name: str) -> ZoneInfo | None:
    """The zone that times are written in with TZID; `None` for those that are written in UTC."""
    return None if name in _UTC_NAMES else find_zone(name)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the times of one slot, or of one series and its exceptions."""

    zone: ZoneInfo | None
    """`None`: times are written in UTC."""
    all_day: bool
    clock: time | None = None
    """At which time of day the series stands on the wall clock."""

    @classmethod
    def of(cls, schedule: Schedule) -> Writer:
        """The writer of a slot or series."""
        span = schedule.span
        if not isinstance(span, Timed):
            return cls(None, all_day=True)
        zone = named_zone(span.timezone)
        clock = wall_of(span.start, zone).time() if zone is not None else None
        return cls(zone, all_day=False, clock=clock)

    def moment(self, moment: OriginalStart, *, keep_wall: bool = False) -> vDate | vDatetime:
        """One date, or one instant.

        Args:
            moment: The date or instant.
            keep_wall: The wall-clock time matters more than the instant: a rule goes on from it.
        """
        if not isinstance(moment, datetime):
            return _date(moment)
        if self.zone is None or self.clock is None:
            return vDatetime(moment.astimezone(UTC))
        wall = rule_wall_of(moment, self.zone, self.clock)
        if not keep_wall and resolve(wall, self.zone) != moment:
            return vDatetime(moment.astimezone(UTC))
        written = vDatetime(wall)
        # Put there by hand: the library takes the name from the time, and would exchange an alias for it.
        written.params["TZID"] = self.zone.key
        return written

    def place(self, instant: datetime) -> vDate | vDatetime:
        """One start on the scale of the rules: dates are midnights UTC there."""
        return _date(instant.date()) if self.all_day else self.moment(instant)


def _date(day: date) -> vDate:
    return vDate(day, params={"VALUE": "DATE"})
