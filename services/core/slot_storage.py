"""Repositories of slots: what they are, what became of them, what waits for a person, and who reads them.

What holds for all repositories stands in `services.core.storage`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from services.core.accounts import Feed
    from services.core.agenda import Replaced
    from services.core.calendars import HoldRecord
    from services.core.changes import ChangedSlot, Reach
    from services.core.records import (
        CancelledInstance,
        ConflictRecord,
        HistoryEntry,
        Slot,
        SlotCounts,
        SlotQuery,
        ZoneUse,
    )


class SlotRepository(Protocol):
    """Slots, their history and their place in the user's sequence."""

    async def find(self, user_id: UUID, slot_id: UUID) -> Slot | None:
        """One slot, deleted or not."""

    async def find_many(self, user_id: UUID, slot_ids: Collection[UUID]) -> dict[UUID, Slot]:
        """Several slots by id."""

    async def find_by_events(
        self, user_id: UUID, calendar_id: str, event_ids: Collection[str]
    ) -> dict[str, Slot]:
        """The slots that are bound to these events of the calendar, by event id."""

    async def add(self, slots: Sequence[Slot]) -> list[Slot]:
        """Store new slots with fresh sequence numbers in the given order; the user must be locked."""

    async def save(self, slots: Sequence[Slot], history: Iterable[HistoryEntry] = ()) -> list[Slot]:
        """Store changed slots with fresh sequence numbers, and history under the same; locked too."""

    async def save_silently(self, slots: Sequence[Slot]) -> None:
        """Store what no client sees (sent, refetch, etag, seen_listing) without a new sequence number."""

    async def mark_seen(self, user_id: UUID, slot_ids: Collection[UUID], listing: int) -> None:
        """Note that a full listing contained these slots' events."""

    async def missing_from(
        self, user_id: UUID, calendar_id: str, *, listing: int, limit: int | None
    ) -> list[Slot]:
        """Slots whose event was there (`google` and `base` are set, not deleted) and that the listing lacked.

        Where Google has a tombstone, as of what is to come back, no listing need show it. Slots under a hold
        are left out. `limit=None` means all.
        """

    async def count_known(self, user_id: UUID, calendar_id: str) -> int:
        """How many slots of the calendar have an event, or had when it was last looked at."""

    async def count_missing(self, user_id: UUID, calendar_id: str, *, listing: int) -> int:
        """How many `missing_from` would return."""

    async def push_queue(self, user_id: UUID, calendar_id: str, *, limit: int) -> list[Slot]:
        """Slots with a `push_at`, be it past or yet to come, in its order, then earliest change first."""

    async def held_by(self, user_id: UUID, hold_id: UUID) -> list[Slot]:
        """The slots under a hold."""

    async def page(self, user_id: UUID, query: SlotQuery) -> list[Slot]:
        """Slots in the order of (sort start, id)."""

    async def arriving(self, user_id: UUID, calendar_id: str, event_ids: Collection[str]) -> list[Slot]:
        """Slots of these events that are on their way to the calendar."""

    async def exceptions_of(self, user_id: UUID, series_ids: Collection[UUID]) -> list[Slot]:
        """All exceptions that are bound to these series, cancelled ones too, in the order of their ids."""

    async def orphans(
        self, user_id: UUID, calendar_id: str, recurring_event_ids: Collection[str]
    ) -> list[Slot]:
        """Exceptions of these events whose series was not known when they came."""

    async def replaced_instances(
        self, user_id: UUID, *, starts_before: datetime, starts_from: datetime
    ) -> Replaced:
        """What exceptions stand for, also by nothing, in a span of original starts (`starts_from` inclusive).

        They are names alone, since a window may have tens of thousands.
        """

    async def counts(self, user_id: UUID) -> dict[str, SlotCounts]:
        """Counts by calendar id: `total` without deleted slots, `conflicts` with any that is open."""

    async def history(
        self, user_id: UUID, slot_id: UUID, *, after: int = 0, limit: int | None = None
    ) -> list[HistoryEntry]:
        """What happened to a slot after a sequence number, oldest first; `limit=None` means all."""


class ChangeRepository(Protocol):
    """The change feed's reading of the slots, and the purge of what is deleted for long.

    What one reading transaction sees of a user is what the user's writers had committed up to some point, in
    the order of their numbers: no number that is missing then is filled in later.
    """

    async def reach(self, user_id: UUID) -> Reach | None:
        """How far the user's sequence goes; `None`: there is no such user."""

    async def page(self, user_id: UUID, *, after: int, deletions_from: int, limit: int) -> list[ChangedSlot]:
        """Slots whose last change is behind `after`, in the order of their numbers.

        Of the deleted ones only those whose number is greater than `deletions_from`, too.
        """

    async def marks(self, user_ids: Collection[UUID]) -> dict[UUID, object]:
        """For each user a value that is another one once slots or the state of a calendar changed."""

    async def holding_calendars(self, user_id: UUID) -> frozenset[str]:
        """The calendars in which deletions are held."""

    async def renumber_pending(self, user_id: UUID) -> None:
        """Give pending slots fresh numbers; the user must be locked.

        How these are shown depends on whether there is an account, so a link and its end change them all.
        """

    async def users_with_forgettable(self, *, deleted_by: datetime, limit: int) -> list[UUID]:
        """Users for whom `forget` has something to do."""

    async def forget(self, user_id: UUID, *, deleted_by: datetime, limit: int) -> int:
        """Purge what `may_be_forgotten`, with its history and its settled conflicts; returns how many slots.

        The user's `forgotten_seq` moves to the highest number among them. The user must be locked.
        """


class ConflictRepository(Protocol):
    """Losing values."""

    async def add(self, conflicts: Sequence[ConflictRecord]) -> None:
        """Store new conflicts."""

    async def find(self, user_id: UUID, conflict_id: UUID) -> ConflictRecord | None:
        """One conflict, open or resolved."""

    async def page(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[ConflictRecord]:
        """Open conflicts in the order of their ids."""

    async def update(self, conflict: ConflictRecord) -> None:
        """Replace a conflict."""


class HoldRepository(Protocol):
    """Held mass deletions."""

    async def add(self, hold: HoldRecord) -> None:
        """Store a new hold."""

    async def find(self, user_id: UUID, hold_id: UUID) -> HoldRecord | None:
        """One hold, open or resolved."""

    async def page(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[HoldRecord]:
        """Open holds in the order of their ids."""

    async def update(self, hold: HoldRecord) -> None:
        """Replace a hold."""


class FeedRepository(Protocol):
    """Addresses under which calendars can be subscribed to, one per user, and what is read for them."""

    async def find(self, feed_id: UUID) -> Feed | None:
        """One feed."""

    async def of(self, user_id: UUID) -> Feed | None:
        """The user's feed."""

    async def save(self, feed: Feed) -> None:
        """Insert or replace the user's feed."""

    async def note_used(self, feed: Feed, *, now: datetime) -> None:
        """Set `last_used_at`, unless the feed was replaced or removed meanwhile."""

    async def remove(self, user_id: UUID) -> None:
        """Forget the user's feed, if there is one."""

    async def slots(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[Slot]:
        """Slots that are not deleted, in the order of their ids.

        Ids never change, so no slot can slip from one page to another.
        """

    async def cancelled_instances(self, user_id: UUID) -> list[CancelledInstance]:
        """The instances of series that are cancelled, in no order."""

    async def zones(self, user_id: UUID) -> list[ZoneUse]:
        """The zones of the timed slots that are not deleted, by name."""

    async def last_seq(self, user_id: UUID) -> int:
        """The sequence number of the last visible change of the user's slots; 0 before the first."""
