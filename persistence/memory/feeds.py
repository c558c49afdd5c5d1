"""Feeds in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.agenda import stands_in
from services.core.frozen import replace
from services.core.records import CancelledInstance, Slot, ZoneUse
from services.core.slots import Timed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from persistence.memory.state import Workspace
    from services.core.accounts import Feed


class MemoryFeedRepository:
    """Implements `FeedRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def find(self, feed_id: UUID) -> Feed | None:
        """One feed."""
        for user_id, rows in self._workspace.users_with("feeds"):
            found: Feed | None = rows.get(user_id)
            if found is not None and found.id == feed_id:
                return found
        return None

    async def of(self, user_id: UUID) -> Feed | None:
        """The user's feed."""
        return self._workspace.of("feeds", user_id).get(user_id)

    async def save(self, feed: Feed) -> None:
        """Insert or replace the user's feed."""
        self._workspace.to_write("feeds", feed.user_id)[feed.user_id] = feed

    async def note_used(self, feed: Feed, *, now: datetime) -> None:
        """Set `last_used_at`, unless the feed was replaced or removed meanwhile."""
        known = await self.of(feed.user_id)
        if known is not None and known.id == feed.id:
            await self.save(replace(known, last_used_at=now))

    async def remove(self, user_id: UUID) -> None:
        """Forget the user's feed, if there is one."""
        if await self.of(user_id) is not None:
            del self._workspace.to_write("feeds", user_id)[user_id]

    async def slots(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[Slot]:
        """Slots that are not deleted, in the order of their ids."""
        found = [slot for slot in self._all(user_id) if slot.deleted_at is None]
        behind = [slot for slot in found if after is None or slot.id > after]
        return sorted(behind, key=lambda slot: slot.id)[:limit]

    async def cancelled_instances(self, user_id: UUID) -> list[CancelledInstance]:
        """The instances of series that are cancelled, in no order."""
        return [
            CancelledInstance(slot.series.series_id, slot.series.original_start)
            for slot in self._all(user_id)
            if slot.deleted_at is not None
            and slot.series is not None
            and slot.series.series_id is not None
            and stands_in(slot)
        ]

    async def zones(self, user_id: UUID) -> list[ZoneUse]:
        """The zones of the timed slots that are not deleted, by name."""
        spans: dict[str, list[Timed]] = {}
        for slot in self._all(user_id):
            span = slot.content.schedule.span
            if slot.deleted_at is None and isinstance(span, Timed):
                spans.setdefault(span.timezone, []).append(span)
        return [
            ZoneUse(name, min(each.start for each in found), max(each.end for each in found))
            for name, found in sorted(spans.items())
        ]

    async def last_seq(self, user_id: UUID) -> int:
        """The sequence number of the last visible change of the user's slots; 0 before the first."""
        return self._workspace.last_seq(user_id)

    def _all(self, user_id: UUID) -> Iterator[Slot]:
        yield from self._workspace.of("slots", user_id).values()
