"""Repositories of calendars in sync and of the channels that tell of them.

What holds for all repositories stands in `services.core.storage`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from services.core.calendars import CalendarStatus, CalendarSync, Channel, Claim


class CalendarSyncRepository(Protocol):
    """Sync states: cursors, leases, due times."""

    async def add(self, calendar: CalendarSync) -> None:
        """Store a new calendar."""

    async def find(self, user_id: UUID, calendar_id: str) -> CalendarSync | None:
        """One calendar."""

    async def all_of(self, user_id: UUID) -> list[CalendarSync]:
        """The user's calendars in the order of their ids."""

    async def mark_due(self, user_id: UUID, calendar_id: str, *, now: datetime, pull: bool) -> int | None:
        """Trigger a run: `dirty_seq` grows, `due_at` (and with `pull` also `pull_due_at`) is now at latest.

        Returns the new `dirty_seq`; `None` when the calendar does not exist or is not active.
        """

    async def note_notified(self, user_id: UUID, calendar_id: str, *, now: datetime) -> bool:
        """`mark_due` with `pull` for a notification of Google's, in one statement; `last_notified_at` too."""

    async def claim(self, *, owner: str, now: datetime, lease_until: datetime) -> Claim | None:
        """Lease the calendar that has been due longest and that nobody holds; its epoch grows.

        Due means: active, `due_at` and `not_before` have come, and any lease has run out. The claim tells of
        the calendar's channels too, so that a run need not ask for them.
        """

    async def renew(self, claim: Claim, *, lease_until: datetime) -> None:
        """Fence: the first statement of every transaction that stores a result of the claim.

        It locks the user too, as `users.lock` does.

        Raises:
            LeaseLostError: The epoch has moved on, or the calendar is no longer active.
        """

    async def save_progress(self, claim: Claim, calendar: CalendarSync) -> None:
        """Store cursor, time_zone, progress and counters of `calendar`, fenced.

        Raises:
            LeaseLostError: As `renew`.
        """

    async def release(self, claim: Claim, calendar: CalendarSync, *, now: datetime) -> None:
        """Store what `save_progress` stores and done_seq, attempts, not_before, errors, times; end the lease.

        `calendar.due_at` and `calendar.pull_due_at` are taken when no trigger came since the claim;
        otherwise both become `now`. One statement, fenced.

        Raises:
            LeaseLostError: As `renew`.
        """

    async def set_status(
        self, user_id: UUID, status: CalendarStatus, *, now: datetime, calendar_id: str | None = None
    ) -> None:
        """Set the status of all the user's calendars; leases end (epochs grow).

        Calendars that become active are due, and what held them back (`not_before`, `attempts`) is over.
        Without `calendar_id`, those that are not selected stay so.
        """

    async def update(self, calendar: CalendarSync) -> None:
        """Replace everything but lease, epoch and trigger columns; for service calls outside a run."""

    async def save_traits(self, calendar: CalendarSync) -> None:
        """Store what no run changes: is_default, entry and push_supported of `calendar`, nothing else."""

    async def next_due_at(self) -> datetime | None:
        """When the earliest active calendar becomes due (counting `not_before` and leases)."""


class ChannelRepository(Protocol):
    """Webhook channels."""

    async def add(self, channel: Channel) -> None:
        """Store a new channel."""

    async def find(self, user_id: UUID, channel_id: str) -> Channel | None:
        """One channel."""

    async def all_of(self, user_id: UUID, calendar_id: str | None = None) -> list[Channel]:
        """The user's channels, oldest first."""

    async def update(self, channel: Channel) -> None:
        """Replace a channel."""

    async def remove(self, user_id: UUID, channel_id: str) -> None:
        """Forget a channel."""

    async def calendars_without(
        self, *, now: datetime, renew_before: datetime, limit: int
    ) -> list[tuple[UUID, str]]:
        """Active calendars that support push and have no active channel lasting beyond `renew_before`.

        Those whose `not_before` is yet to come are left out.
        """

    async def retiring(self, *, now: datetime, opened_before: datetime, limit: int) -> list[Channel]:
        """Channels to stop or forget.

        Those are the retiring, the expired, and those stuck opening since before `opened_before`.
        """
