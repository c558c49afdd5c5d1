"""The lines of a recurrence as text: property name, parameters, value; and the times written in them.

Nothing here knows a schedule. A line keeps what it does not understand (parameters of other vendors), so that
a line that is changed in one place is the same everywhere else.

Source:
    RFC 5545 sections 3.1 (content lines), 3.2 (parameters), 3.3.4 and 3.3.5 (dates and date-times).
    Calendar API reference, Events resource, `recurrence`: RRULE, EXRULE, RDATE and EXDATE lines,
    never DTSTART or DTEND.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.core.errors import InvalidSlotError
from services.core.frozen import replace

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINE = re.compile(
    r"""(?P<name>[A-Za-z0-9-]+)
        (?P<parameters>(?:;[A-Za-z0-9-]+=(?:"[^"\x00-\x1f]*"|[^";:,\x00-\x1f]*)
                            (?:,(?:"[^"\x00-\x1f]*"|[^";:,\x00-\x1f]*))*)*)
        :(?P<value>[^\x00-\x1f]*)""",
    re.VERBOSE,
)
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";])*)')
_MOMENT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z?))?", re.ASCII)


class InvalidRecurrenceError(InvalidSlotError):
    """A line of a recurrence that makes no sense, or none that Google would take."""

    def __init__(self, line: int, detail: str) -> None:
        """Name the line by its index, which is also how clients find it in what they sent."""
        super().__init__(f"/recurrence/{line}", detail)
        self.line = line


@dataclass(frozen=True, slots=True)
class Line:
    """One content line; `str()` gives it back as it was, but for the case of its names."""

    name: str
    """Upper case."""
    parameters: tuple[tuple[str, str], ...]
    """Names in upper case, values as written, quotes included."""
    value: str

    def __str__(self) -> str:
        given = "".join(f";{name}={value}" for name, value in self.parameters)
        return f"{self.name}{given}:{self.value}"

    def parameter(self, name: str) -> str | None:
        """The value of a parameter without its quotes; `None` when it is not there."""
        return next((value.strip('"') for known, value in self.parameters if known == name), None)

    @property
    def values(self) -> list[str]:
        """The comma-separated values."""
        return self.value.split(",")

    def with_values(self, values: Iterable[str]) -> Line:
        """The same line with other values."""
        return replace(self, value=",".join(values))

    def in_form(self, value_type: str | None) -> Line:
        """The same line, declared to hold values of this type (`None` for UTC date-times)."""
        others = tuple(each for each in self.parameters if each[0] not in ("VALUE", "TZID"))
        own = () if value_type is None else (("VALUE", value_type),)
        return replace(self, parameters=own + others)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as written: a day, perhaps with a time of day, perhaps in UTC."""

    day: date
    clock: time | None
    """`None` for a date."""
    is_utc: bool = False

    @property
    def wall(self) -> datetime:
        """The naive date-time; a date counts as its midnight."""
        return datetime.combine(self.day, self.clock or time())


def split_line(text: str) -> Line | None:
    """Read one line; `None` when it has not the form of a content line."""
    found = _LINE.fullmatch(text.strip())
    if found is None:
        return None
    parameters = tuple((each[1].upper(), each[2]) for each in _PARAMETER.finditer(found["parameters"] or ""))
    return Line(found["name"].upper(), parameters, found["value"].strip())


def split_rule(value: str) -> list[tuple[str, str]]:
    """The parts of a rule in their order, in upper case; a part without `=` has an empty value."""
    pairs = (part.partition("=") for part in value.upper().split(";") if part.strip())
    return [(name.strip(), text.strip()) for name, _, text in pairs]


def join_rule(parts: Iterable[tuple[str, str]]) -> str:
    """The inverse of `split_rule`."""
    return ";".join(f"{name}={text}" for name, text in parts)


def read_moment(text: str) -> Moment | None:
    """Read `20260302`, `20260302T080000` or `20260302T080000Z`; the start is read of a period.

    A leap second counts as the second before it (RFC 5545 section 3.3.12).
    """
    found = _MOMENT.fullmatch(text.strip().upper().partition("/")[0])
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(each) if each else 0 for each in found.groups()[:6])
    try:
        when = date(year, month, day)
        clock = time(hour, minute, min(second, 59) if second <= 60 else second) if found[4] else None  # noqa: PLR2004
    except ValueError:
        return None
    return Moment(when, clock, found[7] == "Z")


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def write_instant(instant: datetime) -> str:
    """`20260302T080000Z`."""
    at = instant.astimezone(UTC)
    return f"{write_date(at)}T{at.hour:02}{at.minute:02}{at.second:02}Z"


def write_date(day: date) -> str:
    """`20260302`."""
    return f"{day.year:04}{day.month:02}{day.day:02}"
