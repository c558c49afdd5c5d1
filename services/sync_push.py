"""The push phase: bring every slot that differs from its base to Google, one conditional call at a time.

Before each call the slot is read fresh and what is about to be sent is stored with it; after each call the
outcome is taken in against the slot as it is then. So a late push cannot undo a newer edit, and a process
that dies at any point leaves either nothing sent, or a note that something may have been.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from services.core.breaker import half_open
from services.core.errors import FailureClass, VendorError
from services.core.frozen import replace
from services.core.pushing import (
    Call,
    Delete,
    Fetch,
    Insert,
    Locate,
    Move,
    Nothing,
    Patch,
    Revive,
    Wait,
    next_call,
)
from services.core.records import DELETION, Deletion, Slot
from services.sync_calls import Failed, PushCalls
from services.sync_descent import unless_taken
from services.sync_outcomes import PushOutcomes
from services.sync_series import has_unread_exceptions, is_behind, series_of, waiting

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from services.core.ports import Calendars
    from services.core.slots import SlotContent
    from services.sync_run import CalendarRun

_BATCH = 50


class Pusher:
    """Brings what happened in the app to Google."""

    def __init__(self, *, calendars: Calendars) -> None:
        self._calls = PushCalls(calendars=calendars)
        self._outcomes = PushOutcomes(calendars=calendars)

    async def push(self, run: CalendarRun) -> datetime | None:
        """Push every slot whose time has come; what has to wait for a pull is noted in the run.

        Returns:
            When the next one's time comes, or came if there was no getting on; `None`: nothing waits.

        Raises:
            VendorError: Google is down, or limits this user; the rest waits for the next run.
            LeaseLostError: Somebody else has the calendar now.
        """
        rounds: Counter[UUID] = Counter()
        unanswered: list[Slot] = []
        while True:
            async with run.uow.reading() as tx:
                queue = await tx.slots.push_queue(run.claim.user_id, run.claim.calendar_id, limit=_BATCH)
            now, most = run.clock.now(), run.policy.merge_rounds * 2
            due = [slot for slot in queue if rounds[slot.id] < most and _is_due_here(run, slot, now)]
            if not due:
                return queue[0].push_at if queue else None
            for slot in due:
                rounds[slot.id] += 1
                last_round = rounds[slot.id] >= run.policy.merge_rounds * 2
                error = await self._push_one(run, slot.id, last_round=last_round)
                unanswered = [] if error is None else [*unanswered, slot]
                if error is not None and _is_outage(run, unanswered):
                    raise error

    async def _push_one(self, run: CalendarRun, slot_id: UUID, *, last_round: bool) -> VendorError | None:
        """One call for one slot; returns the error when Google did not answer or is in trouble."""
        call, slot = await self._prepare(run, slot_id, last_round=last_round)
        if slot is None or isinstance(call, Nothing | Wait):
            return None
        outcome = await self._calls.perform(run, slot, call)
        await self._outcomes.conclude(run, slot, call, outcome, last_round=last_round)
        if not isinstance(outcome, Failed):
            run.google_answered = True
            return None
        if outcome.error.failure in {FailureClass.RATE_LIMITED, FailureClass.AUTHENTICATION}:
            raise outcome.error
        return outcome.error if outcome.error.failure is FailureClass.RETRYABLE else None

    async def _prepare(
        self, run: CalendarRun, slot_id: UUID, *, last_round: bool
    ) -> tuple[Call, Slot | None]:
        """Read the slot fresh, decide, and note what is about to be sent."""
        now = run.clock.now()
        async with run.storing() as tx:
            stored = await tx.slots.find(run.claim.user_id, slot_id)
            if stored is None or not _is_due_here(run, stored, now):
                return Nothing(), None
            series = await series_of(tx, stored)
            slot = half_open(stored, now)
            call = await unless_taken(tx, slot, next_call(slot, series))
            if is_behind(run, call, slot, series):
                run.behind.add(slot_id)
                return Nothing(), None
            if await has_unread_exceptions(tx, run, call, slot):
                return Nothing(), None
            if isinstance(call, Wait):
                slot = waiting(slot, series, now, last_round=last_round)
            sent = _sent_by(call)
            if sent is not None:
                slot = replace(slot, sent=sent)
            if isinstance(call, Nothing):
                slot = replace(slot, failure=None)
            if isinstance(call, Move):
                # Whatever comes of it, the event is to be looked for in both calendars.
                slot = replace(slot, refetch=True)
            if (slot.sync_state, slot.failure) != (stored.sync_state, stored.failure):
                # Clients see both.
                await tx.slots.save([slot])
            elif slot != stored:
                await tx.slots.save_silently([slot])
            return call, slot


def _sent_by(call: Call) -> SlotContent | Deletion | None:
    match call:
        case Insert(content=content) | Revive(content=content) | Patch(content=content):
            return content
        case Delete():
            return DELETION
        case Fetch() | Locate() | Move() | Nothing() | Wait():
            return None


def _is_due_here(run: CalendarRun, slot: Slot, now: datetime) -> bool:
    """Whether the slot is to be pushed by this run; meanwhile it may have come to another calendar."""
    if slot.id in run.behind:
        return False
    return slot.calendar_id == run.claim.calendar_id and slot.push_at is not None and slot.push_at <= now


def _is_outage(run: CalendarRun, unanswered: list[Slot]) -> bool:
    """Whether Google is down; it may as well choke on these slots, if it did so before and answers else."""
    all_failed_before = all(slot.failure is not None for slot in unanswered)
    return len(unanswered) >= run.policy.outage_after and not (run.google_answered and all_failed_before)
