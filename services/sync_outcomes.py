"""What a call of the push phase led to, stored against the slot as it is when the answer is there.

The slot may have been edited, moved or erased while the call was on its way; whatever Google shows is taken
in against what the slot is by then.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from services.core.absence import is_believed, to_be_looked_for_again
from services.core.errors import FailureClass, VendorError
from services.core.frozen import replace
from services.core.intake import take_in, take_in_absence
from services.core.looks import (
    is_beyond_its_series,
    looked_at,
    unless_only_looked_up,
    unless_plain,
    without_inherited_proof,
)
from services.core.pushing import Call, Delete, Fetch, Locate, Move, is_first_look
from services.core.reconcile import DropLocal
from services.core.records import DELETION, UNKNOWN_ETAG, PushFailure, Slot
from services.core.retry import RetryAt, next_attempt
from services.core.series import (
    coming_back,
    is_ahead,
    is_of_others,
    left_behind,
    rebased,
    same_place,
    standing_alone,
)
from services.sync_calls import Answered, Arrived, Departed, Failed, NewLife, Outcome, Overtaken
from services.sync_descent import with_common_past
from services.sync_moves import store_arrival, store_refusal
from services.sync_run import where
from services.sync_series import series_of, shows_newer_series, waiting

if TYPE_CHECKING:
    from datetime import datetime

    from services.core.events import RemoteEvent
    from services.core.intake import Intake
    from services.core.ports import Calendars
    from services.core.storage import Transaction
    from services.sync_run import CalendarRun

_log = logging.getLogger(__name__)


class PushOutcomes:
    """Takes in what came of a call, each in a transaction of its own."""

    def __init__(self, *, calendars: Calendars) -> None:
        self._calendars = calendars

    async def conclude(
        self, run: CalendarRun, prepared: Slot, call: Call, outcome: Outcome, *, last_round: bool
    ) -> None:
        """Store what the call led to, against the slot as it is now."""
        now = run.clock.now()
        async with run.storing() as tx:
            slot = await tx.slots.find(run.claim.user_id, prepared.id)
            if (
                slot is None
                or not await _concerns(tx, run, slot, prepared, call)
                or await _waits_for_listing(tx, run, slot, call, outcome)
            ):
                # Erased; or a run of the calendar it was to move to has found it, and knows better; or its
                # event, with the note of what was sent, is another slot's by now; or what was seen of an
                # instance is older than what the app has made of its series meanwhile, or newer than what
                # was listed of it.
                return
            if _is_undone(call, outcome) and slot.notify == "none":
                # The wish that this call carried was not met; an edit meanwhile counted on it.
                slot = replace(slot, notify=prepared.notify)
            match outcome:
                case Overtaken() if outcome.is_denial and not is_believed(call, slot):
                    await tx.slots.save([to_be_looked_for_again(call, slot, now)])
                case Answered(event) | Overtaken(event):
                    landed = isinstance(outcome, Answered)
                    intake = await self._store_seen(
                        tx, run, slot, call, event, landed=landed, last_round=last_round
                    )
                    _count(run, call, outcome, intake)
                case Arrived(event):
                    ahead = self._calendars.clock_ahead()
                    await store_arrival(tx, run, slot, event, now=now, clock_ahead=ahead)
                case NewLife():
                    await self._store_new_life(tx, run, slot, now=now)
                case Failed(error) if isinstance(call, Move) and error.failure is FailureClass.PERMANENT:
                    await store_refusal(tx, slot, _failure(run, slot, error), now=now)
                case Failed(error, sent_unknown):
                    await self._store_failure(tx, run, slot, call, error, sent_unknown=sent_unknown)
                case Departed():
                    pass

    async def _store_seen(
        self,
        tx: Transaction,
        run: CalendarRun,
        slot: Slot,
        call: Call,
        event: RemoteEvent | None,
        *,
        landed: bool,
        last_round: bool,
    ) -> Intake:
        series = await series_of(tx, slot)
        known = slot if landed or event is None else await with_common_past(tx, slot, event)
        intake = replace(self._intake(run, known, series, call, event, landed=landed), before=slot)
        if last_round and intake.slot.push_at is not None and not landed:
            failure = _failure(run, intake.slot, _overtaken_too_often())
            intake = replace(intake, slot=replace(intake.slot, failure=failure), visible=True)
        await run.store(tx, [intake], now=run.clock.now())
        return intake

    async def _store_new_life(self, tx: Transaction, run: CalendarRun, slot: Slot, *, now: datetime) -> None:
        """Give the slot another event id; an instance has but one, so it becomes a slot by itself."""
        if slot.series is not None:
            await tx.slots.save([replace(standing_alone(slot), version=slot.version + 1, updated_at=now)])
            if slot.google is not None and slot.base is None:
                # The instance stays cancelled, whatever becomes of its series: what was in it is elsewhere.
                cancelled = coming_back(left_behind(slot, None, slot_id=run.ids.uuid(), now=now))
                await tx.slots.add([cancelled])
            return
        template = slot.google.event_id if slot.google is not None else slot.template_event_id
        reborn = replace(
            slot, google=None, generation=slot.generation + 1, sent=None, template_event_id=template
        )
        # A client sees that it has no event for the moment.
        anew = [
            rebased(each, slot.content, now=now)
            for each in await tx.slots.exceptions_of(slot.user_id, [slot.id] if slot.is_series else [])
        ]
        await tx.slots.save([reborn, *anew])

    def _intake(
        self,
        run: CalendarRun,
        slot: Slot,
        series: Slot | None,
        call: Call,
        event: RemoteEvent | None,
        *,
        landed: bool,
    ) -> Intake:
        now, policy = run.clock.now(), run.policy.loop
        if event is None:
            if isinstance(call, Delete) and landed:
                intake = take_in_absence(replace(slot, sent=DELETION), now=now, policy=policy)
                # Google keeps a tombstone whose etag the answer did not tell; a restored slot may revive it.
                tombstone = slot.google and replace(slot.google, etag=UNKNOWN_ETAG, only_looked_up=False)
                kept = replace(intake.slot, google=tombstone, generation=slot.generation, series=slot.series)
                return replace(intake, slot=kept)
            return take_in_absence(slot, now=now, policy=policy, of_others=is_of_others(series))
        if not landed and not isinstance(call, Fetch | Locate):
            # The call was refused, so what was to be sent is known not to have arrived.
            slot = replace(slot, sent=None)
        known = slot
        if not landed:
            known = looked_at(slot, series, event)
            known = without_inherited_proof(known, series, event.content)
        intake = take_in(
            known,
            event,
            now=now,
            clock_ahead=self._calendars.clock_ahead(),
            policy=policy,
            landed=landed,
        )
        return intake if landed else replace(intake, slot=unless_plain(slot, intake.slot, series))

    async def _store_failure(
        self,
        tx: Transaction,
        run: CalendarRun,
        slot: Slot,
        call: Call,
        error: VendorError,
        *,
        sent_unknown: bool,
    ) -> None:
        before = slot
        if not sent_unknown:
            slot = unless_only_looked_up(replace(slot, sent=None))
        calendar_waits = error.failure in {FailureClass.RATE_LIMITED, FailureClass.AUTHENTICATION}
        if calendar_waits or not slot.needs_attention:
            # Not this slot's fault, or what the call was for was taken back meanwhile.
            is_seen = slot.sync_state is not before.sync_state
            await (tx.slots.save if is_seen else tx.slots.save_silently)([slot])
            return
        _log.info("push failed: %s", error, extra=where(run, slot=str(slot.id)))
        run.count(failed=1)
        failure = _failure(run, slot, error, reading=isinstance(call, Fetch | Locate))
        await tx.slots.save([replace(slot, failure=failure)])


async def _concerns(tx: Transaction, run: CalendarRun, slot: Slot, prepared: Slot, call: Call) -> bool:
    """Whether what a call led to is about the slot as it is by now."""
    if slot.calendar_id != run.claim.calendar_id or not same_place(slot, prepared):
        return False
    if slot.generation != prepared.generation:
        # It has let go of the event meanwhile, which a disconnect removed, say.
        return False
    if slot.series is not None and prepared.google is not None and slot.google is None:
        return False
    return not (is_first_look(call, prepared) and is_ahead(await series_of(tx, slot)))


async def _waits_for_listing(
    tx: Transaction, run: CalendarRun, slot: Slot, call: Call, outcome: Outcome
) -> bool:
    """Leave an instance that is newer than what was listed of its series until the run has pulled.

    Returns:
        Whether it is left.
    """
    event, series = outcome.event if isinstance(outcome, Overtaken) else None, await series_of(tx, slot)
    if event is None or not shows_newer_series(run, slot, series, event):
        return False
    if not isinstance(call, Fetch | Locate):
        # The call was refused, so what was to be sent is known not to have arrived.
        slot = replace(slot, sent=None, refetch=True)
    if is_beyond_its_series(slot, series):
        # No listing tells more until the series is read.
        await tx.slots.save([waiting(slot, series, run.clock.now(), last_round=True)])
        return True
    run.shown[slot.id] = event.content
    run.behind.add(slot.id)
    if not isinstance(call, Fetch | Locate):
        await tx.slots.save([slot])
    return True


def _failure(run: CalendarRun, slot: Slot, error: VendorError, *, reading: bool = False) -> PushFailure:
    attempts = (slot.failure.attempts if slot.failure else 0) + 1
    verdict = next_attempt(error, attempts, run.clock.now(), jitter=run.ids.jitter(), reading=reading)
    retry_at = verdict.at if isinstance(verdict, RetryAt) else None
    reason = error.reason or (f"http-{error.status}" if error.status else "google-unreachable")
    return PushFailure(reason, error.message, attempts, retry_at)


def _is_undone(call: Call, outcome: Outcome) -> bool:
    """Whether the call is known to have changed nothing at Google."""
    match outcome:
        case Answered() | Failed(sent_unknown=True):
            return False
        case Overtaken() | NewLife() | Failed():
            return not isinstance(call, Fetch | Locate)
        case Departed() | Arrived():
            return False


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
