"""Slots together with what a client needs beside them: how the user stands with Google, names of series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.core.accounts import AccountStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from services.core.agenda import Entry, Window
    from services.core.records import Slot
    from services.core.storage import Transaction


@dataclass(frozen=True, slots=True)
class SlotView:
    """Slots with what is needed to show them."""

    slots: tuple[Slot, ...]
    account: AccountStatus
    """How the user stands with Google."""
    series: Mapping[tuple[str, str], UUID]
    """Slots of series by calendar and event id, for the exceptions among `slots`."""
    more: bool = False
    """Whether a list goes on behind the last slot."""

    @property
    def slot(self) -> Slot:
        """The only slot."""
        return self.slots[0]


@dataclass(frozen=True, slots=True)
class AgendaView:
    """What takes place, with what is needed to show it."""

    entries: tuple[Entry, ...]
    account: AccountStatus
    series: Mapping[tuple[str, str], UUID]
    """As in `SlotView`."""
    more: bool = False


async def exceptions_in(tx: Transaction, user_id: UUID, series: Sequence[Slot], window: Window) -> list[Slot]:
    """The exceptions whose original places lie in the window."""
    if not series:
        return []
    schedules = [slot.content.schedule for slot in series]
    longest = max(schedule.sort_end - schedule.sort_start for schedule in schedules)
    return await tx.slots.exceptions(
        user_id,
        starts_from=min(window.ends_after, window.all_day_ends_after) - longest,
        starts_before=max(window.starts_before, window.all_day_starts_before),
    )


async def account_status(tx: Transaction, user_id: UUID) -> AccountStatus:
    """How a user stands with Google; one who never linked an account counts as disconnected."""
    account = await tx.accounts.find(user_id)
    return account.status if account is not None else AccountStatus.DISCONNECTED


async def series_names(tx: Transaction, user_id: UUID, slots: Sequence[Slot]) -> dict[tuple[str, str], UUID]:
    """The slots of the series that exceptions among `slots` belong to, by calendar and event id."""
    wanted: dict[str, set[str]] = {}
    for slot in slots:
        if slot.google is not None and slot.google.recurring_event_id is not None:
            wanted.setdefault(slot.calendar_id, set()).add(slot.google.recurring_event_id)
    found: dict[tuple[str, str], UUID] = {}
    for calendar_id, event_ids in wanted.items():
        masters = await tx.slots.find_by_events(user_id, calendar_id, event_ids)
        for event_id, master in masters.items():
            found[calendar_id, event_id] = master.id
    return found


async def view_of(tx: Transaction, user_id: UUID, slots: Sequence[Slot]) -> SlotView:
    """Slots with what is needed to show them."""
    account = await account_status(tx, user_id)
    return SlotView(tuple(slots), account, await series_names(tx, user_id, slots))
