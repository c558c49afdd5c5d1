"""When a user is busy, over all calendars."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING

from services.calendar_names import stored_id
from services.core.agenda import Entry, Window, agenda
from services.core.calendar_entry import PRIMARY
from services.core.errors import UnknownCalendarError
from services.core.free_busy import ANY_ZONE, Interval, busy_intervals, free_intervals, merged
from services.core.records import SlotQuery
from services.core.recurrence.lines import find_zone
from services.slot_views import replaced_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta, tzinfo
    from uuid import UUID

    from services.core.agenda import Replaced
    from services.core.records import Slot
    from services.core.storage import Transaction, UnitOfWork

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class FreeBusyQuery:
    """What is asked for."""

    window: Interval
    at_least: timedelta | None = None
    """The shortest free time that is of use; `None`: free time is not asked for."""
    calendar_id: str | None = None
    """`None`: all calendars."""
    zone: tzinfo | None = None
    """Where the dates of all-day slots begin and end; `None`: in the zone of their calendar, or in UTC."""


@dataclass(frozen=True, slots=True)
class FreeBusy:
    """The answer, in order."""

    busy: list[Interval]
    free: list[Interval] | None
    """`None` when it was not asked for."""


class FreeBusyService:
    """Busy and free time of one user at a time."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def find(self, user_id: UUID, query: FreeBusyQuery) -> FreeBusy:
        """Busy time, and free time where it is asked for.

        Raises:
            UnknownCalendarError: The user has no calendar of the id that was asked for.
        """
        window = query.window
        around = Window(
            ends_after=window.start,
            starts_before=window.end,
            all_day_ends_after=window.start - ANY_ZONE,
            all_day_starts_before=window.end + ANY_ZONE,
        )
        busy: list[Interval] = []
        async with self._uow.reading() as tx:
            if query.calendar_id is not None:
                query = replace(query, calendar_id=await stored_id(tx, user_id, query.calendar_id))
            zone_of = await _zones(tx, user_id, query)
            for_all = SlotQuery(
                starts_before=around.starts_before,
                all_day_starts_before=around.all_day_starts_before,
                calendar_id=query.calendar_id,
                limit=_PAGE,
            )
            singles = replace(
                for_all,
                recurring=False,
                ends_after=around.ends_after,
                all_day_ends_after=around.all_day_ends_after,
            )
            while page := await tx.slots.page(user_id, singles):
                busy = merged((*busy, *busy_intervals(map(Entry, page), window, zone_of)))
                if len(page) < _PAGE:
                    break
                singles = replace(singles, after=_behind(page))
            series = replace(for_all, recurring=True)
            while page := await tx.slots.page(user_id, series):
                replaced = await replaced_in(tx, user_id, page, around)
                # Another thread, since a page of series may have tens of thousands of occurrences.
                unrolled = await asyncio.to_thread(_unrolled, page, replaced, around, window, zone_of)
                busy = merged((*busy, *unrolled))
                if len(page) < _PAGE:
                    break
                series = replace(series, after=_behind(page))
        free = None if query.at_least is None else free_intervals(busy, window, query.at_least)
        return FreeBusy(busy, free)


def _unrolled(
    series: list[Slot],
    replaced: Replaced,
    around: Window,
    window: Interval,
    zone_of: Callable[[str], tzinfo],
) -> list[Interval]:
    return busy_intervals(agenda((), series, replaced, around), window, zone_of)


def _behind(page: list[Slot]) -> tuple[datetime, UUID]:
    return page[-1].content.schedule.sort_start, page[-1].id


async def _zones(tx: Transaction, user_id: UUID, query: FreeBusyQuery) -> Callable[[str], tzinfo]:
    calendars = await tx.calendars.all_of(user_id)
    zones = {each.calendar_id: find_zone(each.time_zone) for each in calendars if each.time_zone is not None}
    # Without Google there is the default calendar all the same.
    known = {PRIMARY, *(each.calendar_id for each in calendars)}
    if query.calendar_id is not None and query.calendar_id not in known:
        raise UnknownCalendarError(query.calendar_id)
    return lambda calendar_id: query.zone or zones.get(calendar_id) or UTC
