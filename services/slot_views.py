"""What a client asked to see, with what it takes to show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.core.accounts import AccountStatus
from services.core.agenda import Entry, stands_in
from services.core.errors import UnknownInstanceError, UnknownSlotError
from services.core.recurrence import InvalidRecurrenceError, occurrence_at
from services.core.series import by_original_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from services.core.agenda import Replaced, Window
    from services.core.records import Slot
    from services.core.recurrence import OriginalStart
    from services.core.storage import Transaction
    from services.slot_scopes import SlotAddress


@dataclass(frozen=True, slots=True)
class SlotView:
    """Slots and instances of series with what is needed to show them."""

    entries: tuple[Entry, ...]
    account: AccountStatus
    """How the user stands with Google."""
    more: bool = False
    """Whether a list goes on behind the last entry."""
    written: tuple[UUID, ...] = ()
    """After a write: the slots that have to reach Google now, the one that is shown aside."""

    @property
    def entry(self) -> Entry:
        """The only entry."""
        return self.entries[0]


async def replaced_in(tx: Transaction, user_id: UUID, series: Sequence[Slot], window: Window) -> Replaced:
    """The instances with places in the window that exceptions stand for."""
    if not series:
        return {}
    schedules = [slot.content.schedule for slot in series]
    longest = max(schedule.sort_end - schedule.sort_start for schedule in schedules)
    return await tx.slots.replaced_instances(
        user_id,
        starts_from=min(window.ends_after, window.all_day_ends_after) - longest,
        starts_before=max(window.starts_before, window.all_day_starts_before),
    )


async def account_status(tx: Transaction, user_id: UUID) -> AccountStatus:
    """How a user stands with Google; one who never linked an account counts as disconnected."""
    account = await tx.accounts.find(user_id)
    return account.status if account is not None else AccountStatus.DISCONNECTED


async def view_of(tx: Transaction, user_id: UUID, slots: Iterable[Slot]) -> SlotView:
    """Slots with what is needed to show them."""
    return SlotView(tuple(map(Entry, slots)), await account_status(tx, user_id))


async def view_of_instance(
    tx: Transaction, user_id: UUID, series: Slot, original_start: OriginalStart
) -> SlotView:
    """An instance that no exception stands for.

    Raises:
        UnknownInstanceError: The series has no such instance.
    """
    return SlotView((_plain_instance(series, original_start),), await account_status(tx, user_id))


async def find_entry(
    tx: Transaction, user_id: UUID, address: SlotAddress, *, include_deleted: bool = False
) -> Entry:
    """What an address shows: a slot, the exception that stands for an instance, or an instance as it is.

    Raises:
        UnknownSlotError: There is no such slot.
        UnknownInstanceError: There is no such instance, or it is cancelled.
    """
    slot, start = await tx.slots.find(user_id, address.slot_id), address.original_start
    if slot is None or (slot.deleted_at is not None and not include_deleted):
        raise UnknownSlotError(address.slot_id)
    if start is None or (slot.series is not None and slot.series.original_start == start):
        return Entry(slot)
    exception = by_original_start(await tx.slots.exceptions_of(user_id, {slot.id})).get(start)
    if exception is None or not stands_in(exception):
        return _plain_instance(slot, start)
    if exception.deleted_at is not None and not include_deleted:
        raise UnknownInstanceError(slot.id, start)
    return Entry(exception)


def _plain_instance(series: Slot, original_start: OriginalStart) -> Entry:
    try:
        occurrence = occurrence_at(series.content.schedule, original_start) if series.is_series else None
    except InvalidRecurrenceError:
        # A rule of Google's that nobody here can read; the series is shown at its own start.
        occurrence = None
    if occurrence is None:
        raise UnknownInstanceError(series.id, original_start)
    return Entry(series, occurrence)
