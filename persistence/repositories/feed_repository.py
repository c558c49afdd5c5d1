"""Addresses under which calendars can be subscribed to, and what is read for them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from persistence.models import feeds, fixed_slots, users
from persistence.repositories.slot_mapper import mapper_of
from services.core.accounts import Feed
from services.core.records import CancelledInstance, Slot, ZoneUse
from services.core.recurrence import parse_instance_key

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(Feed))
_FEEDS = select(*(feeds.c[name] for name in _FIELDS))
_FIND = _FEEDS.where(feeds.c.id == bindparam("feed_id"))
_OF = _FEEDS.where(feeds.c.user_id == bindparam("user_id"))
_insert = insert(feeds)
_SAVE = _insert.on_conflict_do_update(
    index_elements=["user_id"],
    set_={name: _insert.excluded[name] for name in _FIELDS if name != "user_id"},
)
_NOTE_USED = (
    update(feeds)
    .where(feeds.c.user_id == bindparam("owner"), feeds.c.id == bindparam("feed_id"))
    .values(last_used_at=bindparam("now"))
)
_REMOVE = delete(feeds).where(feeds.c.user_id == bindparam("user_id"))

_t = fixed_slots.c
_OWN = _t.user_id == bindparam("user_id")
_SLOTS = select(fixed_slots).where(_OWN, _t.deleted_at.is_(None)).order_by(_t.id).limit(bindparam("limit"))
_SLOTS_AFTER = _SLOTS.where(_t.id > bindparam("after"))
_CANCELLED = select(_t.series_id, _t.original_start).where(
    _OWN, _t.series_id.is_not(None), _t.deleted_at.is_not(None), or_(_t.event_id.is_not(None), _t.dirty)
)
_ZONES = (
    select(_t.timezone, func.min(_t.starts_at), func.max(_t.ends_at))
    .where(_OWN, _t.deleted_at.is_(None), _t.timezone.is_not(None))
    .group_by(_t.timezone)
)
_LAST_SEQ = select(users.c.last_seq).where(users.c.id == bindparam("user_id"))


class SqlFeedRepository:
    """Implements `FeedRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._mapper = mapper_of(connection.dialect_name)

    async def find(self, feed_id: UUID) -> Feed | None:
        """One feed."""
        rows = await self._connection.fetch(_FIND, {"feed_id": feed_id})
        return Feed(*rows[0]) if rows else None

    async def of(self, user_id: UUID) -> Feed | None:
        """The user's feed."""
        rows = await self._connection.fetch(_OF, {"user_id": user_id})
        return Feed(*rows[0]) if rows else None

    async def save(self, feed: Feed) -> None:
        """Insert or replace the user's feed."""
        await self._connection.fetch(_SAVE, {name: getattr(feed, name) for name in _FIELDS})

    async def note_used(self, feed: Feed, *, now: datetime) -> None:
        """Set `last_used_at`, unless the feed was replaced or removed meanwhile."""
        await self._connection.fetch(_NOTE_USED, {"owner": feed.user_id, "feed_id": feed.id, "now": now})

    async def remove(self, user_id: UUID) -> None:
        """Forget the user's feed, if there is one."""
        await self._connection.fetch(_REMOVE, {"user_id": user_id})

    async def slots(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[Slot]:
        """Slots that are not deleted, in the order of their ids."""
        params = {"user_id": user_id, "after": after, "limit": limit}
        rows = await self._connection.fetch_raw(_SLOTS if after is None else _SLOTS_AFTER, params)
        return [self._mapper.decode(user_id, row) for row in rows]

    async def cancelled_instances(self, user_id: UUID) -> list[CancelledInstance]:
        """The instances of series that are cancelled, in no order."""
        rows = await self._connection.fetch(_CANCELLED, {"user_id": user_id})
        starts = ((series_id, parse_instance_key(key)) for series_id, key in rows)
        return [CancelledInstance(series_id, start) for series_id, start in starts if start is not None]

    async def zones(self, user_id: UUID) -> list[ZoneUse]:
        """The zones of the timed slots that are not deleted, by name."""
        rows = await self._connection.fetch(_ZONES, {"user_id": user_id})
        # Databases put names in orders of their own.
        return sorted((ZoneUse(*row) for row in rows), key=lambda use: use.timezone)

    async def last_seq(self, user_id: UUID) -> int:
        """The sequence number of the last visible change of the user's slots; 0 before the first."""
        rows = await self._connection.fetch(_LAST_SEQ, {"user_id": user_id})
        return int(rows[0][0]) if rows else 0
