"""What a person does to an instance of a series on Google's own page: this one, this and following, all.

"This and following" ends the series before the instance and makes a new one of the rest, under an id
that shows where it came from.

Source: Calendar API guide, 'Recurring events'; ids of split series as clients report them, whose time is
the first original start in UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, cast

from sandbox.event_resource import merged
from sandbox.model.recurrence import Series, stamp_of
from sandbox.model.splitting import other_weekdays, split_lines
from sandbox.model.zones import find_zone, in_zone, moment_us, parse_date, parse_date_time, plus_us

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sandbox.messages import Json
    from sandbox.model.calendars import Calendar
    from sandbox.model.event_log import StoredEvent
    from sandbox.world import World

SCOPES = ("this", "following", "all")
"""What an edit of an instance may mean."""

_SPLIT = re.compile(r"_R\d{8}(T\d{6})?$")
_NOT_COPIED = ("id", "iCalUID", "created", "sequence", "start", "end", "recurrence")


def edit_instance(world: World, calendar: Calendar, instance: Json, change: Json, scope: str) -> Json:
    """Change an instance, it and all that follow, or its whole series.

    Args:
        world: Where.
        calendar: In which calendar.
        instance: The instance as it stands.
        change: Fields that merge, `null` removes; `start` and `end` are those of the instance and come
            whole. `status: cancelled` deletes.
        scope: One of `SCOPES`.

    Returns:
        What was written: the exception, the new series, or the series.

    Raises:
        ValueError: There is no such scope, or the series of the instance is not there.
    """
    if scope not in SCOPES:
        raise ValueError(f"scope is one of {', '.join(SCOPES)}")
    master = world.calendars.log(calendar.id).by_id.get(instance["recurringEventId"])
    if master is None or master.cancelled or not master.recurring:
        raise ValueError("the series of this instance is not there")
    if scope == "this":
        return world.write_event(calendar, _changed(instance, change)).doc
    doc = master.doc
    gone = change.get("status") == "cancelled"
    if scope == "all" or _is_first(instance, master, calendar):
        times = {} if gone else _shifted(doc, instance, change, calendar.zone)
        return world.write_event(calendar, {**_changed(doc, change), **times}).doc
    zone = find_zone(doc["start"].get("timeZone")) or calendar.zone
    at = _wall(instance["originalStartTime"], zone)
    head, tail = split_lines(doc["recurrence"], doc["start"], zone, at)
    ended = world.write_event(calendar, {**doc, "recurrence": head}, quietly=not gone).doc
    if gone:
        return ended
    original = instance["originalStartTime"]
    rest = {**doc, "start": original, "end": _after(original, _length(doc, zone), zone), "recurrence": tail}
    times = _shifted(rest, instance, change, calendar.zone)
    kept = {name: value for name, value in doc.items() if name not in _NOT_COPIED}
    draft: Json = {"recurrence": tail, **_changed(kept, change), "start": rest["start"], "end": rest["end"]}
    draft |= {**times, "id": _split_id(world, calendar, master.id, original)}
    return world.write_event(calendar, world.new_event(draft, calendar, calendar.owner)).doc


def _changed(doc: Json, change: Json) -> Json:
    """A merge in which a start or an end replaces the one that was."""
    whole = {
        bound: change[bound]
        for bound in ("start", "end")
        if isinstance(change.get(bound), dict) and {"date", "dateTime"} & change[bound].keys()
    }
    return {**merged(doc, change), **whole}


def _is_first(instance: Json, master: StoredEvent, calendar: Calendar) -> bool:
    first = next(Series(master, calendar.zone).slots(), None)
    original_us = moment_us(instance["originalStartTime"], calendar.zone)
    return first is None or original_us is None or original_us <= first.start_us


def _split_id(world: World, calendar: Calendar, master_id: str, original: Json) -> str:
    stamp = (stamp_of(original) or "").removesuffix("Z")
    wanted = f"{_SPLIT.sub('', master_id)}_R{stamp}"
    taken = wanted in world.calendars.log(calendar.id).by_id
    return f"{world.mint.event_id()}_R{stamp}" if taken else wanted


def _shifted(series: Json, instance: Json, change: Json, zone: ZoneInfo) -> Json:
    """Times of a series, one instance of which is put elsewhere: the first goes as many days along.

    Returns:
        `start` and `end`, and `recurrence` where weekdays change; nothing when no time changes.
    """
    if not isinstance(change.get("start"), dict) and not isinstance(change.get("end"), dict):
        return {}
    named = series["start"].get("timeZone") or str(zone)
    own_zone = find_zone(named) or zone
    start = change.get("start") or instance["start"]
    end = change.get("end") or instance["end"]
    length = _length({"start": start, "end": end}, own_zone)
    if not isinstance(change.get("start"), dict):
        return {"start": series["start"], "end": _after(series["start"], length, own_zone)}
    start_zone = find_zone(start.get("timeZone")) or own_zone
    was, becomes = _wall(instance["originalStartTime"], own_zone), _wall(start, start_zone)
    days = (becomes.date() - was.date()).days
    day = _wall(series["start"], own_zone).date() + timedelta(days=days)
    moved: Json = {"date": day.isoformat()}
    if "date" not in start:
        wall = datetime.combine(day, becomes.time()).replace(tzinfo=start_zone)
        moved = {"dateTime": in_zone(wall, zone), "timeZone": start.get("timeZone") or named}
    shifted: Json = {"start": moved, "end": _after(moved, length, start_zone)}
    if days % 7 and series.get("recurrence") and not change.get("recurrence"):
        shifted["recurrence"] = other_weekdays(series["recurrence"], days)
    return shifted


def _wall(bound: Json, zone: ZoneInfo) -> datetime:
    """A start on the wall clock of a zone, midnight for a date."""
    day = parse_date(bound.get("date"))
    if day is not None:
        return datetime.combine(day, time())
    instant = parse_date_time(bound.get("dateTime"))
    if instant is None:
        raise ValueError("start is no time")
    return instant if instant.tzinfo is None else instant.astimezone(zone).replace(tzinfo=None)


def _length(doc: Json, zone: ZoneInfo) -> timedelta:
    """How long an event lasts; days for an all-day one."""
    first, last = parse_date(doc["start"].get("date")), parse_date(doc["end"].get("date"))
    if first is not None and last is not None:
        return last - first
    start_us, end_us = moment_us(doc["start"], zone), moment_us(doc["end"], zone)
    if start_us is None or end_us is None:
        raise ValueError("start or end is no time")
    return timedelta(microseconds=end_us - start_us)


def _after(start: Json, length: timedelta, zone: ZoneInfo) -> Json:
    if "dateTime" in start:
        instant = cast("datetime", parse_date_time(start["dateTime"]))
        aware = instant if instant.tzinfo else instant.replace(tzinfo=zone)
        start = {**start, "dateTime": aware.astimezone(UTC).isoformat()}
    return plus_us(start, length // timedelta(microseconds=1), zone)
