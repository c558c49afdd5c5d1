"""The change feed's reading of the slots, and the purge of what is deleted for long."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, exists, or_, select, update

from persistence.dialects import is_one_of, later_number_of
from persistence.models import calendar_sync_states, conflicts, fixed_slots, slot_history, users
from persistence.repositories.slot_mapper import COLUMNS, mapper_of
from services.core.changes import ChangedSlot, Reach
from services.core.records import SyncState

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, FromClause

    from persistence.connection import Connection
    from persistence.repositories.sequence import Sequences

_t = fixed_slots.c
_OWN = _t.user_id == bindparam("user_id")
_APPEARED = COLUMNS.index("appeared_seq")
_PAGE = (
    select(fixed_slots)
    .where(
        _OWN,
        _t.seq > bindparam("after"),
        or_(_t.deleted_at.is_(None), _t.seq > bindparam("deletions_from")),
    )
    .order_by(_t.seq)
    .limit(bindparam("limit"))
)
_REACH = select(users.c.last_seq, users.c.forgotten_seq).where(users.c.id == bindparam("user_id"))
_LAST_SEQS = select(users.c.id, users.c.last_seq).where(is_one_of(users.c.id, "user_ids"))
_s = calendar_sync_states.c
_RUNS = (
    select(_s.user_id, _s.calendar_id, _s.status, _s.epoch, _s.lease_owner, _s.done_seq, _s.attempts)
    .where(is_one_of(_s.user_id, "user_ids"))
    .order_by(_s.user_id, _s.calendar_id)
)
_HOLDING = select(_t.calendar_id).where(_OWN, _t.hold_id.is_not(None)).distinct()
_SHOWN_BY_ACCOUNT = (
    select(_t.id).where(_OWN, _t.sync_state == SyncState.PENDING.value).order_by(_t.seq, _t.id)
)
_RENUMBER = (
    update(fixed_slots)
    .where(_t.user_id == bindparam("owner"), _t.id == bindparam("slot_id"))
    .values(seq=bindparam("new_seq"))
)


def _is_settled(slot: FromClause) -> ColumnElement[bool]:
    c = slot.c
    return and_(
        c.deleted_at <= bindparam("deleted_by"),
        ~c.dirty,
        c.sent.is_(None),
        ~c.refetch,
        c.hold_id.is_(None),
        c.quarantined_until.is_(None),
        c.open_conflicts == 0,
    )


_other = fixed_slots.alias("other")
_MAY_BE_FORGOTTEN = and_(
    _is_settled(fixed_slots),
    or_(
        and_(
            _t.original_start.is_(None),
            ~exists().where(_other.c.user_id == _t.user_id, _other.c.series_id == _t.id),
        ),
        and_(
            _t.original_start.is_not(None),
            _t.series_id.is_not(None),
            or_(
                _t.event_id.is_(None),
                ~exists().where(
                    _other.c.user_id == _t.user_id,
                    _other.c.id == _t.series_id,
                    or_(_other.c.deleted_at.is_(None), ~_is_settled(_other)),
                ),
            ),
        ),
    ),
)
_WITH_FORGETTABLE = select(_t.user_id).where(_MAY_BE_FORGOTTEN).group_by(_t.user_id).limit(bindparam("limit"))
_FORGETTABLE = select(_t.id, _t.seq).where(_OWN, _MAY_BE_FORGOTTEN).order_by(_t.seq).limit(bindparam("limit"))
_FORGET = tuple(
    delete(table).where(table.c.user_id == bindparam("user_id"), is_one_of(table.c[column], "slot_ids"))
    for table, column in ((slot_history, "slot_id"), (conflicts, "slot_id"), (fixed_slots, "id"))
)
_MOVE_HORIZON = (
    update(users)
    .where(users.c.id == bindparam("user_id"))
    .values(forgotten_seq=later_number_of(users.c.forgotten_seq, bindparam("forgotten")))
)


class SqlChangeRepository:
    """Implements `ChangeRepository`; `core.retention` says in Python what may be forgotten."""

    def __init__(self, connection: Connection, sequences: Sequences) -> None:
        self._connection = connection
        self._sequences = sequences
        self._mapper = mapper_of(connection.dialect_name)

    async def reach(self, user_id: UUID) -> Reach | None:
        """How far the user's sequence goes; `None`: there is no such user."""
        rows = await self._connection.fetch(_REACH, {"user_id": user_id})
        return Reach(*rows[0]) if rows else None

    async def page(self, user_id: UUID, *, after: int, deletions_from: int, limit: int) -> list[ChangedSlot]:
        """Slots whose last change is behind `after`, in the order of their numbers."""
        rows = await self._connection.fetch_raw(
            _PAGE, {"user_id": user_id, "after": after, "deletions_from": deletions_from, "limit": limit}
        )
        decode = self._mapper.decode
        return [ChangedSlot(decode(user_id, row), row[_APPEARED]) for row in rows]

    async def marks(self, user_ids: Collection[UUID]) -> dict[UUID, object]:
        """For each user a value that is another one once slots or the state of a calendar changed."""
        if not user_ids:
            return {}
        runs: dict[UUID, list[object]] = defaultdict(list)
        for user_id, *run in await self._connection.fetch(_RUNS, {"user_ids": user_ids}):
            runs[user_id].append(tuple(run))
        rows = await self._connection.fetch(_LAST_SEQS, {"user_ids": user_ids})
        return {user_id: (last_seq, *runs[user_id]) for user_id, last_seq in rows}

    async def holding_calendars(self, user_id: UUID) -> frozenset[str]:
        """The calendars in which deletions are held."""
        rows = await self._connection.fetch(_HOLDING, {"user_id": user_id})
        return frozenset(row[0] for row in rows)

    async def renumber_pending(self, user_id: UUID) -> None:
        """Give pending slots fresh numbers, since how they are shown depends on the account; locked."""
        rows = await self._connection.fetch(_SHOWN_BY_ACCOUNT, {"user_id": user_id})
        first = self._sequences.take(user_id, len(rows))
        out = self._mapper.id_out
        numbered = [(seq, out(user_id), out(slot_id)) for seq, (slot_id,) in enumerate(rows, first)]
        if numbered:
            await self._connection.run_many(_RENUMBER, numbered)

    async def users_with_forgettable(self, *, deleted_by: datetime, limit: int) -> list[UUID]:
        """Users for whom `forget` has something to do."""
        params = {"deleted_by": deleted_by, "limit": limit}
        return [user_id for (user_id,) in await self._connection.fetch(_WITH_FORGETTABLE, params)]

    async def forget(self, user_id: UUID, *, deleted_by: datetime, limit: int) -> int:
        """Purge deleted slots with their history and settled conflicts; the user must be locked."""
        self._sequences.require_lock(user_id)
        params: dict[str, Any] = {"user_id": user_id, "deleted_by": deleted_by, "limit": limit}
        rows = await self._connection.fetch(_FORGETTABLE, params)
        if not rows:
            return 0
        slot_ids = [slot_id for slot_id, _ in rows]
        for statement in _FORGET:
            await self._connection.fetch(statement, {"user_id": user_id, "slot_ids": slot_ids})
        # In the order of their numbers, so the last one is the highest.
        await self._connection.fetch(_MOVE_HORIZON, {"user_id": user_id, "forgotten": rows[-1][1]})
        return len(rows)
