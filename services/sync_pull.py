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
from services.core.event_ids import event_id_for, is_event_id_of
from services.core.intake import slot_from_event, take_in
from services.sync_missing import MissingEvents, new_listing
from services.sync_run import count_pulled, where

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from services.core.events import EventPage, RemoteEvent
    from services.core.intake import Intake
    from services.core.ports import Calendars
    from services.core.records import Slot
    from services.core.storage import Transaction, UnitOfWork
    from services.sync_run import CalendarRun

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Sorted:
    """The events of a page, by what has to be written for each."""

    new: list[Slot]
    taken_in: list[Intake]
    seen: list[Slot]
    to_refetch: list[Slot]


class Puller:
    """Brings what happened in Google into the slots."""

    def __init__(self, *, uow: UnitOfWork, calendars: Calendars) -> None:
        self._uow = uow
        self._calendars = calendars
        self._missing = MissingEvents(uow=uow, calendars=calendars)

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
                if error.failure is not FailureClass.NEEDS_RESYNC:
                    raise
                _log.info("sync token refused, listing everything", extra=where(run))
                run.move_to(new_listing(cursor))
                await self._read_everything(run)
        else:
            if cursor.listing_page is None:
                run.move_to(new_listing(cursor))
            await self._read_everything(run)

    async def _read_changes(self, run: CalendarRun) -> None:
        token, page_token = run.calendar.cursor.sync_token, None
        while True:
            page = await self._calendars.changes(
                run.claim.user_id, run.claim.calendar_id, sync_token=token, page_token=page_token
            )
            page_token = page.next_page_token
            if page_token is None:
                run.move_to(replace(run.calendar.cursor, sync_token=page.next_sync_token))
            await self._apply(run, page)
            if page_token is None:
                return

    async def _read_everything(self, run: CalendarRun) -> None:
        restarted = False
        while True:
            cursor = run.calendar.cursor
            try:
                page = await self._calendars.changes(
                    run.claim.user_id, run.claim.calendar_id, sync_token=None, page_token=cursor.listing_page
                )
            except VendorError as error:
                stale_page = (
                    error.failure is FailureClass.NEEDS_RESYNC or error.status == HTTPStatus.BAD_REQUEST
                )
                if cursor.listing_page is None or not stale_page or restarted:
                    raise
                restarted = True
                run.move_to(new_listing(cursor))
                continue
            if page.next_page_token is not None:
                run.move_to(replace(cursor, listing_page=page.next_page_token))
                await self._apply(run, page)
                continue
            # The cursor stays inside the listing until what is missing has been settled.
            await self._apply(run, page)
            if await self._missing.settle(run):
                run.move_to(Cursor(sync_token=page.next_sync_token, listing=run.calendar.cursor.listing))
                run.calendar = replace(run.calendar, progress=None)
                return

    async def _apply(self, run: CalendarRun, page: EventPage) -> None:
        """Take a page in; a page that changes nothing writes nothing."""
        run.calendar = replace(run.calendar, time_zone=page.time_zone)
        for unreadable in page.unreadable:
            run.count(unreadable=1)
            _log.warning(
                "event not understood: %s", unreadable.reason, extra=where(run, event=unreadable.event_id)
            )
        if not page.events:
            return
        listing = run.calendar.cursor.listing if _listing_under_way(run) else None
        now = run.clock.now()
        async with self._uow() as tx:
            await run.fence(tx)
            sorted_events = await self._sort(tx, run, page.events, now=now, listing=listing)
            if sorted_events.new:
                await tx.slots.add(sorted_events.new)
                run.count(pulled=len(sorted_events.new))
            if sorted_events.taken_in:
                await run.store(tx, sorted_events.taken_in, now=now)
                count_pulled(run, sorted_events.taken_in)
            if sorted_events.to_refetch:
                await tx.slots.save_silently(sorted_events.to_refetch)
            if listing is not None:
                await tx.slots.mark_seen(run.claim.user_id, [slot.id for slot in sorted_events.seen], listing)
                done = (run.calendar.progress or (0, None))[0] + len(page.events)
                run.calendar = replace(run.calendar, progress=(done, None))
            await tx.calendars.save_progress(run.claim, run.calendar)

    async def _sort(
        self,
        tx: Transaction,
        run: CalendarRun,
        events: Sequence[RemoteEvent],
        *,
        now: datetime,
        listing: int | None,
    ) -> _Sorted:
        # The same event may stand twice in a listing that changes while it is read; the later one is newer.
        latest = {event.event_id: event for event in events}
        bound = await self._find_bound(tx, run, latest)
        result = _Sorted([], [], [], [])
        for event_id, event in latest.items():
            slot = bound.get(event_id)
            if slot is None:
                created = slot_from_event(
                    event,
                    user_id=run.claim.user_id,
                    slot_id=await self._id_for(tx, run, event),
                    calendar_id=run.claim.calendar_id,
                    listing=listing or 0,
                    now=now,
                )
                if created is not None:
                    result.new.append(created)
                continue
            if listing is not None:
                result.seen.append(slot)
            if slot.google is not None and slot.google.etag == event.copy.etag and slot.hold_id is None:
                continue
            if _must_be_read_afresh(slot, event):
                if not slot.refetch:
                    result.to_refetch.append(replace(slot, refetch=True))
                continue
            result.taken_in.append(
                take_in(
                    slot if listing is None else replace(slot, seen_listing=listing),
                    event,
                    now=now,
                    clock_ahead=self._calendars.clock_ahead(),
                    policy=run.policy.loop,
                )
            )
        return result

    async def _find_bound(
        self, tx: Transaction, run: CalendarRun, events: dict[str, RemoteEvent]
    ) -> dict[str, Slot]:
        """The slots of these events: by event id, or by our own mark when an insert's answer was lost."""
        bound = await tx.slots.find_by_events(run.claim.user_id, run.claim.calendar_id, list(events))
        marked = {
            event.slot_id: event_id
            for event_id, event in events.items()
            if event_id not in bound and event.slot_id is not None
        }
        if marked:
            found = await tx.slots.find_many(run.claim.user_id, list(marked))
            for slot_id, slot in found.items():
                event_id = marked[slot_id]
                # An event that was copied in Google carries the mark of its original under another id.
                if slot.google is None and event_id == event_id_for(slot.id, slot.generation):
                    bound[event_id] = slot
        return bound

    async def _id_for(self, tx: Transaction, run: CalendarRun, event: RemoteEvent) -> UUID:
        """The id of a new slot; an event that we once made gets its own slot id back, if that is free."""
        if event.slot_id is not None and is_event_id_of(event.event_id, event.slot_id):
            taken = await tx.slots.find(run.claim.user_id, event.slot_id)
            if taken is None:
                return event.slot_id
        return run.ids.uuid()


def _must_be_read_afresh(slot: Slot, event: RemoteEvent) -> bool:
    """Whether a listed state must not be taken in as it stands.

    A quarantined slot waits. A state older than the one we know of is a stale read, and taking it in would
    revert an edit.
    """
    if slot.quarantined_until is not None:
        return True
    known = slot.google.updated_at if slot.google is not None else None
    listed = event.copy.updated_at
    return known is not None and listed is not None and listed < known


def _listing_under_way(run: CalendarRun) -> bool:
    return run.calendar.cursor.sync_token is None
