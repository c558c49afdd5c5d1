"""What a client may write as a recurrence, made into the form in which it is stored and sent.

Source:
    RFC 5545 section 3.3.10: UNTIL has the form of DTSTART, in UTC where that has a zone; sections 3.8.5.1 and
    3.8.5.2: so have EXDATE and RDATE. Google refuses a recurring event that never occurs.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

from services.core.frozen import replace
from services.core.recurrence.expansion import instants
from services.core.recurrence.lines import (
    InvalidRecurrenceError,
    join_rule,
    read_moment,
    split_line,
    write_date,
    write_instant,
)
from services.core.recurrence.moving import rule_parts, with_part
from services.core.recurrence.normal_form import normalise_recurrence
from services.core.recurrence.reading import parse_recurrence
from services.core.recurrence.starts import in_form_of_start
from services.core.recurrence.wall import LATEST, resolve

if TYPE_CHECKING:
    from services.core.recurrence.lines import Line
    from services.core.recurrence.reading import RecurrenceRules
    from services.core.slots import Schedule

_RULES = ("RRULE", "EXRULE")


def accepted(schedule: Schedule) -> Schedule:
    """The schedule with its recurrence in one form.

    Raises:
        InvalidRecurrenceError: A line is not valid, nothing recurs, or nothing ever occurs.
    """
    if not schedule.recurrence:
        return schedule
    rules = parse_recurrence(schedule.recurrence, schedule.span)
    if not rules.rules and not rules.extra:
        raise InvalidRecurrenceError(0, "At least one line must be an RRULE or an RDATE.")
    if next(instants(rules, rules.first, LATEST), None) is None:
        raise InvalidRecurrenceError(0, "Nothing occurs: every start is excluded.")
    lines = [line for text in schedule.recurrence if (line := _in_form(text, schedule, rules)) is not None]
    return replace(schedule, recurrence=normalise_recurrence(map(str, lines)))


def _in_form(text: str, schedule: Schedule, rules: RecurrenceRules) -> Line | None:
    line = split_line(text)
    assert line is not None  # noqa: S101  # all lines were read before
    return _with_until_in_form(line, rules) if line.name in _RULES else in_form_of_start(line, schedule)


def _with_until_in_form(line: Line, rules: RecurrenceRules) -> Line:
    parts = rule_parts(line)
    moment = read_moment(dict(parts).get("UNTIL", ""))
    if moment is None:
        return line
    if rules.is_all_day:
        until = write_date(moment.day)
    elif moment.clock is None:
        # The whole day counts, where the series is.
        until = write_instant(resolve(datetime.combine(moment.day, time(23, 59, 59)), rules.zone))
    elif not moment.is_utc:
        until = write_instant(resolve(moment.wall, rules.zone))
    else:
        return line
    return line.with_values([join_rule(with_part(parts, "UNTIL", until))])
