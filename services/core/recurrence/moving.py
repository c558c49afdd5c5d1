"""What a recurrence says when its span moves: on the wall clock, between zones, between timed and all-day.

Source:
    RFC 5545 sections 3.3.10 (UNTIL has the form of DTSTART, in UTC when that has a zone) and 3.8.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import Enum
from typing import TYPE_CHECKING

from services.core.recurrence.lines import Line, find_zone, read_moment, split_rule, write_date, write_instant
from services.core.recurrence.reading import is_date
from services.core.recurrence.rules import CLOCK_PARTS, WEEKDAYS, implied_parts
from services.core.recurrence.wall import DAY, moved, moved_wall, resolve, rule_wall_of, wall_of
from services.core.slots import AllDay, Timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.core.recurrence.reading import RecurrenceRules
    from services.core.recurrence.rules import Rule

Parts = list[tuple[str, str]]
"""The parts of a rule as written."""


class Weekdays(Enum):
    """What becomes of the BYDAY of a weekly rule when a series moves to another day."""

    KEEP = "keep"
    """The rule stays as it is; the new start occurs as well."""
    FOLLOW = "follow"
    """Every weekday moves by as many days."""


@dataclass(frozen=True, slots=True)
class Move:
    """How the starts of a series move."""

    rules: RecurrenceRules
    """The series as it is."""
    zone: tzinfo
    """The zone of the new wall clock; UTC for all-day."""
    is_all_day: bool
    delta: timedelta
    """Between the wall clocks."""
    days: int
    """Between the dates."""

    @property
    def is_still(self) -> bool:
        """Whether every start stays what it is."""
        return (
            not self.delta
            and self.is_all_day == self.rules.is_all_day
            and str(self.zone) == str(self.rules.zone)
        )

    def wall(self, wall: datetime) -> datetime:
        """Where a wall-clock time of the series comes to stand."""
        if self.is_all_day:
            return moved_wall(datetime.combine(wall.date(), time()), self.days * DAY)
        return moved_wall(wall, self.delta)

    def instant(self, instant: datetime) -> datetime:
        """Where a start of the series comes to stand."""
        if self.is_still:
            return instant
        return resolve(self.wall(rule_wall_of(instant, self.rules.zone, self.rules.start.time())), self.zone)

    def span(self, new_span: Timed | AllDay, first: datetime | None = None) -> Timed | AllDay:
        """The series' own span, or that of its occurrence at `first`, moved, and as long as `new_span`."""
        start = self.instant(first or self.rules.first)
        if isinstance(new_span, Timed):
            return Timed(start, moved(start, new_span.end - new_span.start), new_span.timezone)
        return AllDay(start.date(), moved(start, new_span.end - new_span.start).date())

    def write(self, instant: datetime) -> str:
        """A start in the form of the new series."""
        return write_date(instant) if self.is_all_day else write_instant(instant)


def move_between(rules: RecurrenceRules, origin: datetime, new_span: Timed | AllDay) -> Move:
    """The move that brings the occurrence at `origin` to `new_span`."""
    zone: tzinfo = UTC
    if isinstance(new_span, Timed):
        zone = find_zone(new_span.timezone) or rules.zone
        is_same = not rules.is_all_day and str(zone) == str(rules.zone) and new_span.start == origin
        wall = wall_of(new_span.start, zone)
    else:
        is_same = rules.is_all_day and new_span.start == origin.date()
        wall = datetime.combine(new_span.start, time())
    if is_same:
        return Move(rules, rules.zone, rules.is_all_day, timedelta(0), 0)
    before = rule_wall_of(origin, rules.zone, rules.start.time())
    return Move(
        rules, zone, not isinstance(new_span, Timed), wall - before, (wall.date() - before.date()).days
    )


