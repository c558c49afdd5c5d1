"""What a run does for series beyond their own slots: exceptions are bound to them and follow them.

Google tells of a series alone: that it was deleted, cut short or moved is one change, and what it means for
the exceptions has to be found out. Nothing here costs anything where no series is concerned.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from services.core.agenda import stands_in
from services.core.following import follow
from services.core.frozen import replace
from services.core.looks import without_inherited_proof
from services.core.orphans import bound, united
from services.core.pushing import Call, Fetch, Wait, next_call, takes_places, wants_news
from services.core.records import HistoryEntry, PushFailure, SeriesLink
from services.core.series import (
    SERIES_PENDING,
    by_original_start,
    has_ended,
    instance_content,
    is_of_others,
    standing_alone,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from services.core.events import InstanceName, RemoteEvent
    from services.core.following import Following
    from services.core.intake import Intake
    from services.core.policy import LoopPolicy
    from services.core.records import Slot
    from services.core.recurrence import OriginalStart
    from services.core.storage import Transaction
    from services.sync_run import CalendarRun

_PATIENCE = timedelta(seconds=30)
_PATIENCE_CEILING = timedelta(hours=1)


class SeriesOfPage:
    """The series that the instances of a page belong to, and the exceptions of them that exist here."""

    def __init__(
        self, series: Mapping[str, UUID], exceptions: Mapping[UUID, Mapping[OriginalStart, Slot]]
    ) -> None:
        """Hold the slots of series by event id, and their exceptions by series and original start."""
        self._series = series
        self._exceptions = exceptions

    @classmethod
    async def find(
        cls,
        tx: Transaction,
        user_id: UUID,
        calendar_id: str,
        events: Iterable[RemoteEvent],
        known: Mapping[str, UUID],
    ) -> SeriesOfPage:
        """Look up what the unbound instances among `events` need; `known` are series seen on the page."""
        wanted = {event.instance.recurring_event_id for event in events if event.instance is not None}
        stored = await tx.slots.find_by_events(user_id, calendar_id, wanted - known.keys())
        series = {event_id: known[event_id] for event_id in wanted & known.keys()}
        series.update((event_id, slot.id) for event_id, slot in stored.items())
        exceptions: dict[UUID, list[Slot]] = {}
        for exception in await tx.slots.exceptions_of(user_id, set(series.values())):
            if exception.series is not None and exception.series.series_id is not None:
                exceptions.setdefault(exception.series.series_id, []).append(exception)
        return cls(series, {series_id: by_original_start(each) for series_id, each in exceptions.items()})

    def link(self, instance: InstanceName) -> SeriesLink:
        """The link of a slot for this instance."""
        series_id = self._series.get(instance.recurring_event_id)
        return SeriesLink(instance.original_start, series_id, instance.recurring_event_id)

    def exception(self, instance: InstanceName) -> Slot | None:
        """The exception that was made here for this instance and that no event is bound to yet."""
        series_id = self._series.get(instance.recurring_event_id)
        found = self._exceptions.get(series_id, {}).get(instance.original_start) if series_id else None
        return found if found is not None and found.google is None else None


async def bind_orphans(tx: Transaction, user_id: UUID, series: Sequence[Slot], *, now: datetime) -> None:
    """Bind exceptions that came before their series."""
    by_event = {slot.google.event_id: slot for slot in series if slot.google is not None}
    if not by_event:
        return
    orphans = await tx.slots.orphans(user_id, series[0].calendar_id, set(by_event))
    if not orphans:
        return
    owners = {slot.id for slot in by_event.values()}
    made_here = {
        (each.series.series_id, each.series.original_start): each
        for each in await tx.slots.exceptions_of(user_id, owners)
        if each.series is not None and stands_in(each)
    }
    changed, history = [], []
    for orphan in orphans:
        assert orphan.series is not None  # noqa: S101  # orphans are exceptions
        assert orphan.series.recurring_event_id is not None  # noqa: S101  # and Google's
        owner = by_event[orphan.series.recurring_event_id]
        exception = made_here.get((owner.id, orphan.series.original_start))
        if exception is None or orphan.google is None:
            changed.append(bound(orphan, owner))
            continue
        gone, there = united(bound(orphan, owner), exception, now=now)
        # An event has one slot at a time.
        changed += [gone, there]
        if changes := orphan.changes_to(gone.local):
            history.append(HistoryEntry(user_id, orphan.id, 0, now, "google", changes))
    await tx.slots.save(changed, history)


async def let_exceptions_follow(
    tx: Transaction, intakes: Iterable[Intake], *, now: datetime, policy: LoopPolicy
) -> list[Following]:
    """What becomes of the exceptions of the series among `intakes`, which are stored already."""
    changed = {intake.slot.id: intake for intake in intakes if _concerns_exceptions(intake)}
    if not changed:
        return []
    user_id = next(iter(changed.values())).slot.user_id
    followed = []
    for exception in await tx.slots.exceptions_of(user_id, set(changed)):
        assert exception.series is not None  # noqa: S101  # by definition
        assert exception.series.series_id is not None  # noqa: S101
        intake = changed[exception.series.series_id]
        following = follow(exception, intake.before, intake.slot, now=now, policy=policy)
        if following is not None:
            followed.append(following)
    return followed


def _concerns_exceptions(intake: Intake) -> bool:
    before, after = intake.before, intake.slot
    if after.series is not None:
        return False
    return (
        after.is_series
        or before.is_series
        or (before.base is not None and bool(before.base.schedule.recurrence))
    )


async def series_of(tx: Transaction, slot: Slot) -> Slot | None:
    """The series of an exception, if it is known."""
    if slot.series is None or slot.series.series_id is None:
        return None
    return await tx.slots.find(slot.user_id, slot.series.series_id)


async def compared_with_its_series(tx: Transaction, slot: Slot, event: RemoteEvent) -> Slot:
    """The slot before a listed event is taken in for it: what its series shows there proves no write."""
    if slot.sent is None:
        return slot
    return without_inherited_proof(slot, await series_of(tx, slot), event.content)


def is_behind(run: CalendarRun, call: Call, slot: Slot, series: Slot | None) -> bool:
    """Whether a call has to wait until the run has pulled."""
    if run.pulled:
        return False
    waits = isinstance(call, Wait) and series is not None and series.id in run.behind
    return waits or wants_news(call, slot)


async def has_unread_exceptions(tx: Transaction, run: CalendarRun, call: Call, series: Slot) -> bool:
    """Whether exceptions are to be read before a call that may take their places away.

    Google has listed them as changed, and may forget them with their places.
    """
    if not takes_places(call, series):
        return False
    now = run.clock.now()
    unread = [
        each.id
        for each in await tx.slots.exceptions_of(series.user_id, {series.id})
        if each.refetch and each.google is not None and each.push_at is not None and each.push_at <= now
        if isinstance(next_call(each, series), Fetch)
    ]
    if not run.behind.isdisjoint(unread):
        run.behind.add(series.id)
    return bool(unread)


def shows_newer_series(run: CalendarRun, slot: Slot, series: Slot | None, event: RemoteEvent) -> bool:
    """Whether an instance that is to be cancelled may be other than it was for a change of its series alone.

    If its series was changed, the instance is cancelled all the same; if the instance itself was, that is an
    edit that its deletion had not seen. The next listing tells which. What stays as it was beyond that is
    taken as it is, and so is what was listed.
    """
    remote, known = event.content, slot.google
    if known is not None and not known.only_looked_up and known.etag == event.copy.etag:
        return False
    if slot.series is None or series is None or series.base is None:
        return False
    if remote is None or slot.local is not None or remote in (slot.base, run.shown.get(slot.id)):
        return False
    return remote != instance_content(series.base, slot.series.original_start)


def waiting(slot: Slot, series: Slot | None, now: datetime, *, last_round: bool) -> Slot:
    """An exception whose series did not get through in this run either; both are tried again together."""
    if series is None or (has_ended(series) and not is_of_others(series)):
        return standing_alone(slot)
    if not last_round:
        return slot
    attempts = (slot.failure.attempts if slot.failure else 0) + 1
    retry_at = series.push_at
    if retry_at is None or retry_at <= now:
        retry_at = now + min(_PATIENCE * 2 ** min(attempts, 10), _PATIENCE_CEILING)
    failure = PushFailure(SERIES_PENDING, "Google has to get the series first", attempts, retry_at)
    return replace(slot, failure=failure)
