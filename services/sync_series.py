"""What becomes of the exceptions of a series that was deleted.

Google tells of the series alone: a listing of changes has one tombstone, and none for its exceptions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.core.events import RemoteEvent
from services.core.intake import take_in
from services.core.reconcile import DropLocal
from services.core.records import EventKind, SlotQuery, SyncState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime, timedelta

    from services.core.intake import Intake
    from services.core.records import Slot
    from services.core.storage import Transaction
    from services.sync_run import CalendarRun

_BATCH = 500


async def end_exceptions(
    tx: Transaction, run: CalendarRun, intakes: Sequence[Intake], *, now: datetime, clock_ahead: timedelta
) -> list[Intake]:
    """The exceptions of the series that ended with `intakes`, taken in as deleted and not stored yet."""
    ended = {
        intake.slot.google.event_id
        for intake in intakes
        if isinstance(intake.step, DropLocal)
        and intake.slot.google is not None
        and intake.slot.google.kind is EventKind.SERIES
    }
    if not ended:
        return []
    return [
        take_in(
            slot,
            RemoteEvent(slot.google.event_id, None, slot.google),
            now=now,
            clock_ahead=clock_ahead,
            policy=run.policy.loop,
        )
        async for slot in _read_only_slots(tx, run)
        if slot.google is not None and slot.google.recurring_event_id in ended
    ]


async def _read_only_slots(tx: Transaction, run: CalendarRun) -> AsyncIterator[Slot]:
    """Exceptions are among these, as nobody can edit them in the app."""
    query = SlotQuery(
        calendar_id=run.claim.calendar_id, sync_state=SyncState.READ_ONLY, source="google", limit=_BATCH
    )
    while True:
        page = await tx.slots.page(run.claim.user_id, query)
        for slot in page:
            yield slot
        if len(page) < _BATCH:
            return
        query = replace(query, after=(page[-1].content.schedule.sort_start, page[-1].id))
