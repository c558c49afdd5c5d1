"""Slots, their history and their place in the user's sequence."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Select, and_, bindparam, case, func, insert, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql

from persistence.dialects import contains_text, is_one_of
from persistence.models import fixed_slots, slot_history
from persistence.repositories.slot_mapper import COLUMNS, mapper_of, with_seq
from persistence.repositories.slot_texts import cleaned
from persistence.types import to_json
from services.core.records import HistoryEntry, Slot, SlotCounts, SyncState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from persistence.connection import Connection
    from persistence.repositories.sequence import Sequences
    from services.core.agenda import Replaced
    from services.core.records import SlotQuery

_t = fixed_slots.c
_OWN = _t.user_id == bindparam("user_id")
_IN_CALENDAR = and_(_OWN, _t.calendar_id == bindparam("calendar_id"))
# Only a dirty slot keeps its base; one without any has a tombstone.
_KNOWN = and_(
    _IN_CALENDAR,
    _t.event_id.is_not(None),
    _t.deleted_at.is_(None),
    or_(_t.dirty.is_(False), _t.base.is_not(None)),
)
_MISSING = and_(_KNOWN, _t.hold_id.is_(None), _t.seen_listing != bindparam("listing"))
_SLOTS = select(fixed_slots)

_FIND = _SLOTS.where(_OWN, _t.id == bindparam("slot_id"))
_FIND_MANY = _SLOTS.where(_OWN, is_one_of(_t.id, "slot_ids"))
_FIND_BY_EVENTS = _SLOTS.where(_IN_CALENDAR, is_one_of(_t.event_id, "event_ids"))
_MISSING_ALL = _SLOTS.where(_MISSING).order_by(_t.id)
_MISSING_SOME = _MISSING_ALL.limit(bindparam("limit"))
_COUNT_KNOWN = select(func.count()).select_from(fixed_slots).where(_KNOWN)
_COUNT_MISSING = select(func.count()).select_from(fixed_slots).where(_MISSING)
_PUSH_QUEUE = (
    _SLOTS.where(_IN_CALENDAR, _t.push_at.is_not(None)).order_by(_t.push_at, _t.seq).limit(bindparam("limit"))
)
_REPLACED = select(_t.series_id, _t.original_start).where(
    _OWN,
    _t.original_starts_at >= bindparam("starts_from"),
    _t.original_starts_at < bindparam("starts_before"),
    _t.series_id.is_not(None),
    # As `agenda.stands_in` has it.
    or_(_t.deleted_at.is_(None), _t.event_id.is_not(None), _t.dirty),
)
_ARRIVING = _SLOTS.where(
    _OWN, _t.moving_to == bindparam("calendar_id"), is_one_of(_t.event_id, "event_ids")
).order_by(_t.id)
_EXCEPTIONS_OF = _SLOTS.where(_OWN, is_one_of(_t.series_id, "series_ids")).order_by(_t.id)
_ORPHANS = _SLOTS.where(
    _IN_CALENDAR, _t.series_id.is_(None), is_one_of(_t.recurring_event_id, "recurring_event_ids")
).order_by(_t.id)
_HELD = _SLOTS.where(_OWN, _t.hold_id == bindparam("hold_id")).order_by(_t.id)
_MARK_SEEN = (
    update(fixed_slots).where(_OWN, is_one_of(_t.id, "slot_ids")).values(seen_listing=bindparam("listing"))
)


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


_COUNTS = (
    select(
        _t.calendar_id,
        _how_many(_t.deleted_at.is_(None)),
        _how_many(_t.sync_state == SyncState.PENDING.value),
        _how_many(_t.sync_state == SyncState.FAILED.value),
        _how_many(_t.open_conflicts > 0),
        _how_many(_t.sync_state == SyncState.QUARANTINED.value),
        _how_many(_t.sync_state == SyncState.HELD.value),
    )
    .where(_OWN)
    .group_by(_t.calendar_id)
)
_HISTORY = (
    select(slot_history.c.seq, slot_history.c.at, slot_history.c.origin, slot_history.c.fields)
    .where(
        slot_history.c.user_id == bindparam("user_id"),
        slot_history.c.slot_id == bindparam("slot_id"),
        slot_history.c.seq > bindparam("after"),
    )
    .order_by(slot_history.c.seq, slot_history.c.ordinal)
)
_HISTORY_PAGE = _HISTORY.limit(bindparam("limit"))
_ADD_HISTORY = insert(slot_history)
# Both databases know the clause by the same words.
_upsert = postgresql.insert(fixed_slots)
_excluded = _upsert.excluded
_SAVE = _upsert.on_conflict_do_update(
    index_elements=["user_id", "id"],
    set_={
        **{name: _excluded[name] for name in COLUMNS if name not in ("user_id", "id")},
        "appeared_seq": case(
            (and_(_t.deleted_at.is_not(None), _excluded.deleted_at.is_(None)), _excluded.seq),
            else_=_t.appeared_seq,
        ),
    },
)


class SqlSlotRepository:
    """Implements `SlotRepository`."""

    def __init__(self, connection: Connection, sequences: Sequences) -> None:
        self._connection = connection
        self._sequences = sequences
        self._mapper = mapper_of(connection.dialect_name)

    async def find(self, user_id: UUID, slot_id: UUID) -> Slot | None:
        """One slot, deleted or not."""
        found = await self._slots(_FIND, user_id, slot_id=slot_id)
        return found[0] if found else None

    async def find_many(self, user_id: UUID, slot_ids: Collection[UUID]) -> dict[UUID, Slot]:
        """Several slots by id."""
        if not slot_ids:
            return {}
        return {slot.id: slot for slot in await self._slots(_FIND_MANY, user_id, slot_ids=slot_ids)}

    async def find_by_events(
        self, user_id: UUID, calendar_id: str, event_ids: Collection[str]
    ) -> dict[str, Slot]:
        """The slots that are bound to these events of the calendar, by event id."""
        if not event_ids:
            return {}
        found = await self._slots(_FIND_BY_EVENTS, user_id, calendar_id=calendar_id, event_ids=event_ids)
        return {slot.google.event_id: slot for slot in found if slot.google is not None}

    async def add(self, slots: Sequence[Slot]) -> list[Slot]:
        """Store new slots with fresh sequence numbers in the given order; the user must be locked."""
        numbered = self._numbered(slots)
        encode = self._mapper.encode
        await self._connection.copy(fixed_slots.name, COLUMNS, [encode(slot, slot.seq) for slot in numbered])
        return numbered

    async def save(self, slots: Sequence[Slot], history: Iterable[HistoryEntry] = ()) -> list[Slot]:
        """Store changed slots with fresh sequence numbers, and history under the same; locked too."""
        numbered = self._numbered(slots)
        await self._upsert(numbered)
        await self._add_history(history, {slot.id: slot.seq for slot in numbered})
        return numbered

    async def save_silently(self, slots: Sequence[Slot]) -> None:
        """Store what no client sees (sent, refetch, etag, seen_listing) without a new sequence number."""
        for slot in slots:
            self._sequences.require_lock(slot.user_id)
        await self._upsert([cleaned(slot) for slot in slots])

    async def mark_seen(self, user_id: UUID, slot_ids: Collection[UUID], listing: int) -> None:
        """Note that a full listing contained these slots' events."""
        if slot_ids:
            await self._connection.fetch(
                _MARK_SEEN, {"user_id": user_id, "slot_ids": slot_ids, "listing": listing}
            )

    async def missing_from(
        self, user_id: UUID, calendar_id: str, *, listing: int, limit: int | None
    ) -> list[Slot]:
        """Slots whose event was there and that the listing lacked, but for those under a hold."""
        if limit is None:
            return await self._slots(_MISSING_ALL, user_id, calendar_id=calendar_id, listing=listing)
        return await self._slots(
            _MISSING_SOME, user_id, calendar_id=calendar_id, listing=listing, limit=limit
        )

    async def count_known(self, user_id: UUID, calendar_id: str) -> int:
        """How many slots of the calendar have an event, or had when it was last looked at."""
        return await self._number(_COUNT_KNOWN, {"user_id": user_id, "calendar_id": calendar_id})

    async def count_missing(self, user_id: UUID, calendar_id: str, *, listing: int) -> int:
        """How many `missing_from` would return."""
        return await self._number(
            _COUNT_MISSING, {"user_id": user_id, "calendar_id": calendar_id, "listing": listing}
        )

    async def push_queue(self, user_id: UUID, calendar_id: str, *, limit: int) -> list[Slot]:
        """Slots with a `push_at`, be it past or yet to come, in its order, then earliest change first."""
        return await self._slots(_PUSH_QUEUE, user_id, calendar_id=calendar_id, limit=limit)

    async def held_by(self, user_id: UUID, hold_id: UUID) -> list[Slot]:
        """The slots under a hold."""
        return await self._slots(_HELD, user_id, hold_id=hold_id)

    async def page(self, user_id: UUID, query: SlotQuery) -> list[Slot]:
        """Slots in the order of (sort start, id)."""
        given: dict[str, Any] = {
            name: value for name in _FILTERS if (value := getattr(query, name)) is not None
        }
        statement = _page(frozenset(given), include_deleted=query.include_deleted)
        if query.after is not None:
            given["after_start"], given["after_id"] = query.after
        if query.text is not None:
            given["text"] = query.text.casefold()
        return await self._slots(statement, user_id, limit=query.limit, **given)

    async def arriving(self, user_id: UUID, calendar_id: str, event_ids: Collection[str]) -> list[Slot]:
        """Slots of these events that are on their way to the calendar."""
        if not event_ids:
            return []
        return await self._slots(_ARRIVING, user_id, calendar_id=calendar_id, event_ids=event_ids)

    async def exceptions_of(self, user_id: UUID, series_ids: Collection[UUID]) -> list[Slot]:
        """All exceptions that are bound to these series, cancelled ones too, in the order of their ids."""
        if not series_ids:
            return []
        return await self._slots(_EXCEPTIONS_OF, user_id, series_ids=series_ids)

    async def orphans(
        self, user_id: UUID, calendar_id: str, recurring_event_ids: Collection[str]
    ) -> list[Slot]:
        """Exceptions of these events whose series was not known when they came."""
        if not recurring_event_ids:
            return []
        return await self._slots(
            _ORPHANS, user_id, calendar_id=calendar_id, recurring_event_ids=recurring_event_ids
        )

    async def replaced_instances(
        self, user_id: UUID, *, starts_before: datetime, starts_from: datetime
    ) -> Replaced:
        """What exceptions stand for, also by nothing, in a span of original starts."""
        span = {"user_id": user_id, "starts_before": starts_before, "starts_from": starts_from}
        replaced: dict[UUID, set[str]] = defaultdict(set)
        for series_id, name in await self._connection.fetch(_REPLACED, span):
            replaced[series_id].add(name)
        return replaced

    async def counts(self, user_id: UUID) -> dict[str, SlotCounts]:
        """Counts by calendar id."""
        rows = await self._connection.fetch(_COUNTS, {"user_id": user_id})
        return {calendar_id: SlotCounts(*numbers) for calendar_id, *numbers in rows}

    async def history(
        self, user_id: UUID, slot_id: UUID, *, after: int = 0, limit: int | None = None
    ) -> list[HistoryEntry]:
        """What happened to a slot after a sequence number, oldest first; `limit=None` means all."""
        params = {"user_id": user_id, "slot_id": slot_id, "after": after, "limit": limit}
        rows = await self._connection.fetch(_HISTORY if limit is None else _HISTORY_PAGE, params)
        return [
            HistoryEntry(user_id=user_id, slot_id=slot_id, seq=seq, at=at, origin=origin, fields=fields)
            for seq, at, origin, fields in rows
        ]

    def _numbered(self, slots: Sequence[Slot]) -> list[Slot]:
        if not slots:
            return []
        user_id = slots[0].user_id
        first = self._sequences.take(user_id, len(slots))
        if any(slot.user_id != user_id for slot in slots):
            raise RuntimeError("slots of several users in one call")
        return [with_seq(cleaned(slot), seq) for seq, slot in enumerate(slots, first)]

    async def _slots(self, statement: Select[Any], user_id: UUID, **params: Any) -> list[Slot]:
        rows = await self._connection.fetch_raw(statement, {"user_id": user_id, **params})
        decode = self._mapper.decode
        return [decode(user_id, row) for row in rows]

    async def _number(self, statement: Select[Any], params: dict[str, Any]) -> int:
        rows = await self._connection.fetch(statement, params)
        return int(rows[0][0])

    async def _upsert(self, slots: Sequence[Slot]) -> None:
        if slots:
            encode = self._mapper.encode
            await self._connection.run_many(_SAVE, [encode(slot, slot.seq) for slot in slots])

    async def _add_history(self, history: Iterable[HistoryEntry], numbers: dict[UUID, int]) -> None:
        mapper = self._mapper
        rows = [
            (
                mapper.id_out(entry.user_id),
                mapper.id_out(entry.slot_id),
                numbers[entry.slot_id],
                ordinal,
                mapper.instant_out(entry.at),
                entry.origin,
                to_json(entry.fields),
            )
            for ordinal, entry in enumerate(history)
        ]
        if rows:
            await self._connection.run_many(_ADD_HISTORY, rows)


