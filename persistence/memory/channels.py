"""Webhook channels in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persistence.failures import ConstraintError
from services.core.calendars import CalendarStatus, CalendarSync, Channel, ChannelStatus

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from persistence.memory.state import Workspace


class MemoryChannelRepository:
    """Implements `ChannelRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def add(self, channel: Channel) -> None:
        """Store a new channel."""
        rows = self._workspace.to_write("channels", channel.user_id)
        if channel.id in rows:
            raise ConstraintError("channels")
        rows[channel.id] = channel

    async def find(self, user_id: UUID, channel_id: str) -> Channel | None:
        """One channel."""
        return self._workspace.of("channels", user_id).get(channel_id)

    async def all_of(self, user_id: UUID, calendar_id: str | None = None) -> list[Channel]:
        """The user's channels, oldest first."""
        return sorted(
            (
                channel
                for channel in self._workspace.of("channels", user_id).values()
                if calendar_id is None or channel.calendar_id == calendar_id
            ),
            key=lambda channel: (channel.created_at, channel.id),
        )

    async def update(self, channel: Channel) -> None:
        """Replace a channel."""
        if channel.id in self._workspace.of("channels", channel.user_id):
            self._workspace.to_write("channels", channel.user_id)[channel.id] = channel

    async def remove(self, user_id: UUID, channel_id: str) -> None:
        """Forget a channel."""
        if channel_id in self._workspace.of("channels", user_id):
            del self._workspace.to_write("channels", user_id)[channel_id]

    async def calendars_without(
        self, *, now: datetime, renew_before: datetime, limit: int
    ) -> list[tuple[UUID, str]]:
        """Active calendars that support push and have no active channel lasting beyond `renew_before`."""
        found = [
            (calendar.user_id, calendar.calendar_id)
            for _, rows in self._workspace.users_with("calendars")
            for calendar in rows.values()
            if calendar.status is CalendarStatus.ACTIVE
            and calendar.push_supported
            and calendar.not_before <= now
            and not self._is_watched(calendar, renew_before)
        ]
        return sorted(found)[:limit]

    async def retiring(self, *, now: datetime, opened_before: datetime, limit: int) -> list[Channel]:
        """Channels to stop or forget, oldest first."""
        found = [
            channel
            for _, rows in self._workspace.users_with("channels")
            for channel in rows.values()
            if channel.status is ChannelStatus.RETIRING
            or (channel.expires_at is not None and channel.expires_at <= now)
            or (channel.status is ChannelStatus.OPENING and channel.created_at < opened_before)
        ]
        return sorted(found, key=lambda channel: (channel.created_at, channel.user_id, channel.id))[:limit]

    def _is_watched(self, calendar: CalendarSync, until: datetime) -> bool:
        return any(
            channel.calendar_id == calendar.calendar_id
            and channel.status is ChannelStatus.ACTIVE
            and (channel.expires_at is None or channel.expires_at > until)
            for channel in self._workspace.of("channels", calendar.user_id).values()
        )
