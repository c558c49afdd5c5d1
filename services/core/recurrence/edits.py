"""Edits of a series as the calendar does them: this and following, all, and one left out.

"This and following" are two schedules, the head and the tail, for there is no such call: the master is
shortened and a new series starts. Cancelling one occurrence is no edit of the rules (it is a cancelled
instance), so `without` serves moves between calendars only.

What moves is the wall clock: an occurrence at 10:00 that becomes 15:00 moves every start by five hours of
wall clock, in summer and in winter, UNTIL included, so that no last occurrence is lost. What a rule says
stays as it is written unless weekdays are asked to follow; what it leaves to DTSTART follows.

One thing cannot be said: a rule with an INTERVAL that does not itself have the occurrence at which a series
is split (an RDATE, or an occurrence of another rule) counts its periods anew from there.

Source:
    Calendar API guide, 'Recurring events', 'Modify all following instances'; RFC 5545 sections 3.3.10 for the
    forms of UNTIL, and 3.8.5.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services.core.errors import InvalidSlotError
from services.core.frozen import replace
from services.core.recurrence.expansion import has_occurrence, instant_named, instants
from services.core.recurrence.instances import instance_key
from services.core.recurrence.lines import Line, join_rule, split_line, write_date, write_instant
from services.core.recurrence.moving import (
    Move,
    Parts,
    Weekdays,
    move_between,
    moved_dates,
    moved_rule,
    rule_parts,
    with_implied_parts,
    with_part,
    without_part,
)
from services.core.recurrence.placing import walls
from services.core.recurrence.reading import RecurrenceRules, is_date, parse_recurrence
from services.core.recurrence.wall import SECOND, rule_wall_of, wall_of
from services.core.slots import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.core.recurrence.instances import OriginalStart
    from services.core.recurrence.rules import Rule
    from services.core.slots import AllDay, Timed

_ADDING = ("RRULE", "RDATE")


def truncated_before(schedule: Schedule, original_start: OriginalStart) -> Schedule | None:
    """The head of a split: what occurs before `original_start`.

    Rules that go on get an UNTIL in the form of the series, in place of their COUNT.

    Returns:
        `None` when nothing occurs before.

    Raises:
        InvalidRecurrenceError: The recurrence is not valid.
        InvalidSlotError: A date names no instance of a timed series, nor an instant one of an all-day series.
    """
    rules = parse_recurrence(schedule.recurrence, schedule.span)
    cut = _cut(rules, original_start)
    if next(instants(rules, rules.first, cut), None) is None:
        return None
    last = _last_before(cut, rules)
    until = write_date(last) if rules.is_all_day else write_instant(last)
    lines: list[Line] = []
    for line, rule in _with_rules(schedule, rules):
        if rule is None:
            lines.extend(moved_dates(line, rules, lambda instant, _: instant < cut))
        elif line.name == "EXRULE" or _has_ended(rule, rules, cut):
            lines.append(line)
        else:
            parts = without_part(rule_parts(line), "COUNT")
            lines.append(line.with_values([join_rule(with_part(parts, "UNTIL", until))]))
    if not any(line.name in _ADDING for line in lines):
        # It stays a series, so that exceptions of its only occurrence keep their master.
        dates = (("VALUE", "DATE"),) if rules.is_all_day else ()
        start = write_date(rules.first) if rules.is_all_day else write_instant(rules.first)
        lines.append(Line("RDATE", dates, start))
    return replace(schedule, recurrence=tuple(map(str, lines)))


def continued_from(
    schedule: Schedule,
    original_start: OriginalStart,
    new_span: Timed | AllDay,
    *,
    weekdays: Weekdays = Weekdays.KEEP,
) -> Schedule:
    """The tail of a split: what occurs from `original_start` on, moved to where `new_span` puts that one.

    COUNT is reduced by what the head keeps. Without anything left but `new_span`, the tail is a single slot.

    Raises:
        InvalidRecurrenceError: The recurrence is not valid.
        InvalidSlotError: A date names no instance of a timed series, nor an instant one of an all-day series.
    """
    rules = parse_recurrence(schedule.recurrence, schedule.span)
    cut = _cut(rules, original_start)
    day = wall_of(cut, rules.zone).date()
    move = move_between(rules, cut, new_span)

    def is_kept(instant: datetime, text: str) -> bool:
        return wall_of(instant, rules.zone).date() >= day if is_date(text) else instant >= cut

    lines: list[Line] = []
    for line, rule in _with_rules(schedule, rules):
        if rule is None:
            lines.extend(moved_dates(line, rules, is_kept, move))
        elif (parts := _tail_of_rule(line, rule, rules, cut, move)) is not None:
            lines.append(line.with_values([join_rule(moved_rule(parts, rule, move, weekdays))]))
    if not any(line.name in _ADDING for line in lines):
        lines = []
    return Schedule(new_span, tuple(map(str, lines)))


def shifted(
    schedule: Schedule,
    new_span: Timed | AllDay,
    *,
    original_start: OriginalStart | None = None,
    weekdays: Weekdays = Weekdays.KEEP,
) -> Schedule:
    """The whole series, moved as `new_span` moves one occurrence.

    Args:
        schedule: A series.
        new_span: Where the occurrence comes to stand, in the zone that the series gets.
        original_start: The occurrence; `None` is the first, so that `new_span` is the span of the series.
        weekdays: Whether the weekdays of weekly rules move as well.

    Raises:
        InvalidRecurrenceError: The recurrence is not valid.
        InvalidSlotError: A date names no instance of a timed series, nor an instant one of an all-day series.
    """
    rules = parse_recurrence(schedule.recurrence, schedule.span)
    origin = rules.first if original_start is None else _cut(rules, original_start)
    move = move_between(rules, origin, new_span)
    lines: list[Line] = []
    for line, rule in _with_rules(schedule, rules):
        if rule is None:
            lines.extend(moved_dates(line, rules, lambda *_: True, move))
        else:
            parts = moved_rule(rule_parts(line), rule, move, weekdays)
            lines.append(line.with_values([join_rule(parts)]))
    return Schedule(move.span(new_span), tuple(map(str, lines)))


def moved_start(
    schedule: Schedule, original_start: OriginalStart, new_span: Timed | AllDay, other: OriginalStart
) -> OriginalStart:
    """The name that another instance gets when the one at `original_start` moves to `new_span`.

    Raises:
        InvalidRecurrenceError: The recurrence is not valid.
        InvalidSlotError: A date names no instance of a timed series, nor an instant one of an all-day series.
    """
    rules = parse_recurrence(schedule.recurrence, schedule.span)
    move = move_between(rules, _cut(rules, original_start), new_span)
    start = move.instant(_cut(rules, other))
    return start.date() if move.is_all_day else start


def without(schedule: Schedule, original_start: OriginalStart) -> Schedule:
    """The series with one occurrence excluded; the same when it has no such occurrence.

    Raises:
        InvalidRecurrenceError: The recurrence is not valid.
    """
    if not has_occurrence(schedule, original_start):
        return schedule
    form = "EXDATE" if isinstance(original_start, datetime) else "EXDATE;VALUE=DATE"
    return replace(schedule, recurrence=(*schedule.recurrence, f"{form}:{instance_key(original_start)}"))


def _last_before(cut: datetime, rules: RecurrenceRules) -> datetime:
    """The last instant of a head that every reader puts before the cut.

    Where the clock jumps over the cut, the second before it shows a later time than the rule does, and who
    compares wall clocks would let the occurrence stand.
    """
    wall = rule_wall_of(cut, rules.zone, rules.start.time())
    return min(cut, wall.replace(tzinfo=rules.zone, fold=1).astimezone(UTC)) - SECOND


def _cut(rules: RecurrenceRules, original_start: OriginalStart) -> datetime:
    cut = instant_named(rules, original_start)
    if cut is None:
        kind = "a date" if rules.is_all_day else "an instant"
        raise InvalidSlotError("/original_start", f"Instances of this series are named by {kind}.")
    return cut


def _with_rules(schedule: Schedule, rules: RecurrenceRules) -> Iterator[tuple[Line, Rule | None]]:
    """The lines of a schedule, each with the rule that it says."""
    read = {"RRULE": iter(rules.rules), "EXRULE": iter(rules.exclusions)}
    for text in schedule.recurrence:
        line = split_line(text)
        if line is not None:
            yield line, next(read[line.name]) if line.name in read else None


def _has_ended(rule: Rule, rules: RecurrenceRules, cut: datetime) -> bool:
    if rule.until is not None:
        return rule.until < cut
    return rule.count is not None and _counted_before(rule, rules, cut) == rule.count


def _counted_before(rule: Rule, rules: RecurrenceRules, cut: datetime) -> int:
    wall = wall_of(cut, rules.zone)
    return sum(each < wall for each in walls(rule, rules.start, rules.start, wall))


def _tail_of_rule(line: Line, rule: Rule, rules: RecurrenceRules, cut: datetime, move: Move) -> Parts | None:
    """A rule as it goes on from the cut; `None` when it has ended before."""
    if _has_ended(rule, rules, cut):
        return None
    parts = rule_parts(line)
    if rule.count is not None:
        parts = with_part(parts, "COUNT", str(rule.count - _counted_before(rule, rules, cut)))
    wall = wall_of(cut, rules.zone)
    if move.is_still and cut != rules.first and wall not in walls(rule, rules.start, wall, wall):
        # The new DTSTART is not one of the rule's, so what the rule took from the old one is written into it.
        return with_implied_parts(parts, rule, rules)
    return parts
