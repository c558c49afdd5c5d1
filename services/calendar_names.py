"""Which calendar a client means, inside a transaction of the caller.

The primary calendar answers to `primary` and to its real id; it is known here as `primary` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.calendar_entry import PRIMARY
from services.core.calendar_list import default_of, is_selected, role_of
from services.core.errors import InvalidSlotError, ReadOnlyCalendarError

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.storage import Transaction


async def stored_id(tx: Transaction, user_id: UUID, named: str) -> str:
    """The id under which a calendar is stored, whichever of its names is given; it need not exist.

    Until the list of calendars was read once, the account's address counts as the primary calendar's real id.

    Source: Calendar API guide "Calendars & events": the primary calendar's id usually is the address.
    """
    if named == PRIMARY:
        return PRIMARY
    primary = await tx.calendars.find(user_id, PRIMARY)
    if primary is not None and primary.entry is not None:
        real = primary.entry.id
    else:
        account = await tx.accounts.find(user_id)
        real = account.email if account is not None else PRIMARY
    return PRIMARY if named.casefold() == real.casefold() else named


async def calendar_for_new_slot(tx: Transaction, user_id: UUID, named: str | None) -> str:
    """The calendar of a slot that is to be made.

    Args:
        tx: The caller's.
        user_id: Whose slot.
        named: What the client said; `None`: the default calendar.

    Raises:
        InvalidSlotError: The user has no such calendar, or did not select it.
        ReadOnlyCalendarError: Google lets the user only read it.
    """
    calendars = {each.calendar_id: each for each in await tx.calendars.all_of(user_id)}
    calendar_id = default_of(calendars.values()) if named is None else await stored_id(tx, user_id, named)
    calendar = calendars.get(calendar_id)
    if calendar is None:
        # Before the first link there is no calendar, and slots wait for the primary one.
        if calendar_id == PRIMARY:
            return PRIMARY
        raise InvalidSlotError("/calendar_id", "There is no such calendar among those that are synced.")
    if not is_selected(calendar):
        raise InvalidSlotError("/calendar_id", "This calendar is not selected: PUT /calendars/{id}.")
    if calendar.entry is not None and not calendar.entry.writable:
        raise ReadOnlyCalendarError(calendar_id, role_of(calendar.entry))
    return calendar_id
