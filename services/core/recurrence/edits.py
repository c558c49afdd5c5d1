"""Edits of a series as the calendar does them: this and following, all, and one left out.

"This and following" are two schedules, the head and the tail, for there is no such call: the master is
shortened and a new series starts. Cancelling one occurrence is no edit of the rules (it is a cancelled
instance), so `without` serves moves between calendars only.

What moves is the wall clock: an occurrence at 10:00 that becomes 15:00 moves every start by five hours of
wall clock, in summer and in winter, UNTIL included, so that no last occurrence is lost. What a rule says
stays as it is written unless weekdays are asked to follow; what it leaves to DTSTART follows.

What a rule places stays where it is, wherever the series is split: where that is at an RDATE, from which the
rule could not count on, the tail begins with the rule's last occurrence before, which is left out. Of several
rules one alone can have the start: the tail begins with what it has next, and another one with an INTERVAL
counts its periods anew.

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
from services.core.recurrence.wall import LATEST, SECOND, resolve, rule_wall_of, wall_of
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
    first = next(instants(rules, min(rules.extra | {rules.first}), cut), None)
    if first is None:
        return None
    if cut <= rules.first:
        return _dates_before(schedule, rules, first, cut)
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
        lines.append(_date("RDATE", rules.first, as_day=rules.is_all_day))
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
    start = _start_of_tail(rules, cut, move)
    span = new_span if start == cut else move.span(new_span, start)
    # A date at another time of day may come to another day than what the rule places.
    of_rules = move if start == cut else move_between(rules, start, span)

    def is_kept(instant: datetime, text: str) -> bool:
        return wall_of(instant, rules.zone).date() >= day if is_date(text) else instant >= cut

    lines: list[Line] = []
    for line, rule in _with_rules(schedule, rules):
        if rule is None:
            lines.extend(moved_dates(line, rules, is_kept, move))
        elif (parts := _tail_of_rule(line, rule, cut, start, move)) is not None:
            lines.append(line.with_values([join_rule(moved_rule(parts, rule, of_rules, weekdays))]))
    alone = {each for each in (cut, rules.first) if cut <= each != start} - rules.extra
    lines.extend(_date("RDATE", move.instant(each), as_day=move.is_all_day) for each in sorted(alone))
    if start < cut:
        lines.append(_date("EXDATE", of_rules.instant(start), as_day=move.is_all_day))
    if not any(line.name in _ADDING for line in lines):
        lines = []
    return Schedule(span, tuple(map(str, lines)))


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


def _dates_before(schedule: Schedule, rules: RecurrenceRules, first: datetime, cut: datetime) -> Schedule:
    """The head of a series that is cut at its start, or before: dates alone, and it begins with them."""
    lines = [
        each
        for line, rule in _with_rules(schedule, rules)
        if rule is None
        for each in moved_dates(line, rules, lambda instant, _: instant < cut)
    ]
    span = move_between(rules, rules.first, schedule.span).span(schedule.span, first)
    return Schedule(span, tuple(map(str, lines)))


def _start_of_tail(rules: RecurrenceRules, cut: datetime, move: Move) -> datetime:
    """With what a tail begins so that its rule goes on as it was: the cut, or what the rule has around it.

    A rule without an INTERVAL that does not move goes on from anywhere, once all that it took from its start
    is written into it.
    """
    wall = wall_of(cut, rules.zone)
    going_on = [rule for rule in rules.rules if not _has_ended(rule, rules, cut)]
    if cut < rules.first and going_on:
        return rules.first
    if cut == rules.first or any(wall in walls(rule, rules.start, wall, wall) for rule in going_on):
        return cut
    if move.is_still and all(rule.interval == 1 for rule in going_on):
        return cut
    behind = [start for rule in going_on if (start := _next_of(rule, rules, cut)) is not None]
    if not behind:
        return cut
    if len(going_on) > 1:
        return behind[0]
    before = [each for each in walls(going_on[0], rules.start, rules.start, wall) if each < wall]
    return resolve(before[-1], rules.zone) if before else rules.first


def _next_of(rule: Rule, rules: RecurrenceRules, cut: datetime) -> datetime | None:
    """What a rule places first from the cut on."""
    wall, latest = wall_of(cut, rules.zone), LATEST.replace(tzinfo=None)
    behind = (each for each in walls(rule, rules.start, wall, latest) if each >= wall)
    start = next((resolve(each, rules.zone) for each in behind), None)
    return None if start is None or (rule.until is not None and start > rule.until) else start


def _date(name: str, start: datetime, *, as_day: bool) -> Line:
    if as_day:
        return Line(name, (("VALUE", "DATE"),), write_date(start))
    return Line(name, (), write_instant(start))


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


def _tail_of_rule(line: Line, rule: Rule, cut: datetime, start: datetime, move: Move) -> Parts | None:
    """A rule as it goes on from the cut in a series with this start; `None` when it has ended before."""
    rules = move.rules
    if _has_ended(rule, rules, cut) or _next_of(rule, rules, cut) is None:
        return None
    parts = rule_parts(line)
    if rule.count is not None:
        parts = with_part(parts, "COUNT", str(rule.count - _counted_before(rule, rules, min(start, cut))))
    wall = wall_of(start, rules.zone)
    if move.is_still and start != rules.first and wall not in walls(rule, rules.start, wall, wall):
        # The new DTSTART is not one of the rule's, so what the rule took from the old one is written into it.
        return with_implied_parts(parts, rule, rules)
    return parts
