"""What a run stores of slots that move between calendars: a series takes its exceptions along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.frozen import replace
from services.core.intake import take_in
from services.core.records import HistoryEntry, PushFailure
from services.core.relocation import arrived, following_series, stayed

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from services.core.events import RemoteEvent
    from services.core.records import Slot
    from services.core.storage import Transaction
    from services.sync_run import CalendarRun


async def store_arrival(
    tx: Transaction,
    run: CalendarRun,
    slot: Slot,
    event: RemoteEvent,
    *,
    now: datetime,
    clock_ahead: timedelta,
) -> None:
    """The event of a slot was found where it was to move to."""
    destination = slot.moving_to
    if destination is None:
        # A run of the other calendar has seen it first.
        return
    if await tx.slots.find_by_events(slot.user_id, destination, [event.event_id]):
        # Another copy of the event stands there: that of a guest, under the same id.
        failure = PushFailure("duplicate", "The other calendar has a copy of this event", 1, None)
        await store_refusal(tx, slot, failure, now=now)
        return
    there = replace(arrived(slot, destination), failure=None, version=slot.version + 1, updated_at=now)
    intake = take_in(there, event, now=now, clock_ahead=clock_ahead, policy=run.policy.loop)
    await run.store(tx, [replace(intake, visible=True)], now=now)
    await take_exceptions_along(tx, intake.slot)
    await tx.calendars.mark_due(slot.user_id, destination, now=now, pull=False)
    run.count(pushed=1)


async def store_refusal(tx: Transaction, slot: Slot, failure: PushFailure, *, now: datetime) -> None:
    """Google does not move the slot, now or ever; clients see it where it was."""
    kept = replace(stayed(slot, failure), version=slot.version + 1, updated_at=now)
    back = {"calendar_id": {"before": slot.wanted_calendar_id, "after": kept.wanted_calendar_id}}
    await tx.slots.save([kept], [HistoryEntry(slot.user_id, slot.id, 0, now, "google", back)])
    await take_exceptions_along(tx, kept)


async def take_exceptions_along(tx: Transaction, series: Slot) -> None:
    """Let the exceptions of a series be where it is, and want what it wants."""
    if not series.is_series:
        return
    exceptions = await tx.slots.exceptions_of(series.user_id, {series.id})
    moved = [following_series(each, series) for each in exceptions]
    changed = [after for before, after in zip(exceptions, moved, strict=True) if after != before]
    if changed:
        await tx.slots.save(changed)