_FILTERS = (
    "starts_before",
    "ends_after",
    "all_day_starts_before",
    "all_day_ends_after",
    "text",
    "calendar_id",
    "sync_state",
    "source",
    "recurring",
    "after",
)
_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "starts_before": or_(_t.all_day, _t.starts_at < bindparam("starts_before")),
    "ends_after": or_(_t.all_day, _t.ends_at > bindparam("ends_after")),
    "all_day_starts_before": or_(~_t.all_day, _t.starts_at < bindparam("all_day_starts_before")),
    "all_day_ends_after": or_(~_t.all_day, _t.ends_at > bindparam("all_day_ends_after")),
    "text": contains_text(_t.search_text, bindparam("text")),
    "calendar_id": _t.calendar_id == bindparam("calendar_id"),
    "sync_state": _t.sync_state == bindparam("sync_state"),
    "source": _t.source == bindparam("source"),
    "recurring": _t.recurrence.is_not(None) == bindparam("recurring", type_=Boolean),
    "after": tuple_(_t.starts_at, _t.id)
    > tuple_(bindparam("after_start", type_=_t.starts_at.type), bindparam("after_id", type_=_t.id.type)),
}


@lru_cache(maxsize=1024)
def _page(given: frozenset[str], *, include_deleted: bool) -> Select[Any]:
    statement = _SLOTS.where(_OWN, *(_CONDITIONS[name] for name in _FILTERS if name in given))
    if not include_deleted:
        statement = statement.where(_t.deleted_at.is_(None))
    return statement.order_by(_t.starts_at, _t.id).limit(bindparam("limit"))
