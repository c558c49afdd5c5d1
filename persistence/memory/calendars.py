"""Sync states in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from persistence.failures import ConstraintError
from persistence.repositories.sync_state_mapper import wake_at
from services.core.calendars import LONG_AGO, CalendarStatus, CalendarSync, ChannelStatus, Claim
from services.core.errors import LeaseLostError
from services.core.frozen import replace

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from persistence.memory.state import Workspace


class MemoryCalendarSyncRepository:
    """Implements `CalendarSyncRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._sequences = workspace.sequences

    async def add(self, calendar: CalendarSync) -> None:
        """Store a new calendar."""
        rows = self._workspace.to_write("calendars", calendar.user_id)
        if calendar.calendar_id in rows:
            raise ConstraintError("calendar_sync_states")
        rows[calendar.calendar_id] = calendar

    async def find(self, user_id: UUID, calendar_id: str) -> CalendarSync | None:
        """One calendar."""
        return self._workspace.of("calendars", user_id).get(calendar_id)

    async def all_of(self, user_id: UUID) -> list[CalendarSync]:
        """The user's calendars in the order of their ids."""
        return [calendar for _, calendar in sorted(self._workspace.of("calendars", user_id).items())]

    async def mark_due(self, user_id: UUID, calendar_id: str, *, now: datetime, pull: bool) -> int | None:
        """Trigger a run: the calendar is due now at latest, with `pull` also its next listing."""
        calendar = await self.find(user_id, calendar_id)
        if calendar is None or calendar.status is not CalendarStatus.ACTIVE:
            return None
        due = _triggered(calendar, now, pull=pull)
        self._put(due)
        return due.dirty_seq

    async def note_notified(self, user_id: UUID, calendar_id: str, *, now: datetime) -> bool:
        """`mark_due` with `pull` for a notification of Google's, in one statement; `last_notified_at` too."""
        calendar = await self.find(user_id, calendar_id)
        if calendar is None or calendar.status is not CalendarStatus.ACTIVE:
            return False
        self._put(replace(_triggered(calendar, now, pull=True), last_notified_at=now))
        return True

    async def claim(self, *, owner: str, now: datetime, lease_until: datetime) -> Claim | None:
        """Lease the calendar that has been due longest and that nobody holds; its epoch grows."""
        due: CalendarSync | None = None
        due_since = now
        for calendar in self._all():
            since = wake_at(calendar)
            if since is not None and (since < due_since or (due is None and since == now)):
                due, due_since = calendar, since
        if due is None:
            return None
        leased = replace(due, lease_owner=owner, lease_until=lease_until, epoch=due.epoch + 1)
        self._put(leased)
        return Claim(leased, self._notified_until(leased))

    async def renew(self, claim: Claim, *, lease_until: datetime) -> None:
        """Fence, and lock the user: the first statement of every transaction that stores a result."""
        calendar = self._held(claim)
        self._sequences.begin(claim.user_id, self._workspace.last_seq(claim.user_id))
        if calendar.lease_until != lease_until:
            self._put(replace(calendar, lease_until=lease_until))

    async def save_progress(self, claim: Claim, calendar: CalendarSync) -> None:
        """Store cursor, time_zone, progress and counters of `calendar`, fenced."""
        self._put(replace(self._held(claim), **_progress(calendar)))

    async def release(self, claim: Claim, calendar: CalendarSync, *, now: datetime) -> None:
        """Store the outcome and give the lease back; due again now if a trigger came since the claim."""
        held = self._held(claim)
        quiet = held.dirty_seq == claim.calendar.dirty_seq
        self._put(
            replace(
                held,
                **_progress(calendar),
                **_outcome(calendar),
                due_at=calendar.due_at if quiet else now,
                pull_due_at=calendar.pull_due_at if quiet else now,
                done_seq=calendar.done_seq,
                lease_owner=None,
                lease_until=LONG_AGO,
            )
        )

    async def set_status(
        self, user_id: UUID, status: CalendarStatus, *, now: datetime, calendar_id: str | None = None
    ) -> None:
        """Set the status of one or of all selected calendars; leases end, active ones become due."""
        for calendar in await self.all_of(user_id):
            if calendar_id is None and calendar.status is CalendarStatus.UNSELECTED:
                continue
            if calendar_id not in (None, calendar.calendar_id):
                continue
            changed = replace(
                calendar, status=status, lease_owner=None, lease_until=LONG_AGO, epoch=calendar.epoch + 1
            )
            if status is CalendarStatus.ACTIVE:
                changed = replace(_triggered(changed, now, pull=True), not_before=LONG_AGO, attempts=0)
            self._put(changed)

    async def update(self, calendar: CalendarSync) -> None:
        """Replace everything but lease, epoch and trigger columns; for service calls outside a run."""
        known = await self.find(calendar.user_id, calendar.calendar_id)
        if known is not None:
            self._put(
                replace(
                    known,
                    **_progress(calendar),
                    **_outcome(calendar),
                    **_traits(calendar),
                    status=calendar.status,
                )
            )

    async def save_traits(self, calendar: CalendarSync) -> None:
        """Store what no run changes: is_default, entry and push_supported of `calendar`, nothing else."""
        known = await self.find(calendar.user_id, calendar.calendar_id)
        if known is not None:
            self._put(replace(known, **_traits(calendar)))

    async def next_due_at(self) -> datetime | None:
        """When the earliest active calendar becomes due (counting `not_before` and leases)."""
        found = (wake_at(calendar) for calendar in self._all())
        return min((at for at in found if at is not None), default=None)

    def _all(self) -> list[CalendarSync]:
        return [each for _, rows in self._workspace.users_with("calendars") for each in rows.values()]

    def _notified_until(self, calendar: CalendarSync) -> datetime | None:
        ends = (
            channel.expires_at
            for channel in self._workspace.of("channels", calendar.user_id).values()
            if channel.calendar_id == calendar.calendar_id and channel.status is ChannelStatus.ACTIVE
        )
        return max((at for at in ends if at is not None), default=None)

    def _put(self, calendar: CalendarSync) -> None:
        self._workspace.to_write("calendars", calendar.user_id)[calendar.calendar_id] = calendar

    def _held(self, claim: Claim) -> CalendarSync:
        calendar: CalendarSync | None = self._workspace.of("calendars", claim.user_id).get(claim.calendar_id)
        if calendar is None or calendar.epoch != claim.epoch or calendar.status is not CalendarStatus.ACTIVE:
            raise LeaseLostError(claim.user_id, claim.calendar_id, claim.epoch)
        return calendar


def _triggered(calendar: CalendarSync, now: datetime, *, pull: bool) -> CalendarSync:
    return replace(
        calendar,
        dirty_seq=calendar.dirty_seq + 1,
        due_at=min(calendar.due_at, now),
        pull_due_at=min(calendar.pull_due_at, now) if pull else calendar.pull_due_at,
    )


def _traits(calendar: CalendarSync) -> dict[str, Any]:
    return {
        "is_default": calendar.is_default,
        "entry": calendar.entry,
        "push_supported": calendar.push_supported,
    }


def _progress(calendar: CalendarSync) -> dict[str, Any]:
    return {
        "cursor": calendar.cursor,
        "time_zone": calendar.time_zone,
        "counters": calendar.counters,
        "progress": calendar.progress,
    }


def _outcome(calendar: CalendarSync) -> dict[str, Any]:
    return {
        "not_before": calendar.not_before,
        "attempts": calendar.attempts,
        "last_error": calendar.last_error,
        "last_success_at": calendar.last_success_at,
    }
