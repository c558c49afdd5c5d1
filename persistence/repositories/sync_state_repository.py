"""The sync states of calendars: cursors, leases, due times.

`wake_at` is the one column that says when a replica may claim a calendar; every statement that writes
something it depends on writes it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Update,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    literal_column,
    null,
    select,
    update,
)

from persistence.dialects import earlier_of, later_of
from persistence.models import calendar_sync_states, channels, users
from persistence.repositories.sync_state_mapper import COLUMNS, calendar_to_row, row_to_calendar
from persistence.types import UtcDateTime
from services.core.calendars import LONG_AGO, CalendarStatus, ChannelStatus, Claim
from services.core.errors import LeaseLostError

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from persistence.connection import Connection
    from persistence.repositories.sequence import Sequences
    from services.core.calendars import CalendarSync

_t = calendar_sync_states.c
_ACTIVE = _t.status == CalendarStatus.ACTIVE.value
_OWN = _t.user_id == bindparam("of_user")
_ONE = and_(_OWN, _t.calendar_id == bindparam("of_calendar"))
_FENCED = and_(_ONE, _t.epoch == bindparam("claimed_epoch"), _ACTIVE)
_COLUMNS = tuple(_t[name] for name in COLUMNS)


def _instant(name: str) -> ColumnElement[datetime]:
    return bindparam(name, type_=UtcDateTime())


_LONG_AGO = literal(LONG_AGO, UtcDateTime())
_NOW = _instant("now")
_DUE_NOW = earlier_of(_t.due_at, _NOW)
_PROGRESS = (
    "sync_token",
    "listing",
    "listing_page",
    "suspect_missing",
    "time_zone",
    "counters",
    "progress",
)
_OUTCOME = (*_PROGRESS, "not_before", "attempts", "last_error", "last_success_at")
_TRAITS = ("is_default", "entry", "push_supported")
_REPLACED = (*_OUTCOME, *_TRAITS, "status")


def _new(*names: str) -> dict[str, ColumnElement[Any]]:
    return {name: bindparam(f"new_{name}", type_=_t[name].type) for name in names}


def _params(calendar: CalendarSync) -> dict[str, Any]:
    """All parameters that a statement about this calendar may ask for."""
    return {f"new_{name}": value for name, value in calendar_to_row(calendar).items()} | {
        "of_user": calendar.user_id,
        "of_calendar": calendar.calendar_id,
    }


_ADD = insert(calendar_sync_states)
_FIND = select(*_COLUMNS).where(_ONE)
_ALL = select(*_COLUMNS).where(_OWN)
_NEXT_DUE = select(func.min(_t.wake_at))


def _trigger(*, pull: bool, notified: bool) -> Update:
    values: dict[str, Any] = {
        "dirty_seq": _t.dirty_seq + 1,
        "due_at": _DUE_NOW,
        "wake_at": later_of(_DUE_NOW, _t.not_before, _t.lease_until),
    }
    if pull:
        values["pull_due_at"] = earlier_of(_t.pull_due_at, _NOW)
    if notified:
        values["last_notified_at"] = _NOW
    return update(calendar_sync_states).where(_ONE, _ACTIVE).values(**values).returning(_t.dirty_seq)


_TRIGGERS = {pull: _trigger(pull=pull, notified=False) for pull in (False, True)}
_NOTIFIED = _trigger(pull=True, notified=True)


def _claim() -> Update:
    # The clause that lets replicas step over each other's rows is left out on SQLite, where the whole
    # transaction is alone. MATERIALIZED by nature: a query that locks rows is never inlined.
    due = (
        select(_t.user_id, _t.calendar_id)
        .where(_t.wake_at <= _NOW)
        .order_by(_t.wake_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    # In what SQLite returns, columns lose their tables, and would be those of the channels.
    of_row: dict[str, ColumnElement[Any]] = {
        name: literal_column(f"calendar_sync_states.{name}") for name in ("user_id", "calendar_id")
    }
    notified_until = select(func.max(channels.c.expires_at)).where(
        channels.c.user_id == of_row["user_id"],
        channels.c.calendar_id == of_row["calendar_id"],
        channels.c.status == ChannelStatus.ACTIVE.value,
    )
    return (
        update(calendar_sync_states)
        .where(_t.user_id == due.c.user_id, _t.calendar_id == due.c.calendar_id)
        .values(
            lease_owner=bindparam("owner"),
            lease_until=_instant("until"),
            epoch=_t.epoch + 1,
            wake_at=later_of(_t.due_at, _t.not_before, _instant("until")),
        )
        .returning(notified_until.scalar_subquery().label("notified_until"), *_COLUMNS)
    )


_CLAIM = _claim()
_RENEWED = {
    "lease_until": _instant("until"),
    "wake_at": later_of(_t.due_at, _t.not_before, _instant("until")),
}


def _renew_after_lock() -> Update:
    # The user first and the calendar second, as everybody does, or two transactions wait for each other.
    # As a CTE the lock is taken before any row of the outer statement is.
    locked = (
        select(users.c.id, users.c.last_seq)
        .where(users.c.id == bindparam("of_user"))
        .with_for_update(key_share=True)
        .cte("locked")
    )
    return (
        update(calendar_sync_states)
        .where(_FENCED, _t.user_id == locked.c.id)
        .values(_RENEWED)
        .returning(locked.c.last_seq)
    )


_RENEW = {
    "postgresql": _renew_after_lock(),
    "sqlite": update(calendar_sync_states)
    .where(_FENCED)
    .values(_RENEWED)
    .returning(
        select(users.c.last_seq).where(users.c.id == bindparam("of_user")).scalar_subquery().label("last_seq")
    ),
}
_SAVE_PROGRESS = update(calendar_sync_states).where(_FENCED).values(_new(*_PROGRESS)).returning(_t.epoch)


def _release() -> Update:
    quiet = _t.dirty_seq == bindparam("claimed_dirty_seq")
    new = _new("due_at", "pull_due_at", "not_before", "done_seq")
    due_at = case((quiet, new["due_at"]), else_=_NOW)
    return (
        update(calendar_sync_states)
        .where(_FENCED)
        .values(
            **_new(*_OUTCOME),
            due_at=due_at,
            pull_due_at=case((quiet, new["pull_due_at"]), else_=_NOW),
            done_seq=new["done_seq"],
            lease_owner=null(),
            lease_until=_LONG_AGO,
            wake_at=later_of(due_at, new["not_before"], _LONG_AGO),
        )
        .returning(_t.epoch)
    )


_RELEASE = _release()


def _set_status(*, active: bool, one: bool) -> Update:
    values: dict[str, Any] = {
        "status": bindparam("new_status"),
        "lease_owner": null(),
        "lease_until": _LONG_AGO,
        "epoch": _t.epoch + 1,
        "wake_at": null(),
    }
    if active:
        values |= {
            "dirty_seq": _t.dirty_seq + 1,
            "due_at": _DUE_NOW,
            "pull_due_at": earlier_of(_t.pull_due_at, _NOW),
            "not_before": _LONG_AGO,
            "attempts": 0,
            "wake_at": _DUE_NOW,
        }
    whose = _ONE if one else and_(_OWN, _t.status != CalendarStatus.UNSELECTED.value)
    return update(calendar_sync_states).where(whose).values(**values)


_SET_STATUS = {
    (active, one): _set_status(active=active, one=one) for active in (False, True) for one in (False, True)
}
_SAVE_TRAITS = update(calendar_sync_states).where(_ONE).values(_new(*_TRAITS))
_UPDATE = (
    update(calendar_sync_states)
    .where(_ONE)
    .values(
        **_new(*_REPLACED),
        wake_at=case(
            (
                bindparam("new_status", type_=_t.status.type) == CalendarStatus.ACTIVE.value,
                later_of(_t.due_at, _new("not_before")["not_before"], _t.lease_until),
            ),
            else_=null(),
        ),
    )
)


class SqlCalendarSyncRepository:
    """Implements `CalendarSyncRepository`."""

    def __init__(self, connection: Connection, sequences: Sequences) -> None:
        self._connection = connection
        self._sequences = sequences

    async def add(self, calendar: CalendarSync) -> None:
        """Store a new calendar."""
        await self._connection.fetch(_ADD, calendar_to_row(calendar))

    async def find(self, user_id: UUID, calendar_id: str) -> CalendarSync | None:
        """One calendar."""
        rows = await self._connection.fetch(_FIND, {"of_user": user_id, "of_calendar": calendar_id})
        return row_to_calendar(rows[0]) if rows else None

    async def all_of(self, user_id: UUID) -> list[CalendarSync]:
        """The user's calendars in the order of their ids."""
        rows = await self._connection.fetch(_ALL, {"of_user": user_id})
        # Sorted here, since databases have collations of their own.
        return sorted(map(row_to_calendar, rows), key=lambda calendar: calendar.calendar_id)

    async def mark_due(self, user_id: UUID, calendar_id: str, *, now: datetime, pull: bool) -> int | None:
        """Trigger a run: the calendar is due now at latest, with `pull` also its next listing."""
        rows = await self._connection.fetch(
            _TRIGGERS[pull], {"of_user": user_id, "of_calendar": calendar_id, "now": now}
        )
        return int(rows[0][0]) if rows else None

    async def note_notified(self, user_id: UUID, calendar_id: str, *, now: datetime) -> bool:
        """`mark_due` with `pull` for a notification of Google's, in one statement; `last_notified_at` too."""
        params = {"of_user": user_id, "of_calendar": calendar_id, "now": now}
        return bool(await self._connection.fetch(_NOTIFIED, params))

    async def claim(self, *, owner: str, now: datetime, lease_until: datetime) -> Claim | None:
        """Lease the calendar that has been due longest and that nobody holds; its epoch grows."""
        rows = await self._connection.fetch(_CLAIM, {"owner": owner, "now": now, "until": lease_until})
        return Claim(row_to_calendar(rows[0][1:]), rows[0][0]) if rows else None

    async def renew(self, claim: Claim, *, lease_until: datetime) -> None:
        """Fence, and lock the user: the first statement of every transaction that stores a result."""
        params = _fence(claim) | {"until": lease_until}
        rows = await self._connection.fetch(_RENEW[self._connection.dialect_name], params)
        if not rows:
            raise _lost(claim)
        self._sequences.begin(claim.user_id, rows[0][0])

    async def save_progress(self, claim: Claim, calendar: CalendarSync) -> None:
        """Store cursor, time_zone, progress and counters of `calendar`, fenced."""
        if not await self._connection.fetch(_SAVE_PROGRESS, _params(calendar) | _fence(claim)):
            raise _lost(claim)

    async def release(self, claim: Claim, calendar: CalendarSync, *, now: datetime) -> None:
        """Store the outcome and give the lease back; due again now if a trigger came since the claim."""
        params = _params(calendar) | _fence(claim)
        params |= {"claimed_dirty_seq": claim.calendar.dirty_seq, "now": now}
        if not await self._connection.fetch(_RELEASE, params):
            raise _lost(claim)

    async def set_status(
        self, user_id: UUID, status: CalendarStatus, *, now: datetime, calendar_id: str | None = None
    ) -> None:
        """Set the status of one or of all selected calendars; leases end, active ones become due."""
        await self._connection.fetch(
            _SET_STATUS[status is CalendarStatus.ACTIVE, calendar_id is not None],
            {"of_user": user_id, "of_calendar": calendar_id, "new_status": status.value, "now": now},
        )

    async def update(self, calendar: CalendarSync) -> None:
        """Replace everything but lease, epoch and trigger columns; for service calls outside a run."""
        await self._connection.fetch(_UPDATE, _params(calendar))

    async def save_traits(self, calendar: CalendarSync) -> None:
        """Store what no run changes: is_default, entry and push_supported of `calendar`, nothing else."""
        await self._connection.fetch(_SAVE_TRAITS, _params(calendar))

    async def next_due_at(self) -> datetime | None:
        """When the earliest active calendar becomes due (counting `not_before` and leases)."""
        rows = await self._connection.fetch(_NEXT_DUE, {})
        found: datetime | None = rows[0][0]
        return found


def _fence(claim: Claim) -> dict[str, Any]:
    return {"of_user": claim.user_id, "of_calendar": claim.calendar_id, "claimed_epoch": claim.epoch}


def _lost(claim: Claim) -> LeaseLostError:
    return LeaseLostError(claim.user_id, claim.calendar_id, claim.epoch)
