"""What ties slots to the events of a Google account, and how it ends.

Each function works inside a transaction of its caller, so that a tie never outlives what it belongs to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.core.calendars import Cursor
from services.core.edits import edit
from services.core.policy import LoopPolicy
from services.core.records import NO_LOOP, UNKNOWN_ETAG, EventKind, HistoryEntry, SlotQuery

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from services.core.edits import Edit
    from services.core.records import Slot
    from services.core.storage import Transaction

_BATCH = 200


async def all_slots(tx: Transaction, user_id: UUID, *, include_deleted: bool = False) -> list[Slot]:
    """Every slot of a user."""
    slots: list[Slot] = []
    query = SlotQuery(limit=_BATCH, include_deleted=include_deleted)
    while True:
        page = await tx.slots.page(user_id, query)
        slots.extend(page)
        if len(page) < _BATCH:
            return slots
        last = page[-1]
        query = replace(query, after=(last.content.schedule.sort_start, last.id))


async def forget_cursors(tx: Transaction, user_id: UUID) -> None:
    """Let the user's calendars be listed in full next."""
    for calendar in await tx.calendars.all_of(user_id):
        await tx.calendars.update(replace(calendar, cursor=Cursor(listing=calendar.cursor.listing)))


async def leave_account(tx: Transaction, user_id: UUID, *, now: datetime) -> None:
    """Make all slots new to another account, in the transaction that stores it; the user is locked.

    Single slots will be pushed to it; what was a series of the other account's, or part of one, stays there.
    """
    slots = await all_slots(tx, user_id, include_deleted=True)
    bound = [slot for slot in slots if slot.google is not None or slot.base is not None]
    partial = [slot for slot in bound if slot.deleted_at is None and _is_partial(slot)]
    left = {slot.id: edit(slot, None, now=now, policy=LoopPolicy()) for slot in partial}
    gone = [replace(unbound(each.slot), edited_at={}, notify="none") for each in left.values()]
    if bound:
        kept = [unbound(slot) for slot in bound if slot.id not in left]
        await tx.slots.save([*kept, *gone], _history(list(left.values()), now))
    for calendar in await tx.calendars.all_of(user_id):
        cursor = Cursor(listing=calendar.cursor.listing)
        await tx.calendars.update(replace(calendar, cursor=cursor, push_supported=True))


async def remove_google_slots(tx: Transaction, user_id: UUID, *, now: datetime) -> None:
    """Delete here what came from Google, and keep it there; the user is locked."""
    edits = [
        edit(slot, None, now=now, policy=LoopPolicy())
        for slot in await all_slots(tx, user_id)
        if slot.source == "google"
    ]
    if edits:
        await tx.slots.save([_removed_here(each.slot) for each in edits], _history(edits, now))


def unbound(slot: Slot) -> Slot:
    """The slot without its Google copy; should it be pushed again, that is a new event."""
    return replace(
        slot,
        google=None,
        base=None,
        sent=None,
        refetch=False,
        failure=None,
        hold_id=None,
        quarantined_until=None,
        generation=slot.generation + 1,
    )


def _removed_here(slot: Slot) -> Slot:
    """The deleted slot of an event that Google keeps: nothing is to be pushed, and a new link finds it again.

    It stays bound, so that neither that nor restoring it makes a second one.
    """
    google = slot.google and replace(slot.google, etag=UNKNOWN_ETAG, updated_at=None)
    return replace(
        unbound(slot), google=google, generation=slot.generation, edited_at={}, notify="none", loop=NO_LOOP
    )


def _is_partial(slot: Slot) -> bool:
    return slot.google is not None and slot.google.kind is not EventKind.SINGLE


def _history(edits: list[Edit], now: datetime) -> list[HistoryEntry]:
    return [HistoryEntry(each.slot.user_id, each.slot.id, 0, now, "app", each.changes) for each in edits]
