"""What people ask of the sync: run now, push everything, tell how it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from services.core.accounts import AccountStatus
from services.core.calendar_list import is_selected
from services.core.calendars import (
    NO_COUNTS,
    CalendarStatus,
    ChannelStatus,
    SyncCounters,
    has_lost_its_calendar,
)
from services.core.errors import GoogleNotConnectedError
from services.core.records import SlotCounts, SlotQuery, SyncState

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from services.core.calendars import CalendarSync, Channel, SyncError
    from services.core.ports import Clock
    from services.core.records import Slot
    from services.core.storage import UnitOfWork
    from services.signals import Signals

CalendarState = Literal["idle", "syncing", "backing_off", "held", "reauthorisation_required", "never"]
_POLL_S = 1.0
"""How often a waiter looks again when another process does the work."""
_ERRORS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class CalendarOutcome:
    """What a triggered run did to one calendar."""

    calendar_id: str
    counters: SyncCounters
    error: SyncError | None


@dataclass(frozen=True, slots=True)
class TriggerOutcome:
    """What a triggered sync did."""

    status: Literal["completed", "running"]
    counters: SyncCounters
    took: timedelta
    calendars: tuple[CalendarOutcome, ...]


@dataclass(frozen=True, slots=True)
class PushError:
    """Why one slot is not in Google."""

    slot_id: UUID
    type: str
    detail: str


@dataclass(frozen=True, slots=True)
class PushAllOutcome:
    """What pushing everything did."""

    status: Literal["completed", "running"]
    pushed: int
    failed: int
    errors: tuple[PushError, ...]


@dataclass(frozen=True, slots=True)
class WebhookHealth:
    """How a calendar learns of changes."""

    active: bool
    channel_id: str | None
    expires_at: datetime | None
    last_notified_at: datetime | None
    mode: Literal["push", "polling"]


@dataclass(frozen=True, slots=True)
class CalendarHealth:
    """How one calendar stands."""

    calendar_id: str
    state: CalendarState
    last_success_at: datetime | None
    last_error: SyncError | None
    lag: timedelta | None
    """Since the last success; `None` before the first."""
    counts: SlotCounts
    progress: tuple[int, int | None] | None
    webhook: WebhookHealth
    next_sync_at: datetime | None


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """How a user's sync stands."""

    connected: bool
    calendars: tuple[CalendarHealth, ...]


