"""One call of the push phase, and what its answer means."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

from services.core.errors import FailureClass, VendorError
from services.core.pushing import Call, Delete, Fetch, Insert, Locate, Move, Nothing, Patch, Revive, Wait

if TYPE_CHECKING:
    from services.core.events import RemoteEvent
    from services.core.ports import Calendars
    from services.core.records import Slot
    from services.sync_run import CalendarRun


@dataclass(frozen=True, slots=True)
class Answered:
    """Google took the call; `event` is its state now, `None` when there is none any more."""

    event: RemoteEvent | None


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Google refused because somebody was faster, and nothing was done; `event` is its state now."""

    event: RemoteEvent | None
    denied_there: bool = False
    """Whether it is gone here, and Google knows none where it was to move to."""

    @property
    def is_denial(self) -> bool:
        """Whether Google says that it knows no event where one was, or where one may be."""
        return self.event is None or self.denied_there


@dataclass(frozen=True, slots=True)
class Departed:
    """The event is to be looked for: Google has moved it, or says that it is not where it was."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """The event is in the calendar that it was to move to."""

    event: RemoteEvent


@dataclass(frozen=True, slots=True)
class NewLife:
    """The event id is spent; the slot needs another one."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The call failed, or nobody knows whether it did."""

    error: VendorError
    sent_unknown: bool
    """Whether what the slot notes as sent may have arrived."""


Outcome: TypeAlias = Answered | Overtaken | Departed | Arrived | NewLife | Failed


