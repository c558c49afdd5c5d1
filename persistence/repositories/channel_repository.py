"""Webhook channels."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, exists, insert, or_, select, update

from persistence.models import calendar_sync_states, channels
from services.core.calendars import CalendarStatus, Channel, ChannelStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(Channel))
_CHANGING = tuple(name for name in _FIELDS if name not in ("user_id", "id"))
_t = channels.c
_calendars = calendar_sync_states.c
_CHANNELS = select(*(_t[name] for name in _FIELDS))
_ONE = and_(_t.user_id == bindparam("of_user"), _t.id == bindparam("of_channel"))
_ADD = insert(channels)
_FIND = _CHANNELS.where(_ONE)
_ALL = _CHANNELS.where(_t.user_id == bindparam("of_user")).order_by(_t.created_at, _t.id)
_ALL_OF_CALENDAR = _ALL.where(_t.calendar_id == bindparam("of_calendar"))
_UPDATE = (
    update(channels)
    .where(_ONE)
    .values({name: bindparam(f"new_{name}", type_=_t[name].type) for name in _CHANGING})
)
_REMOVE = delete(channels).where(_ONE)
_WITHOUT = (
    select(_calendars.user_id, _calendars.calendar_id)
    .where(
        _calendars.status == CalendarStatus.ACTIVE.value,
        _calendars.push_supported,
        _calendars.not_before <= bindparam("now"),
        ~exists().where(
            _t.user_id == _calendars.user_id,
            _t.calendar_id == _calendars.calendar_id,
            _t.status == ChannelStatus.ACTIVE.value,
            or_(_t.expires_at.is_(None), _t.expires_at > bindparam("renew_before")),
        ),
    )
    .order_by(_calendars.user_id, _calendars.calendar_id)
    .limit(bindparam("limit"))
)
_RETIRING = (
    _CHANNELS.where(
        or_(
            _t.status == ChannelStatus.RETIRING.value,
            _t.expires_at <= bindparam("now"),
            and_(
                _t.status == ChannelStatus.OPENING.value,
                _t.created_at < bindparam("opened_before"),
            ),
        )
    )
    .order_by(_t.created_at, _t.user_id, _t.id)
    .limit(bindparam("limit"))
)


class SqlChannelRepository:
    """Implements `ChannelRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, channel: Channel) -> None:
        """Store a new channel."""
        await self._connection.fetch(_ADD, _row(channel))

    async def find(self, user_id: UUID, channel_id: str) -> Channel | None:
        """One channel."""
        rows = await self._connection.fetch(_FIND, {"of_user": user_id, "of_channel": channel_id})
        return _channel(rows[0]) if rows else None

    async def all_of(self, user_id: UUID, calendar_id: str | None = None) -> list[Channel]:
        """The user's channels, oldest first."""
        statement = _ALL if calendar_id is None else _ALL_OF_CALENDAR
        rows = await self._connection.fetch(statement, {"of_user": user_id, "of_calendar": calendar_id})
        return [_channel(row) for row in rows]

    async def update(self, channel: Channel) -> None:
        """Replace a channel."""
        row = {f"new_{name}": value for name, value in _row(channel).items()}
        await self._connection.fetch(_UPDATE, row | {"of_user": channel.user_id, "of_channel": channel.id})

    async def remove(self, user_id: UUID, channel_id: str) -> None:
        """Forget a channel."""
        await self._connection.fetch(_REMOVE, {"of_user": user_id, "of_channel": channel_id})

    async def calendars_without(
        self, *, now: datetime, renew_before: datetime, limit: int
    ) -> list[tuple[UUID, str]]:
        """Active calendars that support push and have no active channel lasting beyond `renew_before`."""
        rows = await self._connection.fetch(
            _WITHOUT, {"now": now, "renew_before": renew_before, "limit": limit}
        )
        return [(user_id, calendar_id) for user_id, calendar_id in rows]

    async def retiring(self, *, now: datetime, opened_before: datetime, limit: int) -> list[Channel]:
        """Channels to stop or forget, oldest first."""
        rows = await self._connection.fetch(
            _RETIRING, {"now": now, "opened_before": opened_before, "limit": limit}
        )
        return [_channel(row) for row in rows]


def _row(channel: Channel) -> dict[str, Any]:
    return {name: getattr(channel, name) for name in _FIELDS} | {"status": channel.status.value}


def _channel(row: Sequence[Any]) -> Channel:
    found = dict(zip(_FIELDS, row, strict=True))
    return Channel(**found | {"status": ChannelStatus(found["status"])})
