"""What ties slots to the events of a Google account, and how it ends.

Each function works inside a transaction of its caller, so that a tie never outlives what it belongs to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.core.calendar_entry import PRIMARY
from services.core.calendar_list import is_selected
from services.core.calendars import CalendarStatus, Cursor, has_lost_its_calendar
from services.core.edits import Edit, edit
from services.core.errors import PendingChangesError
from services.core.policy import LoopPolicy
from services.core.records import NO_LOOP, UNKNOWN_ETAG, HistoryEntry, SlotQuery
from services.core.series import rebased

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from services.core.calendars import CalendarSync
    from services.core.records import Slot
    from services.core.storage import Transaction

_BATCH = 200


async def all_slots(
    tx: Transaction, user_id: UUID, *, include_deleted: bool = False, calendar_id: str | None = None
) -> list[Slot]:
    """Every slot of a user, or of one calendar of the user's."""
    slots: list[Slot] = []
    query = SlotQuery(limit=_BATCH, include_deleted=include_deleted, calendar_id=calendar_id)
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

    Single slots will be pushed to it, and series with their exceptions; an instance of somebody's series that
    was never seen here stays in the account that had it. Only the primary calendar goes along: what the app
    put into others will be in the new account's primary one, and what came from them stays behind with them.
    Guests stay with the events of the account that is left: they would be invited twice.
    """
    slots = await all_slots(tx, user_id, include_deleted=True)
    uninvited = {
        each.slot.id: each for each in (_without_guests(slot, now) for slot in slots) if each.changes
    }
    slots = [uninvited[slot.id].slot if slot.id in uninvited else slot for slot in slots]
    by_id = {slot.id: slot for slot in slots}
    tied = [each for each in slots if each.google or each.base or each.calendar_id != PRIMARY]
    kept, left = [], []
    for slot in tied:
        series = by_id.get(slot.series.series_id) if slot.series and slot.series.series_id else None
        if slot.deleted_at is None and _stays_behind(slot, series):
            edited = edit(slot, None, now=now, policy=LoopPolicy())
            left.append(replace(edited, slot=replace(unbound(edited.slot), edited_at={}, notify="none")))
        else:
            fresh = unbound(slot) if series is None else rebased(slot, series.content, now=now)
            kept.append(replace(fresh, calendar_id=PRIMARY))
    if tied:
        history = [*(each for slot in kept if (each := uninvited.get(slot.id))), *left]
        await tx.slots.save([*kept, *(each.slot for each in left)], _history(history, now))
    for calendar in await tx.calendars.all_of(user_id):
        await tx.calendars.update(_of_another_account(calendar))


async def remove_google_slots(tx: Transaction, user_id: UUID, *, now: datetime) -> None:
    """Delete here what came from Google, and keep it there; the user is locked."""
    slots = await all_slots(tx, user_id)
    foreign = {slot.id for slot in slots if slot.source == "google"}
    removed = [
        _removed_here(slot, now)
        for slot in slots
        if slot.id in foreign or (slot.series is not None and slot.series.series_id in foreign)
    ]
    if removed:
        await tx.slots.save([each.slot for each in removed], _history(removed, now))


async def leave_calendar(tx: Transaction, calendar: CalendarSync, *, now: datetime) -> None:
    """Let what came from a calendar go with it, while Google keeps it; the user is locked.

    What the app made stays, and so does what holds an edit that Google does not have; each with the
    exceptions of its series. All of it stays bound, so that the calendar's return makes nothing double.

    Raises:
        PendingChangesError: Edits are on their way to Google, or deletions wait for a person.
    """
    slots = await all_slots(tx, calendar.user_id, include_deleted=True, calendar_id=calendar.calendar_id)
    if not has_lost_its_calendar(calendar):
        held = sum(slot.hold_id is not None for slot in slots)
        pending = sum(slot.hold_id is None and _is_on_its_way(slot) for slot in slots)
        if held or pending:
            raise PendingChangesError(calendar.calendar_id, pending=pending, held=held)
    staying = {slot.id for slot in slots if _stays_here(slot)}
    removed = [
        _removed_here(slot, now)
        for slot in slots
        if slot.deleted_at is None
        and not _stays_here(slot)
        and (slot.series is None or slot.series.series_id not in staying)
    ]
    if removed:
        await tx.slots.save([each.slot for each in removed], _history(removed, now))


def unbound(slot: Slot) -> Slot:
    """The slot without its Google copy; should it be pushed again, that is a new event."""
    return replace(
        slot,
        calendar_id=slot.wanted_calendar_id,
        moving_to=None,
        seen_listing=0,
        google=None,
        base=None,
        sent=None,
        refetch=False,
        failure=None,
        hold_id=None,
        quarantined_until=None,
        generation=slot.generation + 1,
    )


def _unless_only_looked_up(slot: Slot) -> Slot:
    """The slot; an exception that Google has not got yet without what its place was found to hold.

    That is an instance like any other, and no new link would find an exception of this name.
    """
    return replace(slot, google=None) if slot.google and slot.google.only_looked_up else slot


def _removed_here(slot: Slot, now: datetime) -> Edit:
    """The deleted slot of an event that Google keeps: nothing is to be pushed, and a new link finds it again.

    It stays bound, so that neither that nor restoring it makes a second one. It moves nowhere any more.
    """
    deletion = edit(_unless_only_looked_up(slot), None, now=now, policy=LoopPolicy())
    deleted, changes = deletion.slot, dict(deletion.changes)
    if slot.moving_to is not None:
        changes["calendar_id"] = {"before": slot.moving_to, "after": slot.calendar_id}
    removed = replace(
        unbound(deleted),
        calendar_id=deleted.calendar_id,
        google=deleted.google and replace(deleted.google, etag=UNKNOWN_ETAG, updated_at=None),
        generation=deleted.generation,
        edited_at={},
        notify="none",
        loop=NO_LOOP,
    )
    return Edit(removed, changes)


def _without_guests(slot: Slot, now: datetime) -> Edit:
    """The slot with nobody invited; of a slot that was never at Google, or has no guests, no change."""
    if slot.base is None or slot.local is None or not slot.content.attendees:
        return Edit(slot, {})
    return edit(slot, replace(slot.content, attendees=(), response=None), now=now, policy=LoopPolicy())


def _stays_behind(slot: Slot, series: Slot | None) -> bool:
    """Whether a slot belongs to the account that is left; an exception belongs where its series does."""
    if slot.series is not None:
        return series is None or _stays_behind(series, None)
    if slot.google is not None and slot.google.of_others:
        # Made anew, it would be the user's own event, to which the user invites all its guests.
        return True
    return slot.calendar_id != PRIMARY and slot.source == "google"


def _of_another_account(calendar: CalendarSync) -> CalendarSync:
    """A calendar of the account that was left, for the one that comes."""
    cursor = Cursor(listing=calendar.cursor.listing)
    fresh = replace(calendar, cursor=cursor, push_supported=True, is_default=False, entry=None)
    if calendar.calendar_id != PRIMARY:
        return replace(fresh, status=CalendarStatus.UNSELECTED)
    # Whoever had not selected the other account's has chosen nothing about this one.
    return replace(fresh, status=CalendarStatus.DISCONNECTED) if not is_selected(calendar) else fresh


def _is_on_its_way(slot: Slot) -> bool:
    """Whether the slot holds an edit that Google may still get."""
    return slot.push_at is not None and (slot.dirty or slot.sent is not None or slot.moving_to is not None)


def _stays_here(slot: Slot) -> bool:
    """Whether a slot outlives its calendar here."""
    return slot.source == "app" or slot.dirty or slot.sent is not None or slot.hold_id is not None


def _history(edits: list[Edit], now: datetime) -> list[HistoryEntry]:
    return [
        HistoryEntry(each.slot.user_id, each.slot.id, 0, now, "app", each.changes)
        for each in edits
        if each.changes
    ]
