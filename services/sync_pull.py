"""The pull phase: read Google's changes page by page and take each page in, in one transaction.

The sync token is stored only with the last page. A full listing (the first, or after Google refused the
token) stores where it stands after each page, so that an import of any size goes on where it was stopped.
What a complete listing lacks was deleted, but only after a second look and after the deletion brake agreed.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from services.core.calendars import Cursor
from services.core.errors import FailureClass, VendorError
from services.core.frozen import replace
from services.sync_missing import MissingEvents, begin_listing
from services.sync_run import count_pulled, where
from services.sync_series import bind_orphans
from services.sync_sorting import PageSorter

if TYPE_CHECKING:
    from services.core.events import EventPage
    from services.core.ports import Calendars
    from services.core.storage import Transaction
    from services.sync_run import CalendarRun

_log = logging.getLogger(__name__)


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
        if page.time_zone != run.calendar.time_zone:
            run.calendar = replace(run.calendar, time_zone=page.time_zone)
        if not page.events and not page.unreadable and page.next_page_token is None:
            run.move_to(cursor)
            return
        listing = cursor.listing if cursor.sync_token is None else None
        now = run.clock.now()
        async with run.storing() as tx:
            await self._pass_over_unreadable(tx, run, page, listing=listing)
            ahead = self._calendars.clock_ahead()
            sorter = PageSorter(tx, run, now=now, clock_ahead=ahead, listing=listing)
            found = await sorter.sort(page.events)
            if found.new:
                await tx.slots.add(found.new)
                run.count(pulled=len(found.new))
            if found.to_refetch:
                # Clients see them waiting; what a series does to its exceptions comes after that.
                await tx.slots.save(found.to_refetch)
            if found.taken_in:
                followed = await run.store(tx, found.taken_in, now=now)
                count_pulled(run, [*found.taken_in, *followed])
            if series := [slot for slot in [*found.written(), *found.to_refetch] if slot.is_series]:
                await bind_orphans(tx, run.claim.user_id, series, now=now)
            if listing is not None:
                await tx.slots.mark_seen(run.claim.user_id, [slot.id for slot in found.seen], listing)
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


def _is_token_refused(error: VendorError) -> bool:
    """Whether the token may be to blame, which Google says in more than one way: list without it and see."""
    return error.failure is FailureClass.NEEDS_RESYNC or error.status == HTTPStatus.BAD_REQUEST
