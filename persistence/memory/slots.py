"""Slots in memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from persistence.failures import ConstraintError
from persistence.repositories.slot_mapper import with_seq
from persistence.repositories.slot_texts import cleaned, search_text
from services.core.agenda import original_instant, replaced_by
from services.core.frozen import replace
from services.core.records import Slot, SlotCounts, SyncState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from persistence.memory.state import Workspace
    from services.core.agenda import Replaced
    from services.core.records import HistoryEntry, SlotQuery


class MemorySlotRepository:
    """Implements `SlotRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._sequences = workspace.sequences

    async def find(self, user_id: UUID, slot_id: UUID) -> Slot | None:
        """One slot, deleted or not."""
        return self._workspace.of("slots", user_id).get(slot_id)

    async def find_many(self, user_id: UUID, slot_ids: Collection[UUID]) -> dict[UUID, Slot]:
        """Several slots by id."""
        rows = self._workspace.of("slots", user_id)
        return {slot_id: rows[slot_id] for slot_id in slot_ids if slot_id in rows}

    async def find_by_events(
        self, user_id: UUID, calendar_id: str, event_ids: Collection[str]
    ) -> dict[str, Slot]:
        """The slots that are bound to these events of the calendar, by event id."""
        wanted = set(event_ids)
        return {
            slot.google.event_id: slot
            for slot in self._in(user_id, calendar_id)
            if slot.google is not None and slot.google.event_id in wanted
        }

    async def add(self, slots: Sequence[Slot]) -> list[Slot]:
        """Store new slots with fresh sequence numbers in the given order; the user must be locked."""
        numbered = self._numbered(slots)
        for slot in numbered:
            if slot.id in self._workspace.of("slots", slot.user_id):
                raise ConstraintError("fixed_slots")
            self._note_appearance(slot)
            self._put(slot)
        return numbered

    async def save(self, slots: Sequence[Slot], history: Iterable[HistoryEntry] = ()) -> list[Slot]:
        """Store changed slots with fresh sequence numbers, and history under the same; locked too."""
        numbered = self._numbered(slots)
        for slot in numbered:
            self._note_appearance(slot)
            self._put(slot)
        numbers = {slot.id: slot.seq for slot in numbered}
        for entry in history:
            rows = self._workspace.to_write("history", entry.user_id)
            known = rows.get(entry.slot_id, ())
            rows[entry.slot_id] = (*known, replace(entry, seq=numbers[entry.slot_id]))
        return numbered

    async def save_silently(self, slots: Sequence[Slot]) -> None:
        """Store what no client sees (sent, refetch, etag, seen_listing) without a new sequence number."""
        for slot in slots:
            self._sequences.require_lock(slot.user_id)
            self._put(cleaned(slot))

    async def mark_seen(self, user_id: UUID, slot_ids: Collection[UUID], listing: int) -> None:
        """Note that a full listing contained these slots' events."""
        for slot in (await self.find_many(user_id, slot_ids)).values():
            self._workspace.to_write("slots", user_id)[slot.id] = replace(slot, seen_listing=listing)

    async def missing_from(
        self, user_id: UUID, calendar_id: str, *, listing: int, limit: int | None
    ) -> list[Slot]:
        """Slots whose event was there and that the listing lacked, but for those under a hold."""
        missing = [
            slot
            for slot in self._known(user_id, calendar_id)
            if slot.hold_id is None and slot.seen_listing != listing
        ]
        return sorted(missing, key=_by_id)[:limit]

    async def count_known(self, user_id: UUID, calendar_id: str) -> int:
        """How many slots of the calendar have an event, or had when it was last looked at."""
        return sum(1 for _ in self._known(user_id, calendar_id))

    async def count_missing(self, user_id: UUID, calendar_id: str, *, listing: int) -> int:
        """How many `missing_from` would return."""
        return len(await self.missing_from(user_id, calendar_id, listing=listing, limit=None))

    async def push_queue(self, user_id: UUID, calendar_id: str, *, limit: int) -> list[Slot]:
        """Slots with a `push_at`, be it past or yet to come, in its order, then earliest change first."""
        waiting = [
            (push_at, slot.seq, slot)
            for slot in self._in(user_id, calendar_id)
            if (push_at := slot.push_at) is not None
        ]
        waiting.sort(key=lambda each: each[:2])
        return [slot for _, _, slot in waiting[:limit]]

    async def held_by(self, user_id: UUID, hold_id: UUID) -> list[Slot]:
        """The slots under a hold."""
        held = [slot for slot in self._all(user_id) if slot.hold_id == hold_id]
        return sorted(held, key=_by_id)

    async def page(self, user_id: UUID, query: SlotQuery) -> list[Slot]:
        """Slots in the order of (sort start, id)."""
        found = (slot for slot in self._all(user_id) if _matches(slot, query))
        return sorted(found, key=_position)[: query.limit]

    async def arriving(self, user_id: UUID, calendar_id: str, event_ids: Collection[str]) -> list[Slot]:
        """Slots of these events that are on their way to the calendar."""
        wanted = set(event_ids)
        found = [
            slot
            for slot in self._all(user_id)
            if slot.moving_to == calendar_id and slot.google and slot.google.event_id in wanted
        ]
        return sorted(found, key=_by_id)

    async def exceptions_of(self, user_id: UUID, series_ids: Collection[UUID]) -> list[Slot]:
        """All exceptions that are bound to these series, cancelled ones too, in the order of their ids."""
        wanted = set(series_ids)
        if not wanted:
            return []
        found = [slot for slot in self._all(user_id) if slot.series and slot.series.series_id in wanted]
        return sorted(found, key=_by_id)

    async def orphans(
        self, user_id: UUID, calendar_id: str, recurring_event_ids: Collection[str]
    ) -> list[Slot]:
        """Exceptions of these events whose series was not known when they came."""
        if not recurring_event_ids:
            return []
        wanted = set(recurring_event_ids)
        found = [
            slot
            for slot in self._in(user_id, calendar_id)
            if slot.series and slot.series.series_id is None and slot.series.recurring_event_id in wanted
        ]
        return sorted(found, key=_by_id)

    async def replaced_instances(
        self, user_id: UUID, *, starts_before: datetime, starts_from: datetime
    ) -> Replaced:
        """What exceptions stand for, also by nothing, in a span of original starts."""
        return replaced_by(
            slot
            for slot in self._all(user_id)
            if slot.series is not None
            and starts_from <= original_instant(slot.series.original_start) < starts_before
        )

    async def counts(self, user_id: UUID) -> dict[str, SlotCounts]:
        """Counts by calendar id."""
        found: dict[str, Counter[str]] = {}
        for slot in self._all(user_id):
            counter = found.setdefault(slot.calendar_id, Counter())
            counter["total"] += slot.deleted_at is None
            counter["conflicts"] += slot.open_conflicts > 0
            counter[slot.sync_state] += 1
        return {
            calendar_id: SlotCounts(
                total=counter["total"],
                pending=counter[SyncState.PENDING],
                failed=counter[SyncState.FAILED],
                conflicts=counter["conflicts"],
                quarantined=counter[SyncState.QUARANTINED],
                held=counter[SyncState.HELD],
            )
            for calendar_id, counter in found.items()
        }

    async def history(
        self, user_id: UUID, slot_id: UUID, *, after: int = 0, limit: int | None = None
    ) -> list[HistoryEntry]:
        """What happened to a slot after a sequence number, oldest first; `limit=None` means all."""
        known = self._workspace.of("history", user_id).get(slot_id, ())
        return [entry for entry in known if entry.seq > after][:limit]

    def _all(self, user_id: UUID) -> Iterator[Slot]:
        yield from self._workspace.of("slots", user_id).values()

    def _in(self, user_id: UUID, calendar_id: str) -> Iterator[Slot]:
        return (slot for slot in self._all(user_id) if slot.calendar_id == calendar_id)

    def _known(self, user_id: UUID, calendar_id: str) -> Iterator[Slot]:
        return (
            slot
            for slot in self._in(user_id, calendar_id)
            if slot.google is not None and slot.base is not None and slot.deleted_at is None
        )

    def _numbered(self, slots: Sequence[Slot]) -> list[Slot]:
        if not slots:
            return []
        user_id = slots[0].user_id
        first = self._sequences.take(user_id, len(slots))
        if any(slot.user_id != user_id for slot in slots):
            raise RuntimeError("slots of several users in one call")
        return [with_seq(cleaned(slot), seq) for seq, slot in enumerate(slots, first)]

    def _note_appearance(self, slot: Slot) -> None:
        known = self._workspace.of("slots", slot.user_id).get(slot.id)
        if known is None or (known.deleted_at is not None and slot.deleted_at is None):
            self._workspace.to_write("appeared", slot.user_id)[slot.id] = slot.seq

    def _put(self, slot: Slot) -> None:
        rows = self._workspace.to_write("slots", slot.user_id)
        event_id = slot.google and slot.google.event_id
        known = rows.get(slot.id)
        if event_id is not None and (
            known is None
            or known.calendar_id != slot.calendar_id
            or (known.google and known.google.event_id) != event_id
        ):
            for other in self._in(slot.user_id, slot.calendar_id):
                if other.id != slot.id and other.google is not None and other.google.event_id == event_id:
                    raise ConstraintError("fixed_slots")
        rows[slot.id] = slot


def _by_id(slot: Slot) -> UUID:
    return slot.id


def _position(slot: Slot) -> tuple[datetime, UUID]:
    return slot.content.schedule.sort_start, slot.id


def _matches(slot: Slot, query: SlotQuery) -> bool:
    schedule = slot.content.schedule
    before, after = query.starts_before, query.ends_after
    if schedule.all_day:
        before, after = query.all_day_starts_before, query.all_day_ends_after
    return (
        (query.include_deleted or slot.deleted_at is None)
        and (before is None or schedule.sort_start < before)
        and (after is None or schedule.sort_end > after)
        and (query.text is None or query.text.casefold() in search_text(slot.content))
        and (query.calendar_id is None or slot.calendar_id == query.calendar_id)
        and (query.sync_state is None or slot.sync_state is query.sync_state)
        and (query.source is None or slot.source == query.source)
        and (query.recurring is None or bool(schedule.recurrence) is query.recurring)
        and (query.after is None or _position(slot) > query.after)
    )
