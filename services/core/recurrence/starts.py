"""The starts that an RDATE or EXDATE line adds or takes away, whatever form they are written in.

Source:
    RFC 5545 sections 3.8.5.1 and 3.8.5.2; what a date means in a timed series is decided in `reading`.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

from services.core.recurrence.expansion import instants
from services.core.recurrence.lines import Line, split_line, write_date, write_instant
from services.core.recurrence.reading import is_date, parse_recurrence
from services.core.recurrence.wall import DAY, moved, resolve, wall_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from services.core.slots import Schedule


def starts_of(line: Line, schedule: Schedule) -> list[datetime]:
    """The instants of a line of the schedule, sorted; midnights UTC for days of an all-day series.

    A date that is excluded from a timed series stands for everything that would start on it otherwise.

    Raises:
        InvalidRecurrenceError: The line cannot be read.
    """
    rules = parse_recurrence([str(line)], schedule.span)
    if line.name != "EXDATE":
        return sorted(rules.extra)
    of_days = (start for day in rules.excluded_days for start in _starts_on(schedule, day))
    return sorted({*rules.excluded, *of_days})


def in_form_of_start(line: Line, schedule: Schedule) -> Line | None:
    """An RDATE or EXDATE line whose values are written as DTSTART is: dates, or date-times.

    Programs differ in what they make of a date in a timed series. A line that has the form stays as it is.

    Returns:
        `None`: the line says nothing, since nothing starts on the days that it excludes.

    Raises:
        InvalidRecurrenceError: The line cannot be read.
    """
    if all(is_date(each) == schedule.all_day for each in line.values):
        return line
    starts = starts_of(line, schedule)
    if not starts:
        return None
    write = write_date if schedule.all_day else write_instant
    return line.in_form("DATE" if schedule.all_day else None).with_values(write(each) for each in starts)


def _starts_on(schedule: Schedule, day: date) -> Iterator[datetime]:
    """What a timed series would have on a day without its EXDATE lines."""
    kept = [text for text in schedule.recurrence if (line := split_line(text)) and line.name != "EXDATE"]
    rules = parse_recurrence(kept, schedule.span)
    midnight = resolve(datetime.combine(day, time()), rules.zone)
    for start in instants(rules, midnight, moved(midnight, 2 * DAY)):
        if wall_of(start, rules.zone).date() == day:
            yield start
