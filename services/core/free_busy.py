"""When somebody is busy and when free, from what takes place in a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from services.core.recurrence.wall import resolve
from services.core.slots import Timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date, tzinfo

    from services.core.agenda import Entry
    from services.core.records import Slot

ANY_ZONE = timedelta(days=1)
"""More than the clock of any zone differs from UTC: how far around a window dates may reach into it."""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A span of instants, half-open."""

    start: datetime
    """Aware, UTC."""
    end: datetime
    """Aware, UTC, exclusive, after `start`."""


def takes_time(slot: Slot) -> bool:
    """Whether a slot keeps its owner busy while it takes place.

    Transparent slots, deleted ones and events that the user has declined do not, nor does a place of work:
    it says where somebody is, not that they are occupied. What was not answered yet does.

    Source:
        Calendar API reference, Events resource: `transparency`, `eventType` (`workingLocation`),
        `attendees[].self` and `attendees[].responseStatus`.
    """
    if slot.deleted_at is not None or slot.content.transparency == "transparent":
        return False
    if slot.google is None:
        return True
    facts = slot.google.facts
    return facts.get("event_type") != "workingLocation" and not any(
        guest.get("self") and guest.get("response_status") == "declined"
        for guest in facts.get("attendees", ())
    )


def busy_intervals(
    entries: Iterable[Entry], window: Interval, zone_of: Callable[[str], tzinfo]
) -> list[Interval]:
    """The busy time of a window: in order, merged, clipped to the window.

    Args:
        entries: What takes place, in any order; also what keeps nobody busy, or lies outside.
        window: What is asked for.
        zone_of: By calendar id the zone in which the dates of all-day slots begin and end.
    """
    spans = (_span(entry, zone_of) for entry in entries if takes_time(entry.slot))
    return merged(_clipped(spans, window))


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time in as few intervals as possible, in order; what touches becomes one."""
    found: list[Interval] = []
    for each in sorted(intervals):
        if found and each.start <= found[-1].end:
            if each.end > found[-1].end:
                found[-1] = Interval(found[-1].start, each.end)
        else:
            found.append(each)
    return found


def free_intervals(busy: Sequence[Interval], window: Interval, at_least: timedelta) -> list[Interval]:
    """What a window has left.

    Args:
        busy: As `busy_intervals` gives it.
        window: The same.
        at_least: Shorter gaps are left out.
    """
    begins = [window.start, *(each.end for each in busy)]
    ends = [*(each.start for each in busy), window.end]
    return [
        Interval(begin, end)
        for begin, end in zip(begins, ends, strict=True)
        if begin < end and end - begin >= at_least
    ]


def _span(entry: Entry, zone_of: Callable[[str], tzinfo]) -> tuple[datetime, datetime]:
    schedule = entry.slot.content.schedule
    span = schedule.span if entry.occurrence is None else entry.occurrence.span
    if isinstance(span, Timed):
        return span.start, span.end
    zone = zone_of(entry.slot.calendar_id)
    return _midnight(span.start, zone), _midnight(span.end, zone)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return resolve(datetime.combine(day, time()), zone)


def _clipped(spans: Iterable[tuple[datetime, datetime]], window: Interval) -> Iterable[Interval]:
    for start, end in spans:
        first, last = max(start, window.start), min(end, window.end)
        if first < last:
            yield Interval(first.astimezone(UTC), last.astimezone(UTC))
