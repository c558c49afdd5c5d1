"""What a client reads of slots: each answer is one consistent state."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from services.calendar_names import stored_id
from services.core.accounts import AccountStatus
from services.core.agenda import Entry, agenda
from services.core.records import SyncState
from services.slot_views import SlotView, account_status, find_entry, replaced_in

if TYPE_CHECKING:
    from services.core.agenda import Position, Window
    from services.core.records import HistoryEntry, Slot, SlotQuery
    from services.core.storage import Transaction, UnitOfWork
    from services.slot_scopes import SlotAddress

_UUID_LENGTH = 36
_BATCH = 1_000


class SlotReader:
    """Slots of one user at a time."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def get(self, user_id: UUID, address: SlotAddress, *, include_deleted: bool = False) -> SlotView:
        """One slot, or one instance of a series.

        Raises:
            UnknownSlotError: There is no such slot.
            UnknownInstanceError: There is no such instance.
        """
        async with self._uow.reading() as tx:
            entry = await find_entry(tx, user_id, address, include_deleted=include_deleted)
            return SlotView((entry,), await account_status(tx, user_id))

    async def page(self, user_id: UUID, query: SlotQuery) -> SlotView:
        """The slots that a query asks for, at most `query.limit`."""
        async with self._uow.reading() as tx:
            account = await account_status(tx, user_id)
            asked = await _stored_query(tx, user_id, query, account)
            if asked is None:
                return SlotView((), account)
            found = await tx.slots.page(user_id, replace(asked, limit=query.limit + 1))
            return SlotView(tuple(map(Entry, found[: query.limit])), account, len(found) > query.limit)

    async def agenda(
        self, user_id: UUID, query: SlotQuery, window: Window, *, after: Position | None
    ) -> SlotView:
        """What takes place in a window, series unrolled, at most `query.limit` entries.

        Args:
            user_id: Whose slots.
            query: Its window is `window`; `after` and `recurring` are not set.
            window: What entries must overlap.
            after: Only entries behind this.
        """
        behind = None if after is None else (after[0], UUID(after[1][:_UUID_LENGTH]))
        async with self._uow.reading() as tx:
            account = await account_status(tx, user_id)
            asked = await _stored_query(tx, user_id, query, account)
            if asked is None:
                return SlotView((), account)
            singles = await tx.slots.page(
                user_id, replace(asked, recurring=False, after=behind, limit=query.limit + 1)
            )
            # A series goes on behind the end of its first occurrence.
            begun = replace(asked, recurring=True, ends_after=None, all_day_ends_after=None)
            series = await _every(tx, user_id, begun)
            replaced = await replaced_in(tx, user_id, series, window)
            found = tuple(islice(agenda(singles, series, replaced, window, after=after), query.limit + 1))
            return SlotView(found[: query.limit], account, len(found) > query.limit)

    async def history(
        self, user_id: UUID, address: SlotAddress, *, after: int = 0, limit: int | None = None
    ) -> list[HistoryEntry]:
        """What happened to a slot after a sequence number, oldest first; a deleted one has a history too.

        An instance that nobody ever edited has none.

        Raises:
            UnknownSlotError: There is no such slot.
            UnknownInstanceError: There is no such instance.
        """
        async with self._uow.reading() as tx:
            entry = await find_entry(tx, user_id, address, include_deleted=True)
            if entry.occurrence is not None:
                return []
            return await tx.slots.history(user_id, entry.slot.id, after=after, limit=limit)


async def _every(tx: Transaction, user_id: UUID, query: SlotQuery) -> list[Slot]:
    """All slots that a query asks for, whatever its limit."""
    found: list[Slot] = []
    query = replace(query, limit=_BATCH)
    while True:
        page = await tx.slots.page(user_id, query)
        found.extend(page)
        if len(page) < _BATCH:
            return found
        query = replace(query, after=(page[-1].content.schedule.sort_start, page[-1].id))


async def _stored_query(
    tx: Transaction, user_id: UUID, query: SlotQuery, account: AccountStatus
) -> SlotQuery | None:
    """The query in terms of what is stored, where no slot is `local_only`; `None` when nothing can match."""
    if query.calendar_id is not None:
        query = replace(query, calendar_id=await stored_id(tx, user_id, query.calendar_id))
    linked = account is not AccountStatus.DISCONNECTED
    if query.sync_state is SyncState.LOCAL_ONLY:
        return None if linked else replace(query, sync_state=SyncState.PENDING)
    if query.sync_state is SyncState.PENDING and not linked:
        return None
    return query
