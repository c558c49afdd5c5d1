"""The push phase: bring every slot that differs from its base to Google, one conditional call at a time.

Before each call the slot is read fresh and what is about to be sent is stored with it; after each call the
outcome is taken in against the slot as it is then. So a late push cannot undo a newer edit, and a process
that dies at any point leaves either nothing sent, or a note that something may have been.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from services.core.breaker import half_open
from services.core.errors import FailureClass, VendorError
from services.core.intake import take_in, take_in_absence
from services.core.pushing import Call, Delete, Fetch, Insert, Nothing, Patch, Revive, next_call
from services.core.reconcile import DropLocal
from services.core.records import DELETION, Deletion, PushFailure, Slot
from services.core.retry import RetryAt, next_attempt
from services.sync_calls import Answered, Failed, NewLife, Outcome, Overtaken, PushCalls
from services.sync_run import where

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.events import RemoteEvent
    from services.core.intake import Intake
    from services.core.ports import Calendars
    from services.core.slots import SlotContent
    from services.core.storage import Transaction, UnitOfWork
    from services.sync_run import CalendarRun

_log = logging.getLogger(__name__)
_BATCH = 50


class Pusher:
    """Brings what happened in the app to Google."""

    def __init__(self, *, uow: UnitOfWork, calendars: Calendars) -> None:
        self._uow = uow
        self._calendars = calendars
        self._calls = PushCalls(calendars=calendars)

    async def push(self, run: CalendarRun) -> None:
        """Push every slot whose time has come.

        Raises:
            VendorError: Google is down, or limits this user; the rest waits for the next run.
            LeaseLostError: Somebody else has the calendar now.
        """
        rounds: Counter[UUID] = Counter()
        unanswered = 0
        while True:
            async with self._uow.reading() as tx:
                due = await tx.slots.due_for_push(
                    run.claim.user_id, run.claim.calendar_id, now=run.clock.now(), limit=_BATCH
                )
            due = [slot for slot in due if rounds[slot.id] < run.policy.merge_rounds * 2]
            if not due:
                return
            for slot in due:
                rounds[slot.id] += 1
                last_round = rounds[slot.id] >= run.policy.merge_rounds * 2
                error = await self._push_one(run, slot.id, last_round=last_round)
                unanswered = unanswered + 1 if error is not None else 0
                if error is not None and unanswered >= run.policy.outage_after:
                    raise error

    async def _push_one(self, run: CalendarRun, slot_id: UUID, *, last_round: bool) -> VendorError | None:
        """One call for one slot; returns the error when Google did not answer or is in trouble."""
        call, slot = await self._prepare(run, slot_id)
        if slot is None or isinstance(call, Nothing):
            return None
        outcome = await self._calls.perform(run, slot, call)
        await self._conclude(run, slot_id, call, outcome, last_round=last_round)
        if not isinstance(outcome, Failed):
            return None
        if outcome.error.failure in {FailureClass.RATE_LIMITED, FailureClass.AUTHENTICATION}:
            raise outcome.error
        return outcome.error if outcome.error.failure is FailureClass.RETRYABLE else None

    async def _prepare(self, run: CalendarRun, slot_id: UUID) -> tuple[Call, Slot | None]:
        """Read the slot fresh, decide, and note what is about to be sent."""
        now = run.clock.now()
        async with self._uow() as tx:
            await run.fence(tx)
            stored = await tx.slots.find(run.claim.user_id, slot_id)
            if stored is None or stored.push_at is None or stored.push_at > now:
                return Nothing(), None
            slot = half_open(stored)
            call = next_call(slot)
            sent = _sent_by(call)
            if sent is not None:
                slot = replace(slot, sent=sent)
            if isinstance(call, Nothing):
                slot = replace(slot, failure=None)
            if slot.sync_state is not stored.sync_state:
                await tx.slots.save([slot])
            elif slot != stored:
                await tx.slots.save_silently([slot])
            return call, slot

    async def _conclude(
        self, run: CalendarRun, slot_id: UUID, call: Call, outcome: Outcome, *, last_round: bool
    ) -> None:
        """Store what the call led to, against the slot as it is now."""
        now = run.clock.now()
        async with self._uow() as tx:
            await run.fence(tx)
            slot = await tx.slots.find(run.claim.user_id, slot_id)
            if slot is None:
                return
            match outcome:
                case Answered(event) | Overtaken(event):
                    intake = self._intake(run, slot, call, event, landed=isinstance(outcome, Answered))
                    if last_round and intake.slot.push_at is not None and isinstance(outcome, Overtaken):
                        intake = replace(
                            intake,
                            slot=self._failing(run, intake.slot, _overtaken_too_often(), unknown=False),
                            visible=True,
                        )
                    await run.store(tx, [intake], now=now)
                    _count(run, call, outcome, intake)
                case NewLife():
                    reborn = replace(slot, google=None, generation=slot.generation + 1, sent=None)
                    await tx.slots.save_silently([reborn])
                case Failed(error, outcome_unknown):
                    await self._store_failure(tx, run, slot, error, outcome_unknown=outcome_unknown)

    def _intake(
        self, run: CalendarRun, slot: Slot, call: Call, event: RemoteEvent | None, *, landed: bool
    ) -> Intake:
        now, policy = run.clock.now(), run.policy.loop
        if event is None:
            if isinstance(call, Delete) and landed:
                intake = take_in_absence(replace(slot, sent=DELETION), now=now, policy=policy)
                # Google keeps a tombstone whose etag the answer did not tell; a restored slot may revive it.
                tombstone = replace(slot.google, etag="*") if slot.google else None
                kept = replace(intake.slot, google=tombstone, generation=slot.generation)
                return replace(intake, slot=kept)
            return take_in_absence(slot, now=now, policy=policy)
        if not landed and not isinstance(call, Fetch | Insert):
            # The precondition failed, so what was to be sent is known not to have arrived.
            slot = replace(slot, sent=None)
        return take_in(
            slot,
            event,
            now=now,
            clock_ahead=self._calendars.clock_ahead(),
            policy=policy,
            landed=landed,
        )

    async def _store_failure(
        self, tx: Transaction, run: CalendarRun, slot: Slot, error: VendorError, *, outcome_unknown: bool
    ) -> None:
        if error.failure in {FailureClass.RATE_LIMITED, FailureClass.AUTHENTICATION}:
            # Not this slot's fault: nothing was done, and the whole calendar waits.
            await tx.slots.save_silently([replace(slot, sent=None)])
            return
        _log.info("push failed: %s", error, extra=where(run, slot=str(slot.id)))
        run.count(failed=1)
        await tx.slots.save([self._failing(run, slot, error, unknown=outcome_unknown)])

    def _failing(self, run: CalendarRun, slot: Slot, error: VendorError, *, unknown: bool) -> Slot:
        attempts = (slot.failure.attempts if slot.failure else 0) + 1
        verdict = next_attempt(error, attempts, run.clock.now(), jitter=run.ids.jitter())
        retry_at = verdict.at if isinstance(verdict, RetryAt) else None
        reason = error.reason or (f"http-{error.status}" if error.status else "google-unreachable")
        return replace(
            slot,
            sent=slot.sent if unknown else None,
            failure=PushFailure(reason, error.message, attempts, retry_at),
        )


def _sent_by(call: Call) -> SlotContent | Deletion | None:
    match call:
        case Insert(content=content) | Revive(content=content) | Patch(content=content):
            return content
        case Delete():
            return DELETION
        case Fetch() | Nothing():
            return None


def _count(run: CalendarRun, call: Call, outcome: Outcome, intake: Intake) -> None:
    if isinstance(outcome, Answered):
        if isinstance(call, Delete):
            run.count(deleted=1)
        else:
            run.count(pushed=1)
    elif intake.changes:
        run.count(deleted=1) if isinstance(intake.step, DropLocal) else run.count(pulled=1)


def _overtaken_too_often() -> VendorError:
    return VendorError(
        FailureClass.CONFLICT,
        reason="changing-too-fast",
        message="Google's copy changed each time before our change arrived",
    )
