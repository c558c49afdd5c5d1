"""One run over one calendar: what it was claimed with, what it has learnt, and how its results are stored.

Every result of a run is stored in a transaction of `CalendarRun.storing`: fenced first, and what the run
learnt in it (cursor, counters) is forgotten again if it is rolled back. So whatever interrupts a run, its
release never stores a cursor beyond a page that was not taken in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.core.calendars import SyncCounters
from services.core.frozen import replace
from services.core.reconcile import DropLocal
from services.core.records import ConflictRecord, HistoryEntry
from services.sync_series import let_exceptions_follow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from types import TracebackType
    from uuid import UUID

    from services.core.calendars import CalendarSync, Claim, Cursor
    from services.core.intake import Intake
    from services.core.policy import SyncPolicy
    from services.core.ports import Clock, Ids
    from services.core.slots import SlotContent
    from services.core.storage import Transaction, UnitOfWork


@dataclass(slots=True)
class CalendarRun:
    """The state of a run; `calendar` is what a release would store."""

    claim: Claim
    calendar: CalendarSync
    uow: UnitOfWork
    clock: Clock
    ids: Ids
    policy: SyncPolicy
    started_at: datetime
    google_answered: bool = False
    """Whether Google answered a call of this run."""
    listed: bool = False
    """Whether Google let this run list the calendar, so that it is there."""
    pulled: bool = False
    """Whether everything that Google had changed before has been taken in by this run."""
    behind: set[UUID] = field(default_factory=set)
    """Slots whose push waits until the run has pulled."""
    shown: dict[UUID, SlotContent | None] = field(default_factory=dict)
    """What Google showed last of instances that are to be cancelled, where their series had another thing."""

    def count(self, **more: int) -> None:
        """Add to the calendar's counters."""
        if not any(more.values()):
            return
        self.calendar = replace(self.calendar, counters=self.calendar.counters.plus(SyncCounters(**more)))

    def move_to(self, cursor: Cursor) -> None:
        """Remember how far Google's changes have been read; stored with the next write of the run."""
        self.calendar = replace(self.calendar, cursor=cursor)

    def storing(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that may store results, as the run still owns the calendar and the user's slots.

        Raises:
            LeaseLostError: It does not; nothing may be stored.
        """
        return _Storing(self)

    async def store(self, tx: Transaction, intakes: Sequence[Intake], *, now: datetime) -> list[Intake]:
        """Write slots, history and conflicts of what was taken in, and count conflicts.

        Returns:
            What became of the exceptions of series among them, stored as well.
        """
        await self._write(tx, intakes, now=now)
        followed = await let_exceptions_follow(tx, intakes, now=now, policy=self.policy.loop)
        silent = [each.slot for each in followed if each.intake is None]
        if silent:
            await tx.slots.save_silently(silent)
        seen = [each.intake for each in followed if each.intake is not None]
        if seen:
            await self._write(tx, seen, now=now)
        return seen

    async def _write(self, tx: Transaction, intakes: Sequence[Intake], *, now: datetime) -> None:
        visible = [intake for intake in intakes if intake.visible]
        silent = [intake.slot for intake in intakes if not intake.visible]
        if visible:
            await tx.slots.save([intake.slot for intake in visible], history_of(visible, now))
        if silent:
            await tx.slots.save_silently(silent)
        conflicts = conflicts_of(visible, self.ids, now)
        if conflicts:
            await tx.conflicts.add(conflicts)
        self.count(conflicts=len(conflicts))


class _Storing:
    def __init__(self, run: CalendarRun) -> None:
        self._run = run
        self._before = run.calendar
        self._transaction = run.uow()

    async def __aenter__(self) -> Transaction:
        run = self._run
        tx = await self._transaction.__aenter__()
        try:
            await tx.calendars.renew(run.claim, lease_until=run.clock.now() + run.policy.lease)
            await tx.users.lock(run.claim.user_id)
        except BaseException as error:
            await self._transaction.__aexit__(type(error), error, error.__traceback__)
            raise
        return tx

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stored = False
        try:
            await self._transaction.__aexit__(kind, error, trace)
            stored = kind is None
        finally:
            if not stored:
                self._run.calendar = self._before


def where(run: CalendarRun, **more: str) -> dict[str, str]:
    """The facts that place a log line."""
    return {"user_id": str(run.claim.user_id), "calendar_id": run.claim.calendar_id, **more}


def count_pulled(run: CalendarRun, intakes: Sequence[Intake]) -> None:
    """Count what came from Google: changes and deletions of local content."""
    deleted = sum(isinstance(intake.step, DropLocal) for intake in intakes)
    changed = sum(bool(intake.changes) for intake in intakes)
    run.count(pulled=changed - deleted, deleted=deleted)


def history_of(intakes: Sequence[Intake], now: datetime) -> list[HistoryEntry]:
    """What happened to the local content of the slots that were taken in."""
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


def conflicts_of(intakes: Sequence[Intake], ids: Ids, now: datetime) -> list[ConflictRecord]:
    """What lost, to be shown to a person."""
    return [
        ConflictRecord(
            id=ids.uuid(),
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
