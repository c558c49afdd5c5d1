"""What a client asked to see, with what it takes to show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.core.accounts import AccountStatus
from services.core.agenda import Entry
from services.core.errors import UnknownInstanceError
from services.core.recurrence import occurrence_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from services.core.agenda import Window
    from services.core.records import Slot
    from services.core.recurrence import OriginalStart
    from services.core.storage import Transaction


@dataclass(frozen=True, slots=True)
class SlotView:
    """Slots and instances of series with what is needed to show them."""

    entries: tuple[Entry, ...]
    account: AccountStatus
    """How the user stands with Google."""
    more: bool = False
    """Whether a list goes on behind the last entry."""

    @property
    def entry(self) -> Entry:
        """The only entry."""
        return self.entries[0]


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
    occurrence = occurrence_at(series.content.schedule, original_start)
    if occurrence is None:
        raise UnknownInstanceError(series.id, original_start)
    return SlotView((Entry(series, occurrence),), await account_status(tx, user_id))
