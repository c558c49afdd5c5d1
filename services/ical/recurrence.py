"""The lines of a series as programs understand them.

Rules stand as they are stored. What RFC 5545 does not allow but Google takes is put right, since programs
differ in what they make of it: an UNTIL of the wrong kind (section 3.3.10), extra and excluded starts of
another kind than DTSTART or without a zone (sections 3.8.5.1 and 3.8.5.2). Cancelled instances are excluded
starts: every program knows EXDATE, while some show an instance of `STATUS:CANCELLED` struck through.
A line that cannot be read is given as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from icalendar.prop import vDate, vDatetime, vInline

from services.core.errors import InvalidSlotError
from services.core.recurrence import parse_recurrence
from services.core.recurrence.lines import join_rule, split_line, split_rule, write_date, write_instant
from services.core.recurrence.placing import walls
from services.core.recurrence.starts import starts_of
from services.core.recurrence.wall import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from services.core.recurrence import OriginalStart
    from services.core.recurrence.lines import Line
    from services.core.slots import Schedule
    from services.ical.moments import Writer

    Property: TypeAlias = tuple[str, vInline | vDate | vDatetime]

_RULES = ("RRULE", "EXRULE")
_STARTS = ("RDATE", "EXDATE")


def recurrence_properties(
    schedule: Schedule, cancelled: Iterable[OriginalStart], writer: Writer
) -> Iterator[Property]:
    """The properties of a series beside DTSTART.

    Args:
        schedule: The series.
        cancelled: Original starts of its cancelled instances.
        writer: Of the series.
    """
    excluded: dict[str, vDate | vDatetime] = {}
    if _is_placed_by_no_rule(schedule):
        yield "RDATE", writer.moment(schedule.span.start, keep_wall=True)
    for text in schedule.recurrence:
        line = split_line(text)
        if line is None or line.name not in (*_RULES, *_STARTS):
            continue
        if line.name in _RULES:
            yield line.name, _as_it_is(_with_right_until(line, schedule))
            continue
        starts = _starts(line, schedule, writer)
        if starts is None:
            yield line.name, _as_it_is(line)
        elif line.name == "EXDATE":
            excluded.update((_name(each), each) for each in starts)
        else:
            yield from ((line.name, each) for each in starts)
    for original in cancelled:
        written = writer.moment(original)
        excluded.setdefault(_name(written), written)
    yield from (("EXDATE", excluded[key]) for key in sorted(excluded))


def _is_placed_by_no_rule(schedule: Schedule) -> bool:
    try:
        rules = parse_recurrence(schedule.recurrence, schedule.span)
    except InvalidSlotError:
        return False
    start = rules.start
    return all(start not in walls(rule, start, start, start + SECOND) for rule in rules.rules)


def _name(start: vDate | vDatetime) -> str:
    return str(start.dt)


def _as_it_is(line: Line) -> vInline:
    return vInline(line.value, params=dict(line.parameters))


def _with_right_until(line: Line, schedule: Schedule) -> Line:
    parts = split_rule(line.value)
    if not any(name == "UNTIL" for name, _ in parts):
        return line
    try:
        rules = parse_recurrence([f"RRULE:{line.value}"], schedule.span)
    except InvalidSlotError:
        return line
    until = rules.rules[0].until
    if until is None:
        return line
    right = write_date(until) if schedule.all_day else write_instant(until)
    return line.with_values([join_rule((name, right if name == "UNTIL" else value) for name, value in parts)])


def _starts(line: Line, schedule: Schedule, writer: Writer) -> list[vDate | vDatetime] | None:
    """The starts of an RDATE or EXDATE line in the form of DTSTART; `None` when they cannot be read."""
    try:
        return [writer.place(start) for start in starts_of(line, schedule)]
    except (InvalidSlotError, ValueError, OverflowError):
        return None
