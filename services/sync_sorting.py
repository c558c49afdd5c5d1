"""The events of a page, sorted by what has to be written for each: which slot is it of, and is it news?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.core.absence import has_let_go_of
from services.core.event_ids import event_id_for, slot_id_in
from services.core.freshness import is_known, must_be_read_afresh, newest, to_be_read_afresh
from services.core.frozen import replace
from services.core.intake import slot_from_event, take_in
from services.core.relocation import arrived
from services.core.series import may_be_lost_by_us
from services.sync_descent import with_common_past
from services.sync_series import SeriesOfPage, compared_with_its_series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from services.core.events import RemoteEvent
    from services.core.intake import Intake
    from services.core.records import SeriesLink, Slot
    from services.core.storage import Transaction
    from services.sync_run import CalendarRun


@dataclass(slots=True)
class SortedPage:
    """The events of a page, by what has to be written for each."""

    new: list[Slot] = field(default_factory=list)
    taken_in: list[Intake] = field(default_factory=list)
    seen: list[Slot] = field(default_factory=list)
    to_refetch: list[Slot] = field(default_factory=list)

    def written(self) -> list[Slot]:
        """The slots whose events a client can see anew."""
        return [*self.new, *(intake.slot for intake in self.taken_in)]


class PageSorter:
    """Sorts one page, in the transaction that stores it."""

    def __init__(
        self,
        tx: Transaction,
        run: CalendarRun,
        *,
        now: datetime,
        clock_ahead: timedelta,
        listing: int | None,
    ) -> None:
        """`listing` is the number of the full listing that the page is of; `None`: it tells of changes."""
        self._tx = tx
        self._run = run
        self._user_id = run.claim.user_id
        self._calendar_id = run.claim.calendar_id
        self._now = now
        self._clock_ahead = clock_ahead
        self._listing = listing
        self._found = SortedPage()
        self._given: set[UUID] = set()
        self._let_go: dict[str, Slot] = {}
        """Slots that have let go of these events."""

    async def sort(self, events: Sequence[RemoteEvent]) -> SortedPage:
        """What has to be written for the events of a page."""
        latest = newest(events)
        bound = await self._find_bound(latest)
        series = await self._series_of_cancelled(latest, bound)
        instances: list[RemoteEvent] = []
        for event_id, event in latest.items():
            slot = bound.get(event_id)
            if slot is not None:
                # Of what the app has done to a series, Google may tell as of cancelled instances.
                by_us = slot.id in series and may_be_lost_by_us(slot, series[slot.id])
                await self._take_in(slot, event, afresh=by_us or must_be_read_afresh(slot, event))
            elif event.instance is not None:
                instances.append(event)
            elif (former := self._let_go.get(event_id)) is not None and event.content is not None:
                self._look_again(former, event)
            elif event.content is not None:
                own_id = await self._own_id_of(event)
                slot_id = own_id or self._run.ids.uuid()
                self._given.add(slot_id)
                self._add(event, slot_id, None, returned=own_id is not None)
        if instances:
            await self._sort_instances(instances, bound)
        await self._look_for_orphans(latest, bound)
        return self._found

    async def _sort_instances(self, instances: Sequence[RemoteEvent], bound: Mapping[str, Slot]) -> None:
        """Exceptions that are new here, after their series."""
        known = {event_id: slot.id for event_id, slot in (self._let_go | dict(bound)).items()}
        known.update((slot.google.event_id, slot.id) for slot in self._found.new if slot.google is not None)
        series = await SeriesOfPage.find(self._tx, self._user_id, self._calendar_id, instances, known)
        for event in instances:
            assert event.instance is not None  # noqa: S101  # that is why it is here
            made_here = series.exception(event.instance)
            if made_here is not None:
                await self._take_in(made_here, event, afresh=must_be_read_afresh(made_here, event))
            else:
                self._add(event, self._run.ids.uuid(), series.link(event.instance))

    async def _look_for_orphans(self, events: Mapping[str, RemoteEvent], bound: Mapping[str, Slot]) -> None:
        """Have Google asked for exceptions whose series ended before it was ever listed.

        Nothing else would tell: Google may forget them with their series.
        """
        ended = {
            event_id
            for event_id, event in events.items()
            if event.content is None and event.instance is None and event_id not in bound
        }
        for orphan in await self._tx.slots.orphans(self._user_id, self._calendar_id, ended):
            listed = orphan.google is not None and orphan.google.event_id in events
            if orphan.google is not None and not listed and not orphan.refetch:
                self._found.to_refetch.append(replace(orphan, refetch=True))

    async def _series_of_cancelled(
        self, events: Mapping[str, RemoteEvent], bound: Mapping[str, Slot]
    ) -> dict[UUID, Slot | None]:
        """The series of each exception that is listed as cancelled, by the exception; all in one question."""
        cancelled = {
            slot.id: slot.series.series_id
            for event_id, slot in bound.items()
            if slot.series is not None and events[event_id].content is None
        }
        wanted = {series_id for series_id in cancelled.values() if series_id is not None}
        found = await self._tx.slots.find_many(self._user_id, wanted)
        return {
            slot_id: found.get(series_id) if series_id is not None else None
            for slot_id, series_id in cancelled.items()
        }

    async def _take_in(self, slot: Slot, event: RemoteEvent, *, afresh: bool) -> None:
        found, listing = self._found, self._listing
        if listing is not None:
            found.seen.append(slot)
        if is_known(slot, event):
            return
        if afresh:
            waiting = to_be_read_afresh(slot, event)
            if waiting != slot:
                found.to_refetch.append(waiting)
            return
        known = await with_common_past(self._tx, slot, event)
        known = await compared_with_its_series(self._tx, known, event)
        intake = take_in(
            known if listing is None else replace(known, seen_listing=listing),
            event,
            now=self._now,
            clock_ahead=self._clock_ahead,
            policy=self._run.policy.loop,
        )
        found.taken_in.append(replace(intake, before=slot))

    def _look_again(self, slot: Slot, event: RemoteEvent) -> None:
        """Have Google asked what the slot's former event is: the page may be older than its end."""
        if self._listing is not None:
            self._found.seen.append(slot)
        self._found.to_refetch.append(replace(slot, google=event.copy, refetch=True))

    def _add(
        self, event: RemoteEvent, slot_id: UUID, series: SeriesLink | None, *, returned: bool = False
    ) -> None:
        created = slot_from_event(
            event,
            user_id=self._user_id,
            slot_id=slot_id,
            calendar_id=self._calendar_id,
            listing=self._listing or 0,
            now=self._now,
            series=series,
            returned=returned,
        )
        if created is not None:
            self._found.new.append(created)

    async def _find_bound(self, events: Mapping[str, RemoteEvent]) -> dict[str, Slot]:
        """The slots of these events: bound already, or under the id of an insert whose answer was lost."""
        slots = self._tx.slots
        bound = await slots.find_by_events(self._user_id, self._calendar_id, list(events))
        made = {
            event_id: slot_id
            for event_id in events
            if event_id not in bound and (slot_id := slot_id_in(event_id)) is not None
        }
        if made:
            # By the id alone: the mark may be gone, and a copy of an event carries it under another id.
            found = await slots.find_many(self._user_id, set(made.values()))
            former: dict[UUID, tuple[str, Slot]] = {}
            for event_id, slot_id in made.items():
                slot = found.get(slot_id)
                if slot is None or slot.google is not None:
                    continue
                if event_id == self._own_event_id(slot):
                    bound[event_id] = slot
                elif slot.calendar_id == self._calendar_id and has_let_go_of(slot, event_id):
                    former[slot.id] = (event_id, slot)
            # A slot has one event: the one of its present life before any of a former one.
            present = {slot.id for slot in bound.values()}
            self._let_go = {
                event_id: slot for slot_id, (event_id, slot) in former.items() if slot_id not in present
            }
        unbound = [each for each in events if each not in bound and events[each].content is not None]
        for slot in await slots.arriving(self._user_id, self._calendar_id, unbound):
            if slot.google is not None:
                bound[slot.google.event_id] = arrived(slot, self._calendar_id)
        return bound

    async def _own_id_of(self, event: RemoteEvent) -> UUID | None:
        """The slot id of an event that we once made, if that is free; `None`: it is like any other."""
        slot_id = event.slot_id
        if slot_id is None or slot_id in self._given or slot_id != slot_id_in(event.event_id):
            return None
        taken = await self._tx.slots.find(self._user_id, slot_id)
        return slot_id if taken is None else None

    def _own_event_id(self, slot: Slot) -> str | None:
        """The id under which the run's calendar would have the slot's event."""
        return event_id_for(slot.id, slot.generation) if slot.calendar_id == self._calendar_id else None
