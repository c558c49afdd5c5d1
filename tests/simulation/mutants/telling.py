"""Defects in what clients are told: the change feed, history, answers to repeated requests."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from persistence.memory.changes import MemoryChangeRepository
from persistence.memory.slots import MemorySlotRepository
from services import calendar_service, change_feed, sync_missing, sync_outcomes, sync_run, sync_sorting
from services.core import changes
from services.core.changes import ChangePage, caught_up
from services.core.frozen import replace
from services.core.idempotency import KEPT, IdempotencyRecord
from services.idempotency_service import IdempotencyService, Outcome
from services.sync_outcomes import PushOutcomes
from tests.simulation.mutants.kit import mutant, used_by

if TYPE_CHECKING:
    from pytest import MonkeyPatch  # noqa: PT013  # the name alone


@mutant()
def guests_are_always_told(patch: MonkeyPatch) -> None:
    """Google is asked to mail every guest, though nobody wanted that."""
    patch.setattr(calendar_service, "_SEND_UPDATES", defaultdict(lambda: "all"))


@mutant()
def only_contents_are_news(patch: MonkeyPatch) -> None:
    """The feed tells of new contents, not of new states: a slot shows as pending for ever."""
    for module in (sync_outcomes, sync_sorting, sync_missing):
        patch.setattr(module, "take_in", _quiet(used_by(module, "take_in")))


def _quiet(right: Any) -> Any:
    def take_in(slot: Any, event: Any, **more: Any) -> Any:
        taken = right(slot, event, **more)
        return replace(taken, visible=bool(taken.changes or taken.lost))

    return take_in


@mutant("call_fails", "edit", "read_feed")
def failures_are_saved_silently(patch: MonkeyPatch) -> None:
    """That a slot could not be brought to Google is stored, but the feed does not tell."""
    right = PushOutcomes._store_failure

    async def silent(self: Any, tx: Any, *more: Any, **named: Any) -> None:
        loud = tx.slots.save
        tx.slots.save = tx.slots.save_silently
        try:
            await right(self, tx, *more, **named)
        finally:
            tx.slots.save = loud

    patch.setattr(PushOutcomes, "_store_failure", silent)


@mutant("drop", "google_delete", "read_feed")
def feed_keeps_deletions_to_itself(patch: MonkeyPatch) -> None:
    """The feed does not tell of deletions: clients show what is gone."""
    right = MemoryChangeRepository.page

    async def page(self: Any, user_id: Any, **more: Any) -> Any:
        return [each for each in await right(self, user_id, **more) if each.slot.deleted_at is None]

    patch.setattr(MemoryChangeRepository, "page", page)


@mutant("read_feed")
def feed_skips_the_rest_of_a_page(patch: MonkeyPatch) -> None:
    """A reader who gets a part of the changes is moved to the end of all of them."""
    right = used_by(change_feed, "page_of")

    def page_of(found: Any, position: Any, reach: Any, *, limit: int) -> ChangePage:
        page = right(found, position, reach, limit=limit)
        return ChangePage(page.changes, caught_up(reach.last_seq), more=page.more)

    patch.setattr(change_feed, "page_of", page_of)


@mutant("read_feed", "edit")
def feed_forgets_what_a_reader_knew(patch: MonkeyPatch) -> None:
    """Between two pages a reader counts as knowing what came into being meanwhile: it is told of a change
    of what it never heard of."""
    right = used_by(changes, "_kind")

    def kind(changed: Any, position: Any) -> Any:
        return right(changed, replace(position, known_seq=position.seq))

    patch.setattr(changes, "_kind", kind)


@mutant("drop", "restore", "read_feed")
def returned_slots_are_no_news(patch: MonkeyPatch) -> None:
    """A slot that comes back is told of as changed, not as created: a client does not know it any more."""

    def note(self: Any, slot: Any) -> None:
        if slot.id not in self._workspace.of("slots", slot.user_id):
            self._workspace.to_write("appeared", slot.user_id)[slot.id] = slot.seq

    patch.setattr(MemorySlotRepository, "_note_appearance", note)


@mutant("disconnect", "edit", "read_feed")
def link_changes_are_not_told(patch: MonkeyPatch) -> None:
    """When a connection ends, slots that wait are shown otherwise, and the feed does not tell."""

    async def renumber_pending(self: Any, user_id: Any) -> None:
        del self, user_id

    patch.setattr(MemoryChangeRepository, "renumber_pending", renumber_pending)


@mutant()
def feed_numbers_stand_still(patch: MonkeyPatch) -> None:
    """A changed slot keeps the number that it had: readers who are beyond it never hear of the change."""
    right = MemorySlotRepository._numbered

    def numbered(self: Any, slots: Any) -> Any:
        known = self._workspace.of("slots", slots[0].user_id) if slots else {}
        return [
            replace(slot, seq=known[slot.id].seq) if slot.id in known else slot for slot in right(self, slots)
        ]

    patch.setattr(MemorySlotRepository, "_numbered", numbered)


@mutant()
def history_has_gaps(patch: MonkeyPatch) -> None:
    """What Google changed is not written down: nobody can undo it."""
    patch.setattr(sync_run, "history_of", lambda *_: [])


@mutant("kill", "create", "database_after")
def keys_are_stored_apart(patch: MonkeyPatch) -> None:
    """A request is carried out first and remembered afterwards: repeated in between, it is done twice."""

    async def once(self: Any, attempt: Any, work: Any, shape: Any) -> Any:
        now = self._clock.now()
        record = IdempotencyRecord(
            attempt.scope, attempt.route, attempt.key, attempt.fingerprint, "", now, now + KEPT
        )
        with contextlib.suppress(_LookedOnlyError):
            async with self._uow() as tx:
                earlier = await tx.idempotency.claim(record)
                if earlier is not None:
                    return Outcome(self._answer_of(earlier, attempt), None)
                _undo()
        value = await work()
        async with self._uow() as tx:
            await tx.idempotency.claim(record)
            await tx.idempotency.set_answer(self._with_answer(record, shape(value)))
        return Outcome(shape(value), value)

    patch.setattr(IdempotencyService, "once", once)


class _LookedOnlyError(Exception):
    pass


def _undo() -> None:
    raise _LookedOnlyError


@mutant("kill", "create")
def keys_are_stored_first(patch: MonkeyPatch) -> None:
    """A request counts as done before it is: after a crash it is answered, and nothing was done."""

    async def once(self: Any, attempt: Any, work: Any, shape: Any) -> Any:
        now = self._clock.now()
        record = IdempotencyRecord(
            attempt.scope, attempt.route, attempt.key, attempt.fingerprint, "", now, now + KEPT
        )
        async with self._uow() as tx:
            earlier = await tx.idempotency.claim(record)
            if earlier is not None:
                return Outcome(self._answer_of(earlier, attempt), None)
            await tx.idempotency.set_answer(self._with_answer(record, shape(None)))
        value = await work()
        return Outcome(shape(value), value)

    patch.setattr(IdempotencyService, "once", once)
