"""Cutting the rules of a series in two at one of its occurrences.

Source: Calendar API guide, 'Recurring events' (this and following); RFC 5545 section 3.3.10.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

from sandbox.model.recurrence import UNTIL, first_local, line_zone, local_moment, local_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from sandbox.messages import Json

_WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def split_lines(
    lines: Sequence[str], start: Json, zone: ZoneInfo, at: datetime
) -> tuple[list[str], list[str]]:
    """The recurrence lines before and from an occurrence that is not the first.

    Args:
        lines: Lines that can be read.
        start: When the series begins.
        zone: Its zone.
        at: The occurrence as the rules place it, on the wall clock of the series.
    """
    head: list[str] = []
    tail: list[str] = []
    for line in lines:
        name, _, value = line.partition(":")
        kind = name.upper().partition(";")[0]
        if kind == "RRULE":
            before, after = _split_rule(value, start, zone, at)
            head += [f"{name}:{before}"]
            tail += [f"{name}:{after}"] if after else []
        elif kind in {"RDATE", "EXDATE"}:
            given = line_zone(name, zone)
            moments = {one: local_moment(one.split("/")[0], given, zone) for one in value.split(",")}
            early = [one for one, moment in moments.items() if moment < at]
            late = [one for one, moment in moments.items() if moment >= at]
            head += [f"{name}:{','.join(early)}"] if early else []
            tail += [f"{name}:{','.join(late)}"] if late else []
        else:
            head.append(line)
            tail.append(line)
    return head, tail


def other_weekdays(lines: Sequence[str], days: int) -> list[str]:
    """Lines whose weekly rules name the weekdays so many days later.

    Source: moving a weekly event to another day on Google's own page.
    """
    return [_turned(line, days) if "FREQ=WEEKLY" in line.upper() else line for line in lines]


def _split_rule(value: str, start: Json, zone: ZoneInfo, at: datetime) -> tuple[str, str]:
    first = first_local(start, zone)
    rule = rrulestr(UNTIL.sub(lambda found: local_until(found, start, zone), value), dtstart=first)
    if rule.after(at, inc=True) is None:
        return value, ""
    parts = [part for part in value.split(";") if part]
    endless = [part for part in parts if not part.upper().startswith(("COUNT=", "UNTIL="))]
    if "date" in start:
        until = (at - timedelta(days=1)).strftime("%Y%m%d")
    else:
        last = at.replace(tzinfo=zone).astimezone(UTC) - timedelta(seconds=1)
        until = last.strftime("%Y%m%dT%H%M%SZ")
    rest = parts
    if rule.after(at, inc=True) != at:
        rest = [*_implied(endless, first, at), *parts]
    if "COUNT=" in value.upper():
        left = sum(one >= at for one in rule)
        rest = [*(part for part in rest if not part.upper().startswith("COUNT=")), f"COUNT={left}"]
    return ";".join([*endless, f"UNTIL={until}"]), ";".join(rest)


def _implied(parts: Sequence[str], first: datetime, at: datetime) -> list[str]:
    """What a rule leaves to the start of its series, spelt out for one that starts at another time."""
    names = {part.partition("=")[0].upper(): part.partition("=")[2].upper() for part in parts}
    clock = [] if first.time() == at.time() else [("BYHOUR", first.hour), ("BYMINUTE", first.minute)]
    times = [f"{name}={number}" for name, number in clock if name not in names]
    if names.keys() & {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"}:
        return times
    months = [f"BYMONTH={first.month}"] if "BYMONTH" not in names else []
    days = {
        "WEEKLY": [f"BYDAY={_WEEK[first.weekday()]}"],
        "MONTHLY": [f"BYMONTHDAY={first.day}"],
        "YEARLY": [*months, f"BYMONTHDAY={first.day}"],
    }
    return [*days.get(names.get("FREQ", ""), []), *times]


def _turned(line: str, days: int) -> str:
    parts = line.split(";")
    for index, part in enumerate(parts):
        name, equals, value = part.partition("=")
        if name.upper() in {"BYDAY", "RRULE:BYDAY"}:
            turned = [
                _WEEK[(_WEEK.index(day) + days) % 7] if day in _WEEK else day
                for day in value.upper().split(",")
            ]
            parts[index] = name + equals + ",".join(turned)
    return ";".join(parts)
