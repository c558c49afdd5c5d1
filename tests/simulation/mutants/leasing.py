"""Defects in who does what when: leases, triggers, timers, breakers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from background.worker import SyncWorker
from persistence.memory import calendars as calendars_in_memory
from persistence.memory.calendars import MemoryCalendarSyncRepository
from services import sync_engine, sync_push
from services.core import edits, intake
from services.core.calendars import LONG_AGO
from services.core.frozen import replace
from tests.simulation.mutants.kit import mutant, used_by

if TYPE_CHECKING:
    from pytest import MonkeyPatch  # noqa: PT013  # the name alone


@mutant("pause_after_write", "google_edit", "edit")
def results_without_fence(patch: MonkeyPatch) -> None:
    """A worker that was away for longer than its lease stores an answer that is older than what is known."""
    right = MemoryCalendarSyncRepository.renew

    async def renew(self: Any, claim: Any, **more: Any) -> None:
        await right(self, _as_if_current(self, claim), **more)

    patch.setattr(MemoryCalendarSyncRepository, "renew", renew)


@mutant()
def leases_are_ignored(patch: MonkeyPatch) -> None:
    """A calendar that somebody works on is claimed all the same: the workers chase each other."""
    right = used_by(calendars_in_memory, "wake_at")

    def eager(calendar: Any) -> Any:
        return right(replace(calendar, lease_until=LONG_AGO))

    patch.setattr(calendars_in_memory, "wake_at", eager)


@mutant("edit", "google_edit", calm=True)
def lost_wake_up(patch: MonkeyPatch) -> None:
    """What was triggered while a run was under way is forgotten when it ends: it waits for the next poll."""
    right = MemoryCalendarSyncRepository.release

    async def forgetful(self: Any, claim: Any, calendar: Any, **more: Any) -> None:
        known = self._held(claim)
        seen = replace(claim, calendar=replace(claim.calendar, dirty_seq=known.dirty_seq))
        await right(self, seen, calendar, **more)

    patch.setattr(MemoryCalendarSyncRepository, "release", forgetful)


@mutant()
def workers_sleep_too_long(patch: MonkeyPatch) -> None:
    """A worker looks at its poll interval only, not at when the next calendar is due."""

    right = SyncWorker._start_due

    async def start_due(self: Any) -> None:
        await right(self)

    patch.setattr(SyncWorker, "_start_due", start_due)


@mutant()
def notifications_are_relied_on(patch: MonkeyPatch) -> None:
    """A calendar with a channel is not polled any more: a lost notification is never made up for."""
    right = used_by(sync_engine, "spread")

    def spread(interval: Any, **more: Any) -> Any:
        return right(interval if interval < timedelta(seconds=200) else timedelta(days=30), **more)

    patch.setattr(sync_engine, "spread", spread)


@mutant("fight", calm=True)
def breaker_never_opens(patch: MonkeyPatch) -> None:
    """Two programs that fight over an event do so without end, through us."""

    def observe(slot: Any, *_: Any) -> Any:
        return slot

    patch.setattr(intake, "observe_change", observe)
    patch.setattr(edits, "observe_app_edit", observe)


@mutant("edit", "google_edit")
def breaker_never_closes(patch: MonkeyPatch) -> None:
    """A slot that was quarantined once is never synced again."""
    patch.setattr(sync_push, "half_open", lambda slot, _at: slot)


def _as_if_current(repository: Any, claim: Any) -> Any:
    known = repository._workspace.of("calendars", claim.user_id)[claim.calendar_id]
    return replace(claim, calendar=replace(claim.calendar, epoch=known.epoch))