class SyncService:
    """Triggers and reports; the work itself is the worker's, in this process or another."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock, signals: Signals) -> None:
        self._uow = uow
        self._clock = clock
        self._signals = signals

    async def trigger(self, user_id: UUID, *, wait: timedelta) -> TriggerOutcome:
        """Pull and push all calendars now and wait for it.

        Raises:
            GoogleNotConnectedError: There is no usable account.
        """
        started = self._clock.monotonic()
        before, awaited = await self._mark_all(user_id, pull=True)
        done, after = await self._wait_for_runs(user_id, awaited, wait=wait)
        outcomes = tuple(
            CalendarOutcome(
                calendar.calendar_id,
                calendar.counters.minus(before[calendar.calendar_id].counters),
                calendar.last_error if calendar.attempts else None,
            )
            for calendar in after
            if calendar.calendar_id in before
        )
        total = NO_COUNTS
        for outcome in outcomes:
            total = total.plus(outcome.counters)
        took = timedelta(seconds=self._clock.monotonic() - started)
        return TriggerOutcome("completed" if done else "running", total, took, outcomes)

    async def push_all(self, user_id: UUID, *, wait: timedelta) -> PushAllOutcome:
        """Push every slot that Google does not have yet, those that failed for good included.

        Raises:
            GoogleNotConnectedError: There is no usable account.
        """
        await self._require_account(user_id)
        await self._forgive_failures(user_id)
        before, awaited = await self._mark_all(user_id, pull=False)
        done, after = await self._wait_for_runs(user_id, awaited, wait=wait)
        pushed = sum(
            calendar.counters.minus(before[calendar.calendar_id].counters).pushed
            for calendar in after
            if calendar.calendar_id in before
        )
        failed = await self._failed_slots(user_id)
        errors = tuple(
            PushError(slot.id, slot.failure.reason, slot.failure.detail) for slot in failed if slot.failure
        )
        return PushAllOutcome("completed" if done else "running", pushed, len(errors), errors)

    async def wait_until_settled(self, user_id: UUID, slot_ids: Collection[UUID], *, wait: timedelta) -> None:
        """Return once Google has these slots, or has refused them, or when `wait` is over."""
        deadline = self._clock.monotonic() + wait.total_seconds()
        with self._signals.subscribe(user_id) as changes:
            for slot_id in slot_ids:
                while not await self._is_settled(user_id, slot_id):
                    left = deadline - self._clock.monotonic()
                    if left <= 0:
                        return
                    await changes.wait(min(left, _POLL_S))

    async def status(self, user_id: UUID) -> SyncStatus:
        """How every calendar of the user stands."""
        now = self._clock.now()
        async with self._uow.reading() as tx:
            account = await tx.accounts.find(user_id)
            calendars = await tx.calendars.all_of(user_id)
            channels = await tx.channels.all_of(user_id)
            counts = await tx.slots.counts(user_id)
        return SyncStatus(
            connected=account is not None and account.status is AccountStatus.CONNECTED,
            calendars=tuple(
                _health(
                    calendar,
                    counts.get(calendar.calendar_id, SlotCounts()),
                    [each for each in channels if each.calendar_id == calendar.calendar_id],
                    now,
                )
                for calendar in calendars
                if is_selected(calendar)
            ),
        )

    async def _is_settled(self, user_id: UUID, slot_id: UUID) -> bool:
        async with self._uow.reading() as tx:
            slot = await tx.slots.find(user_id, slot_id)
        return slot is None or slot.push_at is None or slot.failure is not None

    async def _require_account(self, user_id: UUID) -> None:
        async with self._uow.reading() as tx:
            account = await tx.accounts.find(user_id)
        if account is None or account.status is not AccountStatus.CONNECTED:
            raise GoogleNotConnectedError(user_id, account.status if account else "never")

    async def _mark_all(self, user_id: UUID, *, pull: bool) -> tuple[dict[str, CalendarSync], dict[str, int]]:
        """Make all calendars due; returns them as they were, and the `dirty_seq` to wait for."""
        await self._require_account(user_id)
        now = self._clock.now()
        awaited: dict[str, int] = {}
        async with self._uow() as tx:
            calendars = [each for each in await tx.calendars.all_of(user_id) if is_selected(each)]
            for calendar in calendars:
                if has_lost_its_calendar(calendar):
                    # Google is well, and the person may just have got the calendar back.
                    await tx.calendars.set_status(
                        user_id, calendar.status, now=now, calendar_id=calendar.calendar_id
                    )
                dirty_seq = await tx.calendars.mark_due(user_id, calendar.calendar_id, now=now, pull=pull)
                if dirty_seq is not None:
                    awaited[calendar.calendar_id] = dirty_seq
        self._signals.calendar_due()
        return {calendar.calendar_id: calendar for calendar in calendars}, awaited

    async def _wait_for_runs(
        self, user_id: UUID, awaited: dict[str, int], *, wait: timedelta
    ) -> tuple[bool, list[CalendarSync]]:
        deadline = self._clock.monotonic() + wait.total_seconds()
        with self._signals.subscribe(user_id) as changes:
            while True:
                async with self._uow.reading() as tx:
                    calendars = await tx.calendars.all_of(user_id)
                open_runs = [each for each in calendars if not _answered(each, awaited)]
                if not open_runs:
                    return True, calendars
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    return False, calendars
                await changes.wait(min(left, _POLL_S))

    async def _forgive_failures(self, user_id: UUID) -> None:
        """Give slots that Google refused another chance, because a person asks for it."""
        failed = await self._failed_slots(user_id)
        if not failed:
            return
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            fresh = await tx.slots.find_many(user_id, [slot.id for slot in failed])
            await tx.slots.save(
                [replace(slot, failure=None) for slot in fresh.values() if slot.failure is not None]
            )

    async def _failed_slots(self, user_id: UUID) -> list[Slot]:
        async with self._uow.reading() as tx:
            return await tx.slots.page(
                user_id,
                SlotQuery(sync_state=SyncState.FAILED, include_deleted=True, limit=_ERRORS_SHOWN),
            )


def _answered(calendar: CalendarSync, awaited: dict[str, int]) -> bool:
    """Whether a run that began after the trigger has ended, well or not."""
    dirty_seq = awaited.get(calendar.calendar_id)
    if dirty_seq is None or calendar.status is not CalendarStatus.ACTIVE:
        return True
    return calendar.done_seq >= dirty_seq


def _health(
    calendar: CalendarSync, counts: SlotCounts, channels: list[Channel], now: datetime
) -> CalendarHealth:
    active = [
        each
        for each in channels
        if each.status is ChannelStatus.ACTIVE and each.expires_at is not None and each.expires_at > now
    ]
    channel = active[-1] if active else None
    success = calendar.last_success_at
    return CalendarHealth(
        calendar_id=calendar.calendar_id,
        state=state_of(calendar, holds=counts.held > 0, now=now),
        last_success_at=success,
        last_error=calendar.last_error,
        lag=now - success if success is not None else None,
        counts=counts,
        progress=calendar.progress,
        webhook=WebhookHealth(
            active=channel is not None,
            channel_id=channel.id if channel else None,
            expires_at=channel.expires_at if channel else None,
            last_notified_at=calendar.last_notified_at,
            mode="push" if channel else "polling",
        ),
        next_sync_at=max(calendar.due_at, calendar.not_before)
        if calendar.status is CalendarStatus.ACTIVE
        else None,
    )


def state_of(calendar: CalendarSync, *, holds: bool, now: datetime) -> CalendarState:
    """How a calendar stands; `holds`: whether deletions in it are held."""
    if calendar.status is CalendarStatus.REAUTHORISATION_REQUIRED:
        return "reauthorisation_required"
    if calendar.status is CalendarStatus.DISCONNECTED:
        return "never"
    if calendar.lease_until > now:
        return "syncing"
    if calendar.attempts:
        return "backing_off"
    if holds:
        return "held"
    return "never" if calendar.last_success_at is None else "idle"
