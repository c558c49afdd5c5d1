"""One form of a recurrence, so that equality means agreement.

Only what has no meaning is changed: case, order, repetition, and parts that say the default. Nothing is
resolved (a time in a zone stays a time in that zone) and what is not understood stays as it is, so that
normalising never loses anything and never fails.

Source:
    RFC 5545 section 3.3.10: the parts of a rule may come in any order; INTERVAL is 1 and WKST is MO unless
    said otherwise; sections 3.8.5.1 and 3.8.5.2 for lists of dates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.recurrence.lines import Line, join_rule, read_moment, split_line, split_rule
from services.core.recurrence.rules import WEEKDAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINES = ("RRULE", "EXRULE", "RDATE", "EXDATE")
_PARTS = (
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "BYMONTH",
    "BYWEEKNO",
    "BYYEARDAY",
    "BYMONTHDAY",
    "BYDAY",
    "BYHOUR",
    "BYMINUTE",
    "BYSECOND",
    "BYSETPOS",
    "WKST",
)
_DEFAULTS = {("INTERVAL", "1"), ("WKST", "MO")}


def normalise_recurrence(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines in one order and one case, lists of dates sorted and merged, repetitions dropped."""
    others: set[str] = set()
    dates: dict[tuple[str, tuple[tuple[str, str], ...]], set[str]] = {}
    for text in lines:
        line = split_line(text)
        if line is None:
            others.add(text.strip())
        elif line.name in ("RRULE", "EXRULE"):
            others.add(str(Line(line.name, tuple(sorted(line.parameters)), _rule(line.value))))
        elif line.name in ("RDATE", "EXDATE"):
            values = {each.strip().upper() for each in line.values}
            dates.setdefault((line.name, _parameters(line)), set()).update(values)
        else:
            others.add(str(line))
    merged = {str(Line(*key, ",".join(sorted(values)))) for key, values in dates.items()}
    return tuple(sorted(others | merged, key=_order))


def _order(text: str) -> tuple[int, str]:
    line = split_line(text)
    name = "" if line is None else line.name
    return (_LINES.index(name) if name in _LINES else len(_LINES), text)


def _parameters(line: Line) -> tuple[tuple[str, str], ...]:
    """Sorted; VALUE says what the values themselves say."""
    values = [read_moment(each) for each in line.values if "/" not in each]
    kept = [(name, value.upper() if name == "VALUE" else value) for name, value in line.parameters]
    if len(values) == len(line.values) and None not in values:
        kept = [each for each in kept if each not in {("VALUE", "DATE"), ("VALUE", "DATE-TIME")}]
        if all(each is not None and each.clock is None for each in values):
            kept.append(("VALUE", "DATE"))
    return tuple(sorted(kept))


def _rule(value: str) -> str:
    given = split_rule(value)
    if not all(text for _, text in given):
        return value
    parts = [(name, _part(name, text)) for name, text in given]
    return join_rule(sorted((each for each in parts if each not in _DEFAULTS), key=_part_order))


def _part_order(part: tuple[str, str]) -> tuple[int, str, str]:
    name, text = part
    return (_PARTS.index(name) if name in _PARTS else len(_PARTS), name, text)


def _part(name: str, text: str) -> str:
    if name == "BYDAY":
        days = {_number(each[:-2]) + each[-2:] for each in text.split(",")}
        return ",".join(sorted(days, key=_day_order))
    if name.startswith("BY"):
        return ",".join(sorted({_number(each) for each in text.split(",")}, key=_number_order))
    return _number(text) if name in ("INTERVAL", "COUNT") else text


def _number(text: str) -> str:
    """Without a plus sign and leading zeros."""
    digits = text.strip().lstrip("+-")
    if not (digits.isascii() and digits.isdigit()):
        return text.strip()
    return ("-" if text.strip().startswith("-") else "") + (digits.lstrip("0") or "0")


def _number_order(text: str) -> tuple[int, str]:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:  # noqa: PLR2004 - no number of a rule.
        return (0, text)
    return (int(text), text)


def _day_order(text: str) -> tuple[int, tuple[int, str]]:
    day = text[-2:]
    return (WEEKDAYS.index(day) if day in WEEKDAYS else len(WEEKDAYS), _number_order(text[:-2]))
