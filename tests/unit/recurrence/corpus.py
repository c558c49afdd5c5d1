"""The corpus of series (corpus.json) and what other libraries make of it (independent.json).

`independent.mjs` says how the answers were made. Where a library disagrees with the others, the text of
RFC 5545 decided, and `DISAGREEMENTS` says why.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.core.recurrence import Occurrence, instance_key, occurrences
from services.core.slots import AllDay, Schedule, Timed

_HERE = Path(__file__).parent
BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """One series."""

    name: str
    schedule: Schedule
    zone: str | None
    before: datetime
    """The end of the window in which it is compared."""
    walls: list[str] | None
    """The times that RFC 5545 prints, on the wall clock of the series."""
    is_refused: bool

    def found(self) -> list[Occurrence]:
        return list(occurrences(self.schedule, ends_after=BEGINNING, starts_before=self.before))

    def keys(self) -> list[str]:
        return [instance_key(each.original_start) for each in self.found()]


def _case(given: dict[str, Any]) -> Case:
    span: Timed | AllDay
    zone = given.get("zone")
    if zone is None:
        span = AllDay(date.fromisoformat(given["start"]), date.fromisoformat(given["end"]))
    else:
        start = datetime.fromisoformat(given["start"]).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        span = Timed(start, start + timedelta(hours=1), zone)
    return Case(
        given["name"],
        Schedule(span, tuple(given["lines"])),
        zone,
        datetime.fromisoformat(given["before"]).replace(tzinfo=UTC),
        given.get("walls"),
        given.get("refused", False),
    )


CASES = [_case(each) for each in json.loads((_HERE / "corpus.json").read_text())]
ANSWERS: dict[str, dict[str, list[str] | str]] = json.loads((_HERE / "independent.json").read_text())

_DTSTART = (
    "DTSTART occurs also when no rule has it (RFC 5545, 3.8.5.3: undefined; Google shows it, uncounted)."
)
_RDATE = "The set begins with DTSTART, also when there are RDATE lines only (RFC 5545, 3.8.5.2)."
_GAP = "A time that the clock jumps over moves forward and is not left out (RFC 5545, 3.3.5 and 3.3.10)."
_SETPOS = (
    "BYSETPOS counts within the whole period, also before DTSTART (RFC 5545, 3.3.10); it is lost or cut."
)
_WEEK = "BYWEEKNO chooses weeks, and the weekday comes from BYDAY or DTSTART (RFC 5545, 3.3.10)."
_YEARS = (
    "A week is of the year that has four of its days, with its days in the other year (RFC 5545, 3.3.10)."
)
_FORM = "Against the letter of RFC 5545 but clear, and other calendars write it; the library refuses it."

DISAGREEMENTS: dict[str, dict[str, str]] = {
    "ical.js": {
        "RFC 5545: every 20th Monday of the year": "Contradicts the dates that RFC 5545 prints.",
        "RFC 5545: Monday of week 20": "Contradicts the dates that RFC 5545 prints.",
        "yearly on 29 February": "Dates that do not exist are left out, not moved (RFC 5545, 3.3.10).",
        "yearly on 29 February over 2100": "Dates that do not exist are left out, not moved.",
        "first weekend day of the year": _SETPOS,
        "second time of day": _SETPOS,
        "second day of the week that is named": _SETPOS,
        "position counted from before the start of the series": _SETPOS,
        "week 53": _WEEK,
        "week 1, days of two years": _WEEK,
        "last week of the year": _WEEK,
        "week 52, days of two years": _WEEK,
        "53rd week from the end": _WEEK,
        "week without a weekday takes it from the start": _WEEK,
        "15th of every month by year": "BYMONTHDAY expands a year to all its months (RFC 5545, 3.3.10).",
        "UNTIL before the start": _DTSTART,
        "RDATE only": _RDATE,
        "RDATE in UTC": _RDATE,
        "EXDATE of a time that is jumped over": "It is asked on the wall clock, where that time is not.",
        "start that the rule does not have": _DTSTART,
        "start that a monthly rule does not have": _DTSTART,
    },
    "rrule-temporal": {
        "clock change in Europe/Berlin 2026-03 at a time that is jumped over": _GAP,
        "clock change in America/New_York 2026-03 at a time that is jumped over": _GAP,
        "clock change in Australia/Lord_Howe 2026-10 at a time that is jumped over": _GAP,
        "clock change in America/Santiago 2026-09 at a midnight that is jumped over": _GAP,
        "EXDATE of a time that is jumped over": _GAP,
        "UNTIL without zone": _FORM,
        "UNTIL before the start": _DTSTART,
        "RDATE only": _RDATE,
        "RDATE in UTC": _RDATE,
        "start that the rule does not have": _DTSTART,
        "start that a monthly rule does not have": _DTSTART,
    },
    "rrule-rust": {
        "clock change in America/Santiago 2026-09 at a midnight that is jumped over": _GAP,
        "second day of the week that is named": _SETPOS,
        "position counted from before the start of the series": _SETPOS,
        "numbered and plain weekdays together": "BYDAY unites what it lists (RFC 5545, 3.3.10).",
        "week 52, days of two years": _YEARS,
        "53rd week from the end": _YEARS,
        "week without a weekday takes it from the start": _WEEK,
        "UNTIL as a date in a timed series": _FORM,
        "UNTIL before the start": _DTSTART,
        "RDATE only": _RDATE,
        "RDATE in UTC": _RDATE,
        "start that the rule does not have": _DTSTART,
        "start that a monthly rule does not have": _DTSTART,
        "in lower case, with plus signs": "Values are the same in any case (RFC 5545, section 2).",
    },
}
"""By library and case: why it is not followed."""
