"""What the lines of a recurrence mean for one span: rules, extra starts and excluded starts.

Every time is resolved here, so that expansion compares instants only. Dates of all-day series are carried as
midnights UTC on that same scale.

Decisions where RFC 5545 leaves room:

* EXDATE as a date in a timed series excludes what starts on that day in the zone of the series; RDATE as a
  date adds that day at the time of day of the series. In an all-day series only the dates count.
* Of an RDATE period only the start counts.

Source:
    RFC 5545 sections 3.8.5.1 (EXDATE), 3.8.5.2 (RDATE), 3.8.5.3 (RRULE); RFC 2445 section 4.8.5.2 (EXRULE).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from typing import TYPE_CHECKING

from services.core.errors import InvalidSlotError
from services.core.recurrence.lines import InvalidRecurrenceError, find_zone, read_moment, split_line
from services.core.recurrence.rules import Rule, read_rule
from services.core.recurrence.wall import resolve, wall_of
from services.core.slots import Timed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.core.recurrence.lines import Line
    from services.core.slots import AllDay


@dataclass(frozen=True, slots=True)
class RecurrenceRules:
    """What a recurrence means for one span."""

    first: datetime
    """DTSTART as an instant; midnight UTC for a date."""
    start: datetime
    """DTSTART on the wall clock of the series, naive."""
    zone: tzinfo
    """The zone of the wall clock; UTC for all-day series."""
    is_all_day: bool
    rules: tuple[Rule, ...]
    exclusions: tuple[Rule, ...]
    """EXRULE."""
    extra: frozenset[datetime]
    """RDATE."""
    excluded: frozenset[datetime]
    """EXDATE."""
    excluded_days: frozenset[date]
    """EXDATE given as dates in a timed series."""

    def instant_of(self, line: Line, text: str) -> datetime:
        """The instant of one value of an RDATE or EXDATE line.

        Raises:
            ValueError: The value cannot be read, or its zone is not known.
        """
        moment = read_moment(text)
        if moment is None:
            raise ValueError(f"`{text[:40]}` is neither a date nor a date-time.")
        if self.is_all_day:
            return datetime.combine(moment.day, time(), UTC)
        if moment.clock is None:
            return resolve(datetime.combine(moment.day, self.start.time()), self.zone)
        if moment.is_utc:
            return moment.wall.replace(tzinfo=UTC)
        return resolve(moment.wall, _zone_of(line, self.zone))


def is_date(text: str) -> bool:
    """Whether a value of an RDATE or EXDATE line is a date without a time of day."""
    return "T" not in text.upper()


def parse_recurrence(lines: Sequence[str], span: Timed | AllDay) -> RecurrenceRules:
    """Read and check the lines of a recurrence.

    Raises:
        InvalidRecurrenceError: A line is not valid, or says what Google does not support.
    """
    rules = _bare(span)
    included: list[Rule] = []
    exclusions: list[Rule] = []
    extra: set[datetime] = set()
    excluded: set[datetime] = set()
    days: set[date] = set()
    for index, text in enumerate(lines):
        line = split_line(text)
        if line is None:
            raise InvalidRecurrenceError(index, "This is not a line of the form NAME:value.")
        try:
            match line.name:
                case "RRULE":
                    included.append(read_rule(line.value, rules.zone, is_all_day=rules.is_all_day))
                case "EXRULE":
                    exclusions.append(read_rule(line.value, rules.zone, is_all_day=rules.is_all_day))
                case "RDATE":
                    extra.update(rules.instant_of(line, each) for each in line.values)
                case "EXDATE":
                    for each in line.values:
                        instant = rules.instant_of(line, each)
                        if is_date(each) and not rules.is_all_day:
                            days.add(wall_of(instant, rules.zone).date())
                        else:
                            excluded.add(instant)
                case _:
                    raise InvalidRecurrenceError(index, "A line is an RRULE, EXRULE, RDATE or EXDATE.")
        except (ValueError, OverflowError) as problem:
            raise InvalidRecurrenceError(index, str(problem)) from problem
    return RecurrenceRules(
        rules.first,
        rules.start,
        rules.zone,
        rules.is_all_day,
        tuple(included),
        tuple(exclusions),
        frozenset(extra),
        frozenset(excluded),
        frozenset(days),
    )


def _bare(span: Timed | AllDay) -> RecurrenceRules:
    zone: tzinfo = UTC
    if isinstance(span, Timed):
        first, known = span.start, find_zone(span.timezone)
        if known is None:
            raise InvalidSlotError("/timezone", "This is not the IANA name of a time zone.")
        zone = known
    else:
        first = datetime.combine(span.start, time(), UTC)
    empty: frozenset[datetime] = frozenset()
    return RecurrenceRules(
        first, wall_of(first, zone), zone, not isinstance(span, Timed), (), (), empty, empty, frozenset()
    )


def _zone_of(line: Line, zone: tzinfo) -> tzinfo:
    name = line.parameter("TZID")
    if name is None:
        return zone
    known = find_zone(name.removeprefix("/"))
    if known is None:
        raise ValueError("TZID is not the IANA name of a time zone.")
    return known
