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
from uuid import UUID

from services.core.recurrence import (
    InvalidRecurrenceError,
    instance_key,
    occurrences,
    parse_instance_key,
)
from services.core.slots import Schedule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from services.core.records import Slot
    from services.core.recurrence import Occurrence, OriginalStart

Position: TypeAlias = tuple[datetime, str]
"""Start and id of an entry, which order a list of them."""
Replaced: TypeAlias = "Mapping[UUID, Collection[str]]"
"""By series, the names of the instances that exceptions stand for."""


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


def parse_entry_id(text: str) -> tuple[UUID, OriginalStart | None] | None:
    """The inverse of `Entry.id`: a slot, and the original start of an instance; `None` for no such id."""
    slot_id, separator, key = text.partition("_")
    start = parse_instance_key(key) if separator else None
    if separator and start is None:
        return None
    try:
        return UUID(slot_id), start
    except ValueError:
        return None


def agenda(
    singles: Iterable[Slot],
    series: Iterable[Slot],
    replaced: Replaced,
    window: Window,
    *,
    after: Position | None = None,
) -> Iterator[Entry]:
    """The entries of a window, in order.

    Args:
        singles: What stands for itself and overlaps the window, exceptions included, ordered by start and id.
        series: Series that may have occurrences in the window.
        replaced: By every exception of these series, moved ones and cancelled ones alike: their original
            places stay empty.
        window: What the occurrences must overlap.
        after: Only entries behind this.
    """
    unrolled = [_unrolled(slot, replaced.get(slot.id) or (), window, after) for slot in series]
    single_entries = (Entry(slot) for slot in singles)
    for entry in merge(single_entries, *unrolled, key=lambda each: each.position):
        if after is None or entry.position > after:
            yield entry


def original_instant(original_start: OriginalStart) -> datetime:
    """An original start on one scale; midnight UTC of a date."""
    if isinstance(original_start, datetime):
        return original_start
    return datetime(original_start.year, original_start.month, original_start.day, tzinfo=UTC)


def replaced_by(exceptions: Iterable[Slot]) -> Replaced:
    """The instances that exceptions replace."""
    taken: dict[UUID, set[str]] = defaultdict(set)
    for slot in exceptions:
        if slot.series is not None and slot.series.series_id is not None and stands_in(slot):
            taken[slot.series.series_id].add(instance_key(slot.series.original_start))
    return taken


def stands_in(exception: Slot) -> bool:
    """Whether an exception replaces its instance, be it by nothing.

    One that is gone from Google without being cancelled there replaces nothing: the rules count again.
    """
    return exception.deleted_at is None or exception.google is not None or exception.dirty


def _unrolled(
    slot: Slot, replaced: Collection[str], window: Window, after: Position | None
) -> Iterator[Entry]:
    schedule = slot.content.schedule
    starts_before = window.all_day_starts_before if schedule.all_day else window.starts_before
    ends_after = window.all_day_ends_after if schedule.all_day else window.ends_after
    if after is not None:
        ends_after = max(ends_after, after[0])
    try:
        for occurrence in occurrences(schedule, starts_before=starts_before, ends_after=ends_after):
            if instance_key(occurrence.original_start) not in replaced:
                yield Entry(slot, occurrence)
    except InvalidRecurrenceError:
        if schedule.sort_start < starts_before and schedule.sort_end > ends_after:
            yield Entry(slot)
