"""From a recurring event to its occurrences, in the wall-clock time of its own zone.

Source: Calendar API guide, 'Recurring events'; RFC 5545 for the rule language, which
python-dateutil evaluates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dateutil.rrule import rruleset, rrulestr  # type: ignore[import-untyped]

from sandbox.model.clock import from_us, to_us
from sandbox.model.zones import find_zone, in_zone, moment_us, parse_date, plus_us

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.messages import Json
    from sandbox.model.event_log import EventLog, StoredEvent

EXPANSION_LIMIT = 730
"""Occurrences after which Google stops expanding an endless rule (as reported, unconfirmed)."""

_INSTANCE_ID = re.compile(r"^(?P<base>.+)_(?P<stamp>\d{8}(?:T\d{6}Z)?)$")
UTC_ZONE = ZoneInfo("UTC")
_NEAR = timedelta(days=1)
UNTIL = re.compile(r"UNTIL=(\d{8})(T\d{6}Z?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Slot:
    """One occurrence as the rule places it."""

    instance_id: str
    start: Json
    end: Json
    start_us: int
    end_us: int


class RecurrenceError(ValueError):
    """The recurrence lines cannot be read."""


def stamp_of(original: object) -> str | None:
    """What the id of an instance ends with, from its `originalStartTime`; `None` when that is no time."""
    if not isinstance(original, dict):
        return None
    day = parse_date(original.get("date"))
    if day is not None:
        return day.strftime("%Y%m%d")
    instant = moment_us(original, UTC_ZONE)
    return None if instant is None else from_us(instant).strftime("%Y%m%dT%H%M%SZ")


def split_instance_id(event_id: str) -> tuple[str, str] | None:
    """Master id and original start of an instance id, if it looks like one."""
    found = _INSTANCE_ID.match(event_id)
    return None if found is None else (found["base"], found["stamp"])


class Series:
    """The occurrences of one recurring event.

    Rules that cannot be read, which only the control API can store, leave the first occurrence.
    """

    def __init__(self, master: StoredEvent, calendar_zone: ZoneInfo) -> None:
        doc = master.doc
        self._master_id = master.id
        self._start: Json = doc["start"]
        self._calendar_zone = calendar_zone
        self._all_day = parse_date(self._start.get("date")) is not None
        self._zone = find_zone(self._start.get("timeZone")) or calendar_zone
        start_us = master.start_us
        if start_us is None:
            raise RecurrenceError("a series without a start")
        self._length_us = (master.end_us or start_us) - start_us
        if self._all_day:
            first, last = parse_date(self._start["date"]), parse_date(doc["end"].get("date"))
            if first and last:
                self._length_us = (last - first) // timedelta(microseconds=1)
        try:
            self._rules = read_rules(doc.get("recurrence", []), self._start, self._zone)
        except RecurrenceError:
            self._rules = read_rules([], self._start, self._zone)

    def slots(self) -> Iterator[Slot]:
        """Occurrences in order, at most `EXPANSION_LIMIT`; what a jump of the clock makes one is one."""
        seen: set[str] = set()
        for local in self._rules:
            if len(seen) >= EXPANSION_LIMIT:
                return
            slot = self._slot(local)
            if slot.instance_id not in seen:
                seen.add(slot.instance_id)
                yield slot

    def find(self, stamp: str) -> Slot | None:
        """The occurrence whose id ends with this stamp."""
        try:
            if self._all_day:
                local = datetime.strptime(stamp, "%Y%m%d")  # noqa: DTZ007 - wall-clock time is naive here
            else:
                instant = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
                local = instant.astimezone(self._zone).replace(tzinfo=None)
            # A clock that jumps puts an occurrence on another wall-clock time than its rule says.
            near = self._rules.between(local - _NEAR, local + _NEAR, inc=True)
        except (ValueError, OverflowError):
            return None
        slots = (self._slot(one) for one in near)
        return next((slot for slot in slots if slot.instance_id.endswith(f"_{stamp}")), None)

    def _slot(self, local: datetime) -> Slot:
        if self._all_day:
            start: Json = {"date": local.date().isoformat()}
            stamp = local.strftime("%Y%m%d")
            end = plus_us(start, self._length_us, self._zone)
        else:
            instant = local.replace(tzinfo=self._zone).astimezone(UTC)
            start = {
                "dateTime": in_zone(instant, self._calendar_zone),
                "timeZone": self._start.get("timeZone") or str(self._calendar_zone),
            }
            stamp = instant.strftime("%Y%m%dT%H%M%SZ")
            finish = from_us(to_us(instant) + self._length_us)
            end = {**start, "dateTime": in_zone(finish, self._calendar_zone)}
        start_us = moment_us(start, self._calendar_zone) or 0
        end_us = moment_us(end, self._calendar_zone) or start_us
        return Slot(f"{self._master_id}_{stamp}", start, end, start_us, end_us)


def instance_doc(master: Json, slot: Slot) -> Json:
    """The resource of an occurrence that nobody changed."""
    doc = {name: value for name, value in master.items() if name != "recurrence"}
    doc |= {
        "id": slot.instance_id,
        "start": slot.start,
        "end": slot.end,
        "recurringEventId": master["id"],
        "originalStartTime": slot.start,
    }
    return doc


def located(log: EventLog, event_id: str, zone: ZoneInfo) -> tuple[StoredEvent, Json] | None:
    """An event of a log, or an occurrence that only its series knows of.

    Returns:
        The stored event, for an unchanged occurrence its series, and the resource. An exception of a
        deleted series is cancelled with it. `None` when there is no such event or occurrence.
    """
    event = log.by_id.get(event_id)
    if event is not None:
        doc = event.doc
        return event, {**doc, "status": "cancelled"} if log.has_deleted_master(event) else doc
    parts = split_instance_id(event_id)
    master = log.by_id.get(parts[0]) if parts else None
    if parts is None or master is None or not master.recurring:
        return None
    slot = Series(master, zone).find(parts[1])
    return None if slot is None else (master, instance_doc(master.doc, slot))


def read_rules(lines: object, start: Json, zone: ZoneInfo) -> rruleset:
    """Read RRULE, EXRULE, RDATE and EXDATE lines.

    Raises:
        RecurrenceError: A line is none of these, or its value makes no sense.
    """
    if not isinstance(lines, list):
        raise RecurrenceError("recurrence is a list of lines")
    first = first_local(start, zone)
    rules = rruleset(cache=False)
    rules.rdate(first)
    for line in lines:
        if not isinstance(line, str) or ":" not in line:
            raise RecurrenceError(str(line))
        head, _, value = line.partition(":")
        name = head.upper().partition(";")[0]
        try:
            match name:
                case "RRULE" | "EXRULE":
                    text = UNTIL.sub(lambda found: local_until(found, start, zone), value)
                    rule = rrulestr(text, dtstart=first)
                    (rules.rrule if name == "RRULE" else rules.exrule)(rule)
                case "RDATE" | "EXDATE":
                    given = line_zone(head, zone)
                    for one in value.split(","):
                        moment = local_moment(one.split("/")[0], given, zone)
                        if "date" in start:
                            moment = moment.replace(hour=0, minute=0, second=0)
                        (rules.rdate if name == "RDATE" else rules.exdate)(moment)
                case _:
                    raise RecurrenceError(line)
        except (ValueError, TypeError, KeyError) as problem:
            raise RecurrenceError(line) from problem
    return rules


def first_local(start: Json, zone: ZoneInfo) -> datetime:
    """The wall-clock time at which a series begins, midnight for all-day ones.

    Raises:
        RecurrenceError: It has no start.
    """
    day = parse_date(start.get("date"))
    if day is not None:
        return datetime.combine(day, time())
    moment = moment_us(start, zone)
    if moment is None:
        raise RecurrenceError("a series without a start")
    return from_us(moment).astimezone(zone).replace(tzinfo=None)


def local_until(found: re.Match[str], start: Json, zone: ZoneInfo) -> str:
    """An UNTIL part, found by `UNTIL`, on the wall clock of the series."""
    day, clock = found[1], found[2]
    if "date" in start:
        return f"UNTIL={day}T000000"
    if not clock:
        return f"UNTIL={day}T235959"
    local = local_moment(day + clock.upper(), zone, zone)
    return "UNTIL=" + local.strftime("%Y%m%dT%H%M%S")


def line_zone(head: str, zone: ZoneInfo) -> ZoneInfo:
    """The zone that an RDATE or EXDATE line names, or that of the series."""
    for parameter in head.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.upper() == "TZID":
            return find_zone(value) or zone
    return zone


def local_moment(text: str, given: ZoneInfo, zone: ZoneInfo) -> datetime:
    """A date or date-time of a line, on the wall clock of the series.

    Raises:
        ValueError: It is neither.
    """
    if "T" not in text:
        return datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 - wall-clock time is naive here
    if text.endswith("Z"):
        instant = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    else:
        instant = datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=given)
    return instant.astimezone(zone).replace(tzinfo=None)
