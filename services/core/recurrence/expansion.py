"""From a schedule to its occurrences within a window.

Rules are placed on the naive wall clock (`placing`); what ties them to a series is done here: the zone,
DTSTART, UNTIL, extra and excluded starts. What happens costs what the window costs, however old the series;
only COUNT has to be counted from the start.

Decisions where RFC 5545 leaves room:

* DTSTART always occurs. When it does not match the rule, RFC 5545 section 3.8.5.3 calls the result undefined;
  Google shows it in addition to the COUNT occurrences of the rule
  (github.com/fmeringdal/rust-rrule/issues/119).
* Every occurrence lasts exactly as long as the first (section 3.8.5.3), also over a change of the clock.
* Occurrences that a jump of the clock puts on the same instant are one.

Source:
    RFC 5545 sections 3.3.10, 3.8.5.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from heapq import heappop, heappush, merge
from typing import TYPE_CHECKING

from services.core.recurrence.instances import Occurrence
from services.core.recurrence.placing import walls
from services.core.recurrence.reading import RecurrenceRules, parse_recurrence
from services.core.recurrence.wall import DAY, LATEST, SECOND, moved, resolve, wall_of
from services.core.slots import AllDay, Schedule, Timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.core.recurrence.instances import OriginalStart
    from services.core.recurrence.rules import Rule

_SLACK = 2 * DAY
"""More than any offset of a zone or jump of its clock."""
_FIRST_LOOK = 70 * DAY


def occurrences(schedule: Schedule, *, starts_before: datetime, ends_after: datetime) -> Iterator[Occurrence]:
    """The occurrences that overlap a window, by start.

    An occurrence without length counts when it starts at `ends_after`. Dates of all-day series are compared
    as midnights UTC, like `Schedule.sort_start`.

    Args:
        schedule: A series, or a single slot, which is its only occurrence.
        starts_before: Aware, exclusive.
        ends_after: Aware, exclusive.

    Raises:
        InvalidRecurrenceError: The recurrence is not valid.
    """
    rules = parse_recurrence(schedule.recurrence, schedule.span)
    length = schedule.sort_end - schedule.sort_start
    for start in instants(rules, moved(ends_after, -length), starts_before):
        if start >= ends_after or moved(start, length) > ends_after:
            yield _occurrence(schedule, start, length)


def has_occurrence(schedule: Schedule, original_start: OriginalStart) -> bool:
    """Whether the series has the instance of this name.

    Raises:
        InvalidRecurrenceError: The recurrence is not valid.
    """
    return occurrence_at(schedule, original_start) is not None


def occurrence_at(schedule: Schedule, original_start: OriginalStart) -> Occurrence | None:
    """The instance of this name; `None` when the series has none.

    Raises:
        InvalidRecurrenceError: The recurrence is not valid.
    """
    rules = parse_recurrence(schedule.recurrence, schedule.span)
    start = instant_named(rules, original_start)
    if start is None or start not in instants(rules, start, moved(start, SECOND)):
        return None
    return _occurrence(schedule, start, schedule.sort_end - schedule.sort_start)


def last_occurrence_end(schedule: Schedule) -> datetime | None:
    """When the last occurrence ends: a bound for indexes.

    Returns:
        `None` for a series without an end. Where every occurrence is excluded, the end of the first. Midnight
        UTC for all-day series.

    Raises:
        InvalidRecurrenceError: The recurrence is not valid.
    """
    rules = parse_recurrence(schedule.recurrence, schedule.span)
    length = schedule.sort_end - schedule.sort_start
    latest = max(rules.extra | {rules.first})
    for rule in rules.rules:
        end = _end_of_rule(rule, rules)
        if end is None:
            return None
        latest = max(latest, end)
    look = _FIRST_LOOK
    while True:
        since = moved(latest, -look)
        found = list(instants(rules, since, moved(latest, SECOND)))
        if found:
            return moved(found[-1], length)
        if since <= rules.first:
            return schedule.sort_end
        look *= 4


def instant_named(rules: RecurrenceRules, original_start: OriginalStart) -> datetime | None:
    """An original start on the scale of the rules; `None` when it is of the other kind."""
    if isinstance(original_start, datetime):
        return None if rules.is_all_day else original_start.astimezone(UTC)
    return datetime.combine(original_start, time(), UTC) if rules.is_all_day else None


def instants(rules: RecurrenceRules, lower: datetime, upper: datetime) -> Iterator[datetime]:
    """The starts of all occurrences from `lower` to before `upper`, in order."""
    single = sorted(each for each in rules.extra | {rules.first} if lower <= each < upper)
    excluded = merge(*(_placed(rule, rules, lower, upper) for rule in rules.exclusions))
    barred = next(excluded, None)
    previous: datetime | None = None
    for start in merge(single, *(_placed(rule, rules, lower, upper) for rule in rules.rules)):
        if start == previous:
            continue
        previous = start
        while barred is not None and barred < start:
            barred = next(excluded, None)
        if start == barred or start in rules.excluded:
            continue
        if rules.excluded_days and wall_of(start, rules.zone).date() in rules.excluded_days:
            continue
        yield start


def _placed(rule: Rule, rules: RecurrenceRules, lower: datetime, upper: datetime) -> Iterator[datetime]:
    lower = max(lower, rules.first)
    if rule.until is not None:
        upper = min(upper, moved(rule.until, SECOND))
    if lower >= upper:
        return
    near, far = (moved(lower, -_SLACK).replace(tzinfo=None), moved(upper, _SLACK).replace(tzinfo=None))
    # A jump of the clock moves an occurrence past later ones, so a few are held back to be put in order.
    held: list[datetime] = []
    for wall in walls(rule, rules.start, near, far):
        start = rules.first if wall == rules.start else resolve(wall, rules.zone)
        if lower <= start < upper:
            heappush(held, start)
        while held and moved(held[0], _SLACK) < start:
            yield heappop(held)
    while held:
        yield heappop(held)


def _end_of_rule(rule: Rule, rules: RecurrenceRules) -> datetime | None:
    """An instant after which the rule places nothing; `None` when there is none."""
    if rule.until is not None:
        return rule.until
    if rule.count is None:
        return None
    last = max(walls(rule, rules.start, rules.start, LATEST.replace(tzinfo=None)), default=rules.start)
    return moved(resolve(last, rules.zone), _SLACK)


def _occurrence(schedule: Schedule, start: datetime, length: timedelta) -> Occurrence:
    span = schedule.span
    if isinstance(span, Timed):
        return Occurrence(start, Timed(start, moved(start, length), span.timezone))
    day = start.date()
    return Occurrence(day, AllDay(day, moved(start, length).date()))