def moved_rule(parts: Parts, rule: Rule, move: Move, weekdays: Weekdays) -> Parts:
    """The parts of a rule of the series after a move."""
    if move.is_still:
        return parts
    if rule.until is not None:
        parts = with_part(parts, "UNTIL", _moved_until(rule.until, move))
    if move.is_all_day:
        parts = [each for each in parts if each[0] not in CLOCK_PARTS]
    if weekdays is Weekdays.FOLLOW and rule.frequency == "WEEKLY" and rule.by_day:
        days = ",".join(_turned(day, move.days) for day, _ in rule.by_day)
        parts = with_part(parts, "BYDAY", days)
        if rule.interval > 1:  # Only then does it matter where a week starts.
            parts = with_part(parts, "WKST", _turned(rule.week_start, move.days))
    return parts


def with_implied_parts(parts: Parts, rule: Rule, rules: RecurrenceRules) -> Parts:
    """The rule with everything spelt out that it takes from DTSTART."""
    implied, weekday = implied_parts(rule, rules.start)
    for name, values in implied.items():
        if not (rules.is_all_day and name in CLOCK_PARTS):
            parts = with_part(parts, name, ",".join(map(str, values)))
    return parts if weekday is None else with_part(parts, "BYDAY", WEEKDAYS[weekday])


def with_part(parts: Parts, name: str, text: str) -> Parts:
    """The parts with one of them replaced, or added at the end."""
    if any(known == name for known, _ in parts):
        return [(known, text if known == name else value) for known, value in parts]
    return [*parts, (name, text)]


def without_part(parts: Parts, name: str) -> Parts:
    """The parts without one of them."""
    return [each for each in parts if each[0] != name]


def rule_parts(line: Line) -> Parts:
    """The parts of an RRULE or EXRULE line."""
    return split_rule(line.value)


def moved_dates(
    line: Line, rules: RecurrenceRules, keep: Callable[[datetime, str], bool], move: Move | None = None
) -> Iterator[Line]:
    """An RDATE or EXDATE line with the values that are kept, moved: no line when none is left.

    Args:
        line: A line of the series.
        rules: The series.
        keep: Told the instant of a value and its text.
        move: `None` leaves the values as they are written.
    """
    kept = [(rules.instant_of(line, each), each) for each in line.values]
    kept = [(instant, text) for instant, text in kept if keep(instant, text)]
    if move is None or move.is_still:
        if kept:
            yield line.with_values(text for _, text in kept)
        return
    as_dates = [move.is_all_day or (is_date(text) and not rules.is_all_day) for _, text in kept]
    for dates in (True, False):
        chosen = [each for each, is_day in zip(kept, as_dates, strict=True) if is_day == dates]
        if chosen:
            values = [_moved_value(line, instant, text, move, dates=dates) for instant, text in chosen]
            periods = any("/" in each for each in values)
            yield line.in_form("DATE" if dates else "PERIOD" if periods else None).with_values(values)


def _moved_value(line: Line, instant: datetime, text: str, move: Move, *, dates: bool) -> str:
    if dates:
        return write_date(wall_of(move.instant(instant), move.zone))
    start = write_instant(move.instant(instant))
    _, is_period, end = text.upper().partition("/")
    if not is_period:
        return start
    if read_moment(end) is None:
        return f"{start}/{end}"
    seconds = (move.rules.instant_of(line, end) - instant) // timedelta(seconds=1)
    return f"{start}/PT{max(seconds, 0)}S"


def _moved_until(until: datetime, move: Move) -> str:
    rules = move.rules
    wall = rule_wall_of(until, rules.zone, rules.start.time())
    if move.is_all_day and not rules.is_all_day:
        # The last day on which the series could start, not the day on which UNTIL happens to lie.
        clock = rules.start - datetime.combine(rules.start.date(), time())
        wall = moved_wall(wall, -clock)
    return move.write(resolve(move.wall(wall), move.zone))


def _turned(day: int, days: int) -> str:
    return WEEKDAYS[(day + days) % 7]