class PushCalls:
    """Makes the calls that the core decided on; stores nothing."""

    def __init__(self, *, calendars: Calendars) -> None:
        self._calendars = calendars

    async def perform(self, run: CalendarRun, slot: Slot, call: Call) -> Outcome:
        """Make the call and read its answer; no transaction is open here.

        Raises:
            VendorError: Google does not show the calendar itself any more, or cannot be asked whether it is
                there; so that there is no such event says nothing of the event.
        """
        outcome = await self._perform(run, slot, call)
        if not run.listed and _denies_existence(call, outcome):
            await self._require_calendar(run)
        return outcome

    async def _perform(self, run: CalendarRun, slot: Slot, call: Call) -> Outcome:
        try:
            return await self._call(run, slot, call)
        except VendorError as error:
            if isinstance(call, Move) and error.failure in {
                FailureClass.CONFLICT,
                FailureClass.INVALID_STATE,
            }:
                return Departed()
            is_overtaken = error.failure is FailureClass.CONFLICT or (
                error.failure is FailureClass.INVALID_STATE and isinstance(call, Patch | Delete)
            )
            if is_overtaken and not isinstance(call, Locate):
                return await self._look_again(run, call, error)
            if isinstance(call, Revive) and _may_begin_anew(slot, error):
                denied = error.failure is FailureClass.INVALID_STATE and slot.series is None
                return await self._unless_alive(run, call, error) if denied else NewLife()
            return Failed(error, sent_unknown=_may_have_arrived(call, error))

    async def _call(self, run: CalendarRun, slot: Slot, call: Call) -> Outcome:
        user_id, calendar_id, notify = run.claim.user_id, run.claim.calendar_id, slot.notify
        match call:
            case Insert():
                return await self._insert(run, slot, call)
            case Patch(event_id, etag, base, content):
                return Answered(
                    await self._calendars.patch(
                        user_id,
                        calendar_id,
                        event_id=event_id,
                        etag=etag,
                        base=base,
                        content=content,
                        notify=notify,
                    )
                )
            case Revive(event_id, etag, content):
                return Answered(
                    await self._calendars.revive(
                        user_id, calendar_id, event_id=event_id, etag=etag, content=content, notify=notify
                    )
                )
            case Delete(event_id, etag):
                await self._calendars.delete(
                    user_id, calendar_id, event_id=event_id, etag=etag, notify=notify
                )
                return Answered(None)
            case Fetch(event_id):
                return Overtaken(await self._look_up(run, calendar_id, event_id))
            case Locate(event_id, destination):
                there = await self._look_up(run, destination, event_id)
                if there is not None and there.content is not None:
                    return Arrived(there)
                here = await self._look_up(run, calendar_id, event_id)
                is_gone = here is None or here.content is None
                return Overtaken(here, denied_there=is_gone and there is None)
            case Move(event_id, etag, destination):
                await self._calendars.move(
                    user_id,
                    calendar_id,
                    event_id=event_id,
                    etag=etag,
                    destination=destination,
                    notify=notify,
                )
                return Departed()
            case Nothing() | Wait():
                return Answered(None)

    async def _insert(self, run: CalendarRun, slot: Slot, call: Insert) -> Outcome:
        if call.instead_of is not None:
            # Google has no condition for an insert, so the look comes as late as it can.
            former = await self._look_up(run, run.claim.calendar_id, call.instead_of)
            if former is not None and former.content is not None:
                return Overtaken(former)
        return Answered(
            await self._calendars.insert(
                run.claim.user_id,
                run.claim.calendar_id,
                event_id=call.event_id,
                slot_id=slot.id,
                content=call.content,
                notify=slot.notify,
                template_event_id=call.template_event_id,
            )
        )

    async def _look_again(self, run: CalendarRun, call: Call, error: VendorError) -> Outcome:
        """Somebody was faster: see what is there now."""
        assert not isinstance(call, Nothing | Wait)  # noqa: S101  # nothing was called
        try:
            event = await self._look_up(run, run.claim.calendar_id, call.event_id)
        except VendorError as second_error:
            return Failed(second_error, sent_unknown=isinstance(call, Fetch | Locate))
        if isinstance(call, Insert):
            if event is None:
                return Failed(error, sent_unknown=False)
            if event.content is None:
                return NewLife()
        return Overtaken(event)

    async def _unless_alive(self, run: CalendarRun, call: Revive, error: VendorError) -> Outcome:
        """Somebody may have brought the event back already, where Google denies it by mistake."""
        outcome = await self._look_again(run, call, error)
        match outcome:
            case Overtaken(event) if event is not None and event.content is None:
                return NewLife()
            case _:
                return outcome

    async def _require_calendar(self, run: CalendarRun) -> None:
        """See whether the calendar is there: Google says the same of a lost calendar and of a lost event."""
        try:
            await self._calendars.changes(
                run.claim.user_id,
                run.claim.calendar_id,
                sync_token=run.calendar.cursor.sync_token,
                page_token=None,
            )
        except VendorError as error:
            if error.failure is not FailureClass.NEEDS_RESYNC:
                raise
        run.listed = True

    async def _look_up(self, run: CalendarRun, calendar_id: str, event_id: str) -> RemoteEvent | None:
        try:
            return await self._calendars.get(run.claim.user_id, calendar_id, event_id)
        except VendorError as error:
            if error.failure is FailureClass.INVALID_STATE:
                return None
            raise


def _denies_existence(call: Call, outcome: Outcome) -> bool:
    match outcome:
        case Overtaken(event=None):
            return True
        case NewLife():
            return isinstance(call, Revive)
        case Failed(error):
            return error.failure is FailureClass.INVALID_STATE
        case Answered() | Overtaken() | Departed() | Arrived():
            return False


def _may_begin_anew(slot: Slot, error: VendorError) -> bool:
    """Whether a slot whose event cannot be revived gets another one; what others made cannot be made here."""
    spent = error.failure in {FailureClass.INVALID_STATE, FailureClass.PERMANENT}
    return spent and not (slot.google is not None and slot.google.of_others)


def _may_have_arrived(call: Call, error: VendorError) -> bool:
    """Whether what was sent may be at Google: no answer came, or one that says yes but cannot be read.

    A look sends nothing, so a refused one leaves an older question as open as it was.
    """
    accepted = error.status is not None and error.status < HTTPStatus.MULTIPLE_CHOICES
    return isinstance(call, Fetch | Locate) or error.failure is FailureClass.RETRYABLE or accepted
