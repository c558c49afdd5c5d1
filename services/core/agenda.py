"""What takes place in a window: single slots, and series unrolled with their exceptions in place.

Entries come in the order of start and id. A series costs what its part of the window costs; one whose rule
cannot be read is shown at its own start instead of being dropped.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from typing import TYPE_CHECKING, TypeAlias

from services.core.recurrence import (
    InvalidRecurrenceError,
    instance_key,
    occurrences,
    read_original_start,
)
from services.core.slots import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.core.records import GoogleCopy, Slot
    from services.core.recurrence import Occurrence

Position: TypeAlias = tuple[datetime, str]
"""Start and id of an entry, which order a list of them."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time; both bounds exclusive."""

    ends_after: datetime
    starts_before: datetime
    all_day_ends_after: datetime
    """The same bounds for all-day slots, whose dates count as midnight UTC."""
    all_day_starts_before: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that takes place."""

    slot: Slot
    """A single slot, an exception, or the series of `occurrence`."""
    occurrence: Occurrence | None = None

    @property
    def id(self) -> str:
        """The slot's id; of an instance also the name of its original start."""
        if self.occurrence is None:
            return str(self.slot.id)
        return f"{self.slot.id}_{instance_key(self.occurrence.original_start)}"

    @property
    def position(self) -> Position:
        """Where the entry stands in a list."""
        if self.occurrence is None:
            return self.slot.content.schedule.sort_start, self.id
        return Schedule(self.occurrence.span).sort_start, self.id


def agenda(
    singles: Iterable[Slot],
    series: Iterable[Slot],
    exceptions: Iterable[Slot],
    window: Window,
    *,
    after: Position | None = None,
) -> Iterator[Entry]:
    """The entries of a window, in order.

    Args:
        singles: What stands for itself and overlaps the window, exceptions included, ordered by start and id.
        series: Series that may have occurrences in the window.
        exceptions: Every exception of these series, moved ones and cancelled ones alike: their original
            places stay empty.
        window: What the occurrences must overlap.
        after: Only entries behind this.
    """
    taken = _original_places(exceptions)
    unrolled = [_unrolled(slot, taken, window, after) for slot in series]
    single_entries = (Entry(slot) for slot in singles)
    for entry in merge(single_entries, *unrolled, key=lambda each: each.position):
        if after is None or entry.position > after:
            yield entry


def original_instant(copy: GoogleCopy) -> datetime | None:
    """Where an exception's instance would have started; midnight UTC of a date.

    Returns:
        `None` for what is no exception.
    """
    original = read_original_start(copy.original_start) if copy.original_start else None
    if original is None or isinstance(original, datetime):
        return original
    return datetime(original.year, original.month, original.day, tzinfo=UTC)


def _original_places(exceptions: Iterable[Slot]) -> dict[tuple[str, str], set[str]]:
    """The names of the instances that exceptions replace, by calendar and series."""
    taken: dict[tuple[str, str], set[str]] = defaultdict(set)
    for slot in exceptions:
        google = slot.google
        if google is None or google.recurring_event_id is None or google.original_start is None:
            continue
        original = read_original_start(google.original_start)
        if original is not None:
            taken[slot.calendar_id, google.recurring_event_id].add(instance_key(original))
    return taken


def _unrolled(
    slot: Slot, taken: dict[tuple[str, str], set[str]], window: Window, after: Position | None
) -> Iterator[Entry]:
    schedule = slot.content.schedule
    starts_before = window.all_day_starts_before if schedule.all_day else window.starts_before
    ends_after = window.all_day_ends_after if schedule.all_day else window.ends_after
    if after is not None:
        ends_after = max(ends_after, after[0])
    replaced = taken.get((slot.calendar_id, slot.google.event_id), set()) if slot.google else set()
    try:
        for occurrence in occurrences(schedule, starts_before=starts_before, ends_after=ends_after):
            if instance_key(occurrence.original_start) not in replaced:
                yield Entry(slot, occurrence)
    except InvalidRecurrenceError:
        if schedule.sort_start < starts_before and schedule.sort_end > ends_after:
            yield Entry(slot)
