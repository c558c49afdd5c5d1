"""One rule: what an RRULE or EXRULE line says, checked.

Decisions where RFC 5545 leaves room:

* Rules more frequent than daily are refused. Google answers an import of FREQ=HOURLY with a server error
  (github.com/googleapis/google-api-ruby-client/issues/572) and shows no such series
  (github.com/sebbo2002/ical-generator/issues/130).
* UNTIL as a date ends with that day in the zone of the series; UNTIL without zone is a wall-clock time there.
  In an all-day series only the date of UNTIL counts.
* BYHOUR, BYMINUTE and BYSECOND of all-day series are ignored, as section 3.3.10 asks.
* COUNT is limited, for its cost is that of counting.

Source:
    RFC 5545 section 3.3.10 (RECUR).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, get_args

from services.core.recurrence.lines import read_moment, split_rule
from services.core.recurrence.wall import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

Frequency: TypeAlias = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]

MAX_COUNT = 20_000
"""Daily for half a century; a series that is longer has an UNTIL or no end."""

CLOCK_PARTS = ("BYHOUR", "BYMINUTE", "BYSECOND")
"""What all-day series have no use for."""

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_SUB_DAILY = ("SECONDLY", "MINUTELY", "HOURLY")
_LIMITS: Mapping[str, tuple[int, int]] = {
    "BYSECOND": (0, 60),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (-366, 366),
}
_NOT_WITH: Mapping[str, tuple[Frequency, ...]] = {
    "BYMONTHDAY": ("WEEKLY",),
    "BYYEARDAY": ("DAILY", "WEEKLY", "MONTHLY"),
    "BYWEEKNO": ("DAILY", "WEEKLY", "MONTHLY"),
}
_NUMBER = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """One RRULE or EXRULE."""

    frequency: Frequency
    interval: int
    count: int | None
    until: datetime | None
    """The last instant at which an occurrence may start, inclusive."""
    week_start: int
    """0 is Monday."""
    by: Mapping[str, tuple[int, ...]]
    """The numeric BYxxx parts that are given."""
    by_day: tuple[tuple[int, int], ...]
    """Weekday and ordinal; the ordinal is 0 when there is none."""


def implied_parts(rule: Rule, start: datetime) -> tuple[dict[str, tuple[int, ...]], int | None]:
    """What the rule leaves to DTSTART (RFC 5545 section 3.3.10): numeric parts, and perhaps a weekday."""
    parts: dict[str, tuple[int, ...]] = {}
    weekday: int | None = None
    if not (rule.by_day or rule.by.keys() & {"BYMONTHDAY", "BYYEARDAY"}):
        if rule.frequency == "WEEKLY" or "BYWEEKNO" in rule.by:
            weekday = start.weekday()
        elif rule.frequency in ("MONTHLY", "YEARLY"):
            parts["BYMONTHDAY"] = (start.day,)
            if rule.frequency == "YEARLY" and "BYMONTH" not in rule.by:
                parts["BYMONTH"] = (start.month,)
    clock = {"BYHOUR": start.hour, "BYMINUTE": start.minute, "BYSECOND": start.second}
    parts |= {name: (value,) for name, value in clock.items() if name not in rule.by}
    return parts, weekday


def read_rule(text: str, zone: tzinfo, *, is_all_day: bool) -> Rule:
    """Read the value of an RRULE or EXRULE line of a series.

    Raises:
        ValueError: It is not valid; the message says why, for people.
    """
    parts: dict[str, str] = {}
    for name, value in split_rule(text):
        if name in parts:
            raise ValueError(f"{name[:20]} is given twice.")
        parts[name] = value
    frequency = parts.pop("FREQ", "")
    if frequency in _SUB_DAILY:
        raise ValueError(f"FREQ={frequency} is not supported: Google repeats events daily at most.")
    if frequency not in get_args(Frequency):
        raise ValueError("FREQ is one of DAILY, WEEKLY, MONTHLY and YEARLY.")
    known = cast("Frequency", frequency)
    interval = _positive("INTERVAL", parts.pop("INTERVAL", "1"), 999_999_999)
    count = _positive("COUNT", parts.pop("COUNT"), MAX_COUNT) if "COUNT" in parts else None
    until = _read_until(parts.pop("UNTIL"), zone, is_all_day=is_all_day) if "UNTIL" in parts else None
    if count is not None and until is not None:
        raise ValueError("COUNT and UNTIL exclude each other.")
    week_start = parts.pop("WKST", "MO")
    if week_start not in WEEKDAYS:
        raise ValueError("WKST is a weekday: MO, TU, WE, TH, FR, SA or SU.")
    by_day = tuple(dict.fromkeys(map(_read_day, parts.pop("BYDAY").split(",")))) if "BYDAY" in parts else ()
    by = {name: _read_numbers(name, text) for name, text in parts.items()}
    _check_together(known, by, by_day)
    if is_all_day:
        by = {name: values for name, values in by.items() if name not in CLOCK_PARTS}
    return Rule(known, interval, count, until, WEEKDAYS.index(week_start), by, by_day)


def _check_together(
    frequency: Frequency, by: Mapping[str, tuple[int, ...]], by_day: tuple[tuple[int, int], ...]
) -> None:
    for name in by:
        if frequency in _NOT_WITH.get(name, ()):
            raise ValueError(f"{name} does not go with FREQ={frequency}.")
    if any(ordinal for _, ordinal in by_day):
        if frequency not in ("MONTHLY", "YEARLY"):
            raise ValueError(f"BYDAY with a number does not go with FREQ={frequency}.")
        if "BYWEEKNO" in by:
            raise ValueError("BYDAY with a number does not go with BYWEEKNO.")
    if "BYSETPOS" in by and len(by) == 1 and not by_day:
        raise ValueError("BYSETPOS needs another BYxxx part to choose from.")


def _positive(name: str, text: str, most: int) -> int:
    if _NUMBER.fullmatch(text) and 0 < int(text) <= most:
        return int(text)
    raise ValueError(f"{name} is a number from 1 to {most}.")


def _read_numbers(name: str, text: str) -> tuple[int, ...]:
    if name not in _LIMITS:
        raise ValueError(f"{name[:20]} is not a part of a rule.")
    least, most = _LIMITS[name]
    numbers = [int(each) for each in text.split(",") if _NUMBER.fullmatch(each)]
    if len(numbers) != len(text.split(",")) or not all(least <= each <= most for each in numbers):
        raise ValueError(f"{name} holds numbers from {least} to {most}.")
    if least < 0 and 0 in numbers:
        raise ValueError(f"{name} does not hold 0.")
    # A leap second counts as the second before it (RFC 5545 section 3.3.12).
    return tuple(sorted({59 if name == "BYSECOND" and each == most else each for each in numbers}))


def _read_day(text: str) -> tuple[int, int]:
    found = _DAY.fullmatch(text)
    if found is None or (found[1] and not 0 < abs(int(found[1])) <= 53):  # noqa: PLR2004 - weeks of a year.
        raise ValueError("BYDAY holds weekdays: MO, TU, WE, TH, FR, SA, SU, perhaps with a number before.")
    return WEEKDAYS.index(found[2]), int(found[1] or 0)


def _read_until(text: str, zone: tzinfo, *, is_all_day: bool) -> datetime:
    moment = read_moment(text) if "/" not in text else None
    if moment is None:
        raise ValueError("UNTIL is a date, or a date-time such as 20260302T080000Z.")
    if is_all_day:
        return datetime.combine(moment.day, time(), UTC)
    if moment.clock is None:
        last_midnight = datetime.combine(moment.day, time())
        if moment.day == date.max:
            return last_midnight.replace(tzinfo=UTC)
        return resolve(last_midnight + timedelta(days=1), zone) - timedelta(seconds=1)
    return moment.wall.replace(tzinfo=UTC) if moment.is_utc else resolve(moment.wall, zone)
