"""The pull phase: read Google's changes page by page and take each page in, in one transaction.

The sync token is stored only with the last page. A full listing (the first, or after Google refused the
token) stores where it stands after each page, so that an import of any size goes on where it was stopped.
What a complete listing lacks was deleted, but only after a second look and after the deletion brake agreed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from services.core.calendars import Cursor
from services.core.errors import FailureClass, VendorError
from services.core.event_ids import event_id_for, slot_id_in
from services.core.intake import slot_from_event, take_in
from services.core.relocation import arrived
from services.sync_missing import MissingEvents, begin_listing
from services.sync_run import count_pulled, where
from services.sync_series import SeriesOfPage, bind_orphans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from services.core.events import EventPage, RemoteEvent
    from services.core.intake import Intake
    from services.core.ports import Calendars
    from services.core.records import GoogleCopy, SeriesLink, Slot
    from services.core.storage import Transaction
    from services.sync_run import CalendarRun

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Sorted:
    """The events of a page, by what has to be written for each."""

    new: list[Slot]
    taken_in: list[Intake]
    seen: list[Slot]
    to_refetch: list[Slot]

    def written(self) -> list[Slot]:
        """The slots whose events a client can see anew."""
        return [*self.new, *(intake.slot for intake in self.taken_in)]


class Puller:
    """Brings what happened in Google into the slots."""

    def __init__(self, *, calendars: Calendars) -> None:
        self._calendars = calendars
        self._missing = MissingEvents(calendars=calendars)

    async def pull(self, run: CalendarRun) -> None:
        """Read everything that changed since the cursor.

        Raises:
            VendorError: Google refused or did not answer; the cursor stands where the last whole page ended.
            LeaseLostError: Somebody else has the calendar now.
        """
        cursor = run.calendar.cursor
        if cursor.sync_token is not None and cursor.listing_page is None:
            try:
                await self._read_changes(run)
            except VendorError as error:
                if not _is_token_refused(error):
                    raise
                _log.info("sync token refused, listing everything", extra=where(run))
                begin_listing(run)
                await self._read_everything(run)
        else:
            if cursor.listing_page is None:
                begin_listing(run)
            await self._read_everything(run)

    async def _read_changes(self, run: CalendarRun) -> None:
        cursor, page_token = run.calendar.cursor, None
        while True:
            page = await self._calendars.changes(
                run.claim.user_id, run.claim.calendar_id, sync_token=cursor.sync_token, page_token=page_token
            )
            page_token = page.next_page_token
            if page_token is None:
                await self._apply(run, page, replace(cursor, sync_token=page.next_sync_token))
                return
            await self._apply(run, page, cursor)

    async def _read_everything(self, run: CalendarRun) -> None:
        restarted = False
        while True:
            cursor = run.calendar.cursor
            try:
                page = await self._calendars.changes(
                    run.claim.user_id, run.claim.calendar_id, sync_token=None, page_token=cursor.listing_page
                )
            except VendorError as error:
                if cursor.listing_page is None or not _is_token_refused(error) or restarted:
                    raise
                restarted = True
                begin_listing(run)
                continue
            if page.next_page_token is not None:
                await self._apply(run, page, replace(cursor, listing_page=page.next_page_token))
                continue
            # The cursor stays inside the listing until what is missing has been settled.
            await self._apply(run, page, cursor)
            if await self._missing.settle(run):
                run.move_to(Cursor(sync_token=page.next_sync_token, listing=run.calendar.cursor.listing))
                run.calendar = replace(run.calendar, progress=None)
                return

    async def _apply(self, run: CalendarRun, page: EventPage, cursor: Cursor) -> None:
        """Take a page in and move to `cursor`; a last page that changes nothing writes nothing."""
        run.calendar = replace(run.calendar, time_zone=page.time_zone)
        if not page.events and not page.unreadable and page.next_page_token is None:
            run.move_to(cursor)
            return
        listing = cursor.listing if cursor.sync_token is None else None
        now = run.clock.now()
        async with run.storing() as tx:
            await self._pass_over_unreadable(tx, run, page, listing=listing)
            sorted_events = await self._sort(tx, run, page.events, now=now, listing=listing)
            if sorted_events.new:
                await tx.slots.add(sorted_events.new)
                run.count(pulled=len(sorted_events.new))
            if sorted_events.taken_in:
                followed = await run.store(tx, sorted_events.taken_in, now=now)
                count_pulled(run, [*sorted_events.taken_in, *followed])
            if series := [slot for slot in sorted_events.written() if slot.is_series]:
                await bind_orphans(tx, run.claim.user_id, series)
            if sorted_events.to_refetch:
                # Clients see them waiting.
                await tx.slots.save(sorted_events.to_refetch)
            if listing is not None:
                await tx.slots.mark_seen(run.claim.user_id, [slot.id for slot in sorted_events.seen], listing)
                done = (run.calendar.progress or (0, None))[0] + len(page.events)
                run.calendar = replace(run.calendar, progress=(done, None))
            run.move_to(cursor)
            await tx.calendars.save_progress(run.claim, run.calendar)

    async def _pass_over_unreadable(
        self, tx: Transaction, run: CalendarRun, page: EventPage, *, listing: int | None
    ) -> None:
        """Report what cannot be understood; a slot of it stays as it is, and is not missing either."""
        if not page.unreadable:
            return
        for unreadable in page.unreadable:
            run.count(unreadable=1)
            _log.warning(
                "event not understood: %s", unreadable.reason, extra=where(run, event=unreadable.event_id)
            )
        if listing is not None:
            user_id, ids = run.claim.user_id, [each.event_id for each in page.unreadable]
            bound = await tx.slots.find_by_events(user_id, run.claim.calendar_id, ids)
            await tx.slots.mark_seen(user_id, [slot.id for slot in bound.values()], listing)

    async def _sort(
        self,
        tx: Transaction,
        run: CalendarRun,
        events: Sequence[RemoteEvent],
        *,
        now: datetime,
        listing: int | None,
    ) -> _Sorted:
        latest = _newest(events)
        bound = await self._find_bound(tx, run, latest)
        result = _Sorted([], [], [], [])
        given: set[UUID] = set()
        instances: list[RemoteEvent] = []
        for event_id, event in latest.items():
            slot = bound.get(event_id)
            if slot is not None:
                self._take_in(run, result, slot, event, now=now, listing=listing)
            elif event.instance is not None:
                instances.append(event)
            elif event.content is not None:
                slot_id = await self._id_for(tx, run, event, given=given)
                given.add(slot_id)
                self._add(run, result, event, slot_id, None, now=now, listing=listing)
        if instances:
            await self._sort_instances(tx, run, instances, bound, result, now=now, listing=listing)
        return result

    async def _sort_instances(
        self,
        tx: Transaction,
        run: CalendarRun,
        instances: Sequence[RemoteEvent],
        bound: Mapping[str, Slot],
        result: _Sorted,
        *,
        now: datetime,
        listing: int | None,
    ) -> None:
        """Exceptions that are new here, after their series."""
        known = {event_id: slot.id for event_id, slot in bound.items()}
        known.update((slot.google.event_id, slot.id) for slot in result.new if slot.google is not None)
        series = await SeriesOfPage.find(tx, run.claim.user_id, run.claim.calendar_id, instances, known)
        for event in instances:
            assert event.instance is not None  # noqa: S101  # that is why it is here
            made_here = series.exception(event.instance)
            if made_here is not None:
                self._take_in(run, result, made_here, event, now=now, listing=listing)
            else:
                link = series.link(event.instance)
                self._add(run, result, event, run.ids.uuid(), link, now=now, listing=listing)

    def _take_in(
        self,
        run: CalendarRun,
        result: _Sorted,
        slot: Slot,
        event: RemoteEvent,
        *,
        now: datetime,
        listing: int | None,
    ) -> None:
        if listing is not None:
            result.seen.append(slot)
        if _is_known(slot, event):
            return
        if _must_be_read_afresh(slot, event):
            if not slot.refetch:
                result.to_refetch.append(replace(slot, refetch=True))
            return
        result.taken_in.append(
            take_in(
                slot if listing is None else replace(slot, seen_listing=listing),
                event,
                now=now,
                clock_ahead=self._calendars.clock_ahead(),
                policy=run.policy.loop,
            )
        )

    def _add(
        self,
        run: CalendarRun,
        result: _Sorted,
        event: RemoteEvent,
        slot_id: UUID,
        series: SeriesLink | None,
        *,
        now: datetime,
        listing: int | None,
    ) -> None:
        created = slot_from_event(
            event,
            user_id=run.claim.user_id,
            slot_id=slot_id,
            calendar_id=run.claim.calendar_id,
            listing=listing or 0,
            now=now,
            series=series,
        )
        if created is not None:
            result.new.append(created)

    async def _find_bound(
        self, tx: Transaction, run: CalendarRun, events: dict[str, RemoteEvent]
    ) -> dict[str, Slot]:
        """The slots of these events: bound already, or under the id of an insert whose answer was lost."""
        bound = await tx.slots.find_by_events(run.claim.user_id, run.claim.calendar_id, list(events))
        made = {
            event_id: slot_id
            for event_id in events
            if event_id not in bound and (slot_id := slot_id_in(event_id)) is not None
        }
        if made:
            # By the id alone: the mark may be gone, and a copy of an event carries it under another id.
            found = await tx.slots.find_many(run.claim.user_id, set(made.values()))
            for event_id, slot_id in made.items():
                slot = found.get(slot_id)
                if slot is not None and slot.google is None and event_id == _own_event_id(slot, run):
                    bound[event_id] = slot
        unbound = [each for each in events if each not in bound and events[each].content is not None]
        for slot in await tx.slots.arriving(run.claim.user_id, run.claim.calendar_id, unbound):
            if slot.google is not None:
                bound[slot.google.event_id] = arrived(slot, run.claim.calendar_id)
        return bound

    async def _id_for(
        self, tx: Transaction, run: CalendarRun, event: RemoteEvent, *, given: set[UUID]
    ) -> UUID:
        """The id of a new slot; an event that we once made gets its own slot id back, if that is free."""
        slot_id = event.slot_id
        if slot_id is not None and slot_id not in given and slot_id == slot_id_in(event.event_id):
            taken = await tx.slots.find(run.claim.user_id, slot_id)
            if taken is None:
                return slot_id
        return run.ids.uuid()


def _own_event_id(slot: Slot, run: CalendarRun) -> str | None:
    """The id under which the run's calendar would have the slot's event."""
    return event_id_for(slot.id, slot.generation) if slot.calendar_id == run.claim.calendar_id else None


def _newest(events: Sequence[RemoteEvent]) -> dict[str, RemoteEvent]:
    """Each event once: it may stand twice in a listing that changes while it is read."""
    newest: dict[str, RemoteEvent] = {}
    for event in events:
        other = newest.get(event.event_id)
        if other is None or not _is_older(event, other.copy):
            newest[event.event_id] = event
    return newest


def _is_older(event: RemoteEvent, than: GoogleCopy) -> bool:
    listed, known = event.copy.updated_at, than.updated_at
    return listed is not None and known is not None and listed < known


def _is_known(slot: Slot, event: RemoteEvent) -> bool:
    """Whether the listed state is the one that was taken in last."""
    known = slot.google
    return (
        known is not None
        and slot.hold_id is None
        and known.etag == event.copy.etag
        and slot.base == event.content
        and (event.content is None or known.restriction == event.copy.restriction)
    )


def _must_be_read_afresh(slot: Slot, event: RemoteEvent) -> bool:
    """Whether a listed state must not be taken in as it stands.

    A quarantined slot waits. A state older than the one we know of is a stale read, and taking it in would
    revert an edit; so may one that is no newer and yet another. Google counts reminders as no change of the
    event, so two states with one etag may differ in them, and nothing tells which is newer.
    """
    if slot.quarantined_until is not None:
        return True
    if slot.moving_to is not None and event.content is None:
        # It may be what the move left behind.
        return True
    known = slot.google
    if known is None or slot.hold_id is not None:
        return False
    if known.etag == event.copy.etag:
        return slot.base != event.content
    return _is_older(event, known) or (
        known.updated_at is not None and event.copy.updated_at == known.updated_at
    )


def _is_token_refused(error: VendorError) -> bool:
    """Whether the token may be to blame, which Google says in more than one way: list without it and see."""
    return error.failure is FailureClass.NEEDS_RESYNC or error.status == HTTPStatus.BAD_REQUEST
