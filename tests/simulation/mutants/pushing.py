"""Defects in bringing edits to Google."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services import sync_calls, sync_engine, sync_outcomes, sync_push
from services.calendar_service import CalendarService
from services.core import event_ids, pushing
from services.core.events import RemoteEvent
from services.core.frozen import replace
from services.core.pushing import Patch
from services.google.quota import WRITE_UNITS
from services.google.requests import CalendarRequests
from services.google.wire import event_to_wire
from services.sync_calls import Answered, NewLife, Overtaken, PushCalls
from services.sync_outcomes import PushOutcomes
from tests.simulation.mutants.kit import mutant, used_by

if TYPE_CHECKING:
    from pytest import MonkeyPatch  # noqa: PT013  # the name alone


@mutant("edit", "google_edit")
def patch_without_if_match(patch: MonkeyPatch) -> None:
    """An edit is written over whatever Google has by now: what somebody changed there meanwhile is gone."""
    right = CalendarRequests.patch

    def careless(self: Any, calendar_id: str, event_id: str, body: Any, **more: Any) -> Any:
        return right(self, calendar_id, event_id, body, **{**more, "etag": ""})

    patch.setattr(CalendarRequests, "patch", careless)


@mutant("drop", "google_edit")
def delete_without_if_match(patch: MonkeyPatch) -> None:
    """An event is deleted although somebody has changed it meanwhile."""
    right = CalendarRequests.delete

    def careless(self: Any, calendar_id: str, event_id: str, **more: Any) -> Any:
        return right(self, calendar_id, event_id, **{**more, "etag": ""})

    patch.setattr(CalendarRequests, "delete", careless)


@mutant()
def refused_conditions_count_as_success(patch: MonkeyPatch) -> None:
    """A 412 is swallowed: the edit shows in the app, and Google's older change takes it away again."""
    right = PushCalls._perform

    async def hopeful(self: Any, run: Any, slot: Any, call: Any) -> Any:
        outcome = await right(self, run, slot, call)
        if isinstance(outcome, Overtaken) and isinstance(call, Patch):
            return Answered(RemoteEvent(call.event_id, call.content, slot.google))
        return outcome

    patch.setattr(PushCalls, "_perform", hopeful)


@mutant("answer_lost", "kill", "create")
def google_chooses_ids(patch: MonkeyPatch) -> None:
    """An insert names no id: when its answer is lost, the event is made a second time."""
    right = CalendarRequests.insert

    def nameless(self: Any, calendar_id: str, body: Any, **more: Any) -> Any:
        named = {name: value for name, value in body.items() if name != "id"}
        return right(self, calendar_id, named, **more)

    patch.setattr(CalendarRequests, "insert", nameless)


@mutant("answer_lost", "kill", "google_edit")
def nothing_is_noted_before_a_call(patch: MonkeyPatch) -> None:
    """What is about to be sent is not stored first: after a crash its arrival looks like somebody's edit."""
    patch.setattr(sync_push, "_sent_by", lambda _call: None)


@mutant("answer_lost")
def silence_counts_as_refusal(patch: MonkeyPatch) -> None:
    """A call without an answer is taken for one that did nothing."""
    patch.setattr(sync_calls, "_may_have_arrived", lambda _call, _error: False)


@mutant("answer_lost", "edit")
def writes_are_repeated_unseen(patch: MonkeyPatch) -> None:
    """After an unknown outcome the write is repeated without looking what became of it."""
    right = used_by(sync_push, "next_call")

    def hasty(slot: Any, series: Any = None) -> Any:
        return right(replace(slot, sent=None, refetch=False), series)

    patch.setattr(sync_push, "next_call", hasty)


@mutant("answer_lost", "event_denied", "edit")
def one_denial_is_believed(patch: MonkeyPatch) -> None:
    """When Google says once that it knows no such event, it is made anew: it may be there twice."""
    patch.setattr(sync_outcomes, "is_believed", lambda _call, _slot: True)


@mutant("event_denied", "google_delete", "google_undelete", "restore")
def denied_revivals_begin_anew(patch: MonkeyPatch) -> None:
    """What comes back is made anew where Google denies its tombstone once: somebody may have revived it."""

    async def anew(*_: Any) -> NewLife:
        return NewLife()

    patch.setattr(PushCalls, "_unless_alive", anew)
    patch.setattr(pushing, "_former_event_id", lambda _slot: None)


@mutant("google_extras", "edit")
def whole_events_are_written(patch: MonkeyPatch) -> None:
    """An edit replaces the whole event: what the app knows nothing of is gone from Google."""

    async def put(
        self: Any, user_id: Any, calendar_id: str, *, event_id: str, etag: str, content: Any, **_: Any
    ) -> Any:
        build = await self._builder()
        request = build._events.request(
            "update",
            {"calendarId": calendar_id, "eventId": event_id},
            body=event_to_wire(content),
            etag=etag,
            sendUpdates="none",
        )
        document = await self._calls.document(user_id, request, WRITE_UNITS)
        return await self._event(user_id, calendar_id, document)

    patch.setattr(CalendarService, "patch", put)


@mutant()
def outcomes_are_stored_over_newer_edits(patch: MonkeyPatch) -> None:
    """What a call led to is stored with the slot as it was before: an edit made meanwhile is gone."""
    conclude, store_seen = PushOutcomes.conclude, PushOutcomes._store_seen
    before: dict[Any, Any] = {}

    async def remembering(self: Any, run: Any, prepared: Any, *more: Any, **named: Any) -> Any:
        before[prepared.id] = prepared
        return await conclude(self, run, prepared, *more, **named)

    async def stale(self: Any, tx: Any, run: Any, slot: Any, *more: Any, **named: Any) -> Any:
        return await store_seen(self, tx, run, before[slot.id], *more, **named)

    patch.setattr(PushOutcomes, "conclude", remembering)
    patch.setattr(PushOutcomes, "_store_seen", stale)


@mutant("disconnect", "edit")
def spent_ids_are_used_again(patch: MonkeyPatch) -> None:
    """What comes back after Google has forgotten it is inserted under the id that it had: never again."""

    def first_life(slot_id: Any, _generation: int) -> str:
        return event_ids.event_id_for(slot_id, 0)

    patch.setattr(pushing, "event_id_for", first_life)


@mutant()
def calls_are_made_inside_transactions(patch: MonkeyPatch) -> None:
    """The database waits while Google is asked: one slow answer stops every user."""
    right = PushCalls.perform

    async def locked(self: Any, run: Any, slot: Any, call: Any) -> Any:
        async with run.uow():
            return await right(self, run, slot, call)

    patch.setattr(PushCalls, "perform", locked)


@mutant("call_fails")
def retry_after_is_ignored(patch: MonkeyPatch) -> None:
    """Google says when it wants to be asked again, and is asked at once: it limits the user for longer."""
    for module in (sync_engine, sync_outcomes):
        patch.setattr(module, "next_attempt", _impatient(used_by(module, "next_attempt")))


def _impatient(right: Any) -> Any:
    def next_attempt(error: Any, *more: Any, **named: Any) -> Any:
        before, error.retry_after = error.retry_after, None
        verdict = right(error, *more, **named)
        error.retry_after = before
        return verdict

    return next_attempt
