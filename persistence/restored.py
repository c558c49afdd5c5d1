"""What a database needs that was restored from a backup, before the service uses it again.

The backup knows nothing of what was told to clients and to Google after it was made. Whatever is still held
from that time must not be mistaken for something that is given out now, so positions in the change feed,
versions of slots and epochs of leases go on from numbers that were never reached (`services.core.beyond`).
Browsers are signed out, since who signed out after the backup would be signed in again. What Google knows is
as good as ever: the sync token of the backup leads to everything that happened since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, bindparam, case, delete, literal, null, select, update

from persistence.dialects import is_one_of, later_number_of
from persistence.models import (
    calendar_sync_states,
    channels,
    fixed_slots,
    oauth_flows,
    sessions,
    sign_in_flows,
    users,
    webhook_subscriptions,
)
from persistence.types import UtcDateTime
from services.core.beyond import seq_beyond, version_beyond
from services.core.calendars import LONG_AGO, CalendarStatus, ChannelStatus

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from persistence.connection import Connection
    from persistence.database import Database

_USERS_AT_A_TIME: Final = 200
_NUMBER: Final = bindparam("number", type_=BigInteger())
_NOW = bindparam("now", type_=UtcDateTime())
_LONG_AGO = literal(LONG_AGO, UtcDateTime())
_u, _s, _c, _w = users.c, fixed_slots.c, calendar_sync_states.c, webhook_subscriptions.c

_FIRST_USERS = select(_u.id).order_by(_u.id).limit(bindparam("limit"))
_MORE_USERS = _FIRST_USERS.where(_u.id > bindparam("after"))
_BEGIN_READERS_ANEW = (
    update(users)
    .where(is_one_of(_u.id, "of_users"))
    .values(
        last_seq=later_number_of(_u.last_seq, _NUMBER), forgotten_seq=later_number_of(_u.last_seq, _NUMBER)
    )
)
_OUTDATE_VERSIONS = (
    update(fixed_slots)
    .where(is_one_of(_s.user_id, "of_users"))
    .values(version=later_number_of(_s.version, bindparam("version", type_=BigInteger())))
)
_END_LEASES = (
    update(calendar_sync_states)
    .where(is_one_of(_c.user_id, "of_users"))
    .values(
        lease_owner=null(),
        lease_until=_LONG_AGO,
        epoch=later_number_of(_c.epoch, _NUMBER),
        due_at=_NOW,
        pull_due_at=_NOW,
        not_before=_LONG_AGO,
        wake_at=case((_c.status == CalendarStatus.ACTIVE.value, _NOW), else_=null()),
    )
    .returning(_c.calendar_id)
)
_END_DELIVERIES = (
    update(webhook_subscriptions)
    .where(is_one_of(_w.user_id, "of_users"))
    .values(lease_until=_LONG_AGO, epoch=later_number_of(_w.epoch, _NUMBER))
)
_REPLACE_CHANNELS = (
    update(channels)
    .where(is_one_of(channels.c.user_id, "of_users"), channels.c.status == ChannelStatus.ACTIVE.value)
    .values(status=ChannelStatus.RETIRING.value)
)
_SIGN_OUT = tuple(delete(table) for table in (sessions, oauth_flows, sign_in_flows))


@dataclass(frozen=True, slots=True)
class Continued:
    """What was made ready."""

    users: int
    calendars: int
    """Each is listed as soon as the service runs, and gets a new webhook channel."""


async def continue_after_restore(database: Database, *, now: datetime) -> Continued:
    """Make a restored database ready; may be interrupted and repeated.

    Nobody may use the database meanwhile.

    Args:
        database: Migrated.
        now: Aware, UTC; later than anything that was done before the restore.

    Raises:
        DatabaseUnavailableError: It gave no answer.
    """
    async with database.transaction(writing=True) as connection:
        for statement in _SIGN_OUT:
            await connection.fetch(statement, {})
    found = calendars = 0
    after: UUID | None = None
    while True:
        async with database.transaction(writing=True) as connection:
            page = {"after": after, "limit": _USERS_AT_A_TIME}
            rows = await connection.fetch(_FIRST_USERS if after is None else _MORE_USERS, page)
            if not rows:
                return Continued(found, calendars)
            of_users = [row[0] for row in rows]
            calendars += await _continue(connection, of_users, now)
        found += len(of_users)
        after = of_users[-1]


async def _continue(connection: Connection, of_users: list[UUID], now: datetime) -> int:
    given = {"of_users": of_users, "number": seq_beyond(now), "now": now, "version": version_beyond(now)}
    for statement in (_BEGIN_READERS_ANEW, _OUTDATE_VERSIONS, _END_DELIVERIES, _REPLACE_CHANNELS):
        await connection.fetch(statement, given)
    return len(await connection.fetch(_END_LEASES, given))
