"""One run over one calendar: what it was claimed with, what it has learnt, and how its results are stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.core.calendars import SyncCounters
from services.core.reconcile import DropLocal
from services.core.records import ConflictRecord, HistoryEntry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.core.calendars import CalendarSync, Claim, Cursor
    from services.core.intake import Intake
    from services.core.policy import SyncPolicy
    from services.core.ports import Clock, Ids
    from services.core.storage import Transaction


@dataclass(slots=True)
class CalendarRun:
    """The state of a run; `calendar` is what a release would store."""

    claim: Claim
    calendar: CalendarSync
    clock: Clock
    ids: Ids
    policy: SyncPolicy
    started_at: datetime

    def count(self, **more: int) -> None:
        """Add to the calendar's counters."""
        self.calendar = replace(self.calendar, counters=self.calendar.counters.plus(SyncCounters(**more)))

    def move_to(self, cursor: Cursor) -> None:
        """Remember how far Google's changes have been read; stored with the next write of the run."""
        self.calendar = replace(self.calendar, cursor=cursor)

    async def fence(self, tx: Transaction) -> None:
        """Make sure, first in every transaction, that the run still owns the calendar and the user's slots.

        Raises:
            LeaseLostError: It does not; nothing may be stored.
        """
        await tx.calendars.renew(self.claim, lease_until=self.clock.now() + self.policy.lease)
        await tx.users.lock(self.claim.user_id)

    async def store(self, tx: Transaction, intakes: Sequence[Intake], *, now: datetime) -> None:
        """Write slots, history and conflicts of what was taken in, and count it."""
        visible = [intake for intake in intakes if intake.visible]
        silent = [intake.slot for intake in intakes if not intake.visible]
        if visible:
            await tx.slots.save([intake.slot for intake in visible], _history(visible, now))
        if silent:
            await tx.slots.save_silently(silent)
        conflicts = self._conflicts(visible, now)
        if conflicts:
            await tx.conflicts.add(conflicts)
        self.count(conflicts=len(conflicts))

    def _conflicts(self, intakes: Sequence[Intake], now: datetime) -> list[ConflictRecord]:
        return [
            ConflictRecord(
                id=self.ids.uuid(),
                user_id=intake.slot.user_id,
                slot_id=intake.slot.id,
                group=lost.group,
                winner=lost.winner,
                losing_value=lost.losing_value,
                winning_value=lost.winning_value,
                at=now,
            )
            for intake in intakes
            for lost in intake.lost
        ]


def where(run: CalendarRun, **more: str) -> dict[str, str]:
    """The facts that place a log line."""
    return {"user_id": str(run.claim.user_id), "calendar_id": run.claim.calendar_id, **more}


def count_pulled(run: CalendarRun, intakes: Sequence[Intake]) -> None:
    """Count what came from Google: changes and deletions of local content."""
    deleted = sum(isinstance(intake.step, DropLocal) for intake in intakes)
    changed = sum(bool(intake.changes) for intake in intakes)
    run.count(pulled=changed - deleted, deleted=deleted)


def _history(intakes: Sequence[Intake], now: datetime) -> list[HistoryEntry]:
    return [
        HistoryEntry(
            user_id=intake.slot.user_id,
            slot_id=intake.slot.id,
            seq=0,
            at=now,
            origin=intake.origin,
            fields=intake.changes,
        )
        for intake in intakes
        if intake.changes
    ]
