"""What an edit of a series is meant for, and what must be so as soon as it is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.core.agenda import original_instant
from services.core.recurrence import occurrence_at
from services.slot_reader import SlotReader
from tests.judges.series_sides import in_app, shown_in_app

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from services.core.agenda import Entry
    from services.core.records import Slot
    from services.core.storage import UnitOfWork
    from services.slot_scopes import SlotAddress
    from tests.simulation.account import Account


@dataclass(frozen=True, slots=True)
class Aim:
    """What an edit in the app is meant for, as its author sees it."""

    entry: Entry
    scope: str
    address: SlotAddress

    @property
    def whole(self) -> bool:
        """Whether it is about more than one instance, as its author sees it."""
        return self.scope in ("following", "all")

    @property
    def series_id(self) -> UUID | None:
        """The series of the instance or exception."""
        if self.entry.occurrence is not None:
            return self.entry.slot.id
        return self.entry.slot.series.series_id if self.entry.slot.series else None

    def as_shown(self, shown: Iterable[Entry]) -> Aim:
        """The aim; at an exception, which is a slot, where its series has taken it since it was chosen."""
        if self.entry.occurrence is not None:
            return self
        same = (each for each in shown if each.slot.id == self.entry.slot.id and each.occurrence is None)
        return replace(self, entry=next(same, self.entry))

    def of_all(self, shown: Iterable[Entry], series: Slot | None) -> Aim:
        """The aim; at all of a series where it means those that follow, and no instance is before.

        With the series goes an exception that has lost its place, wherever that was. A slot that recurs no
        more has none: what Google shows of it until it knows is an entry by itself, which is to stand alone.
        """
        if self.scope == "single" and series is not None and series.is_series:
            # The slot as a whole, though somebody has given it a rule meanwhile.
            return replace(self, scope="whole")
        here = _place(self.entry)
        if self.scope != "following" or series is None or here is None:
            return self
        for each in shown:
            place = _place(each)
            if (
                self._is_of_its_series(each)
                and place is not None
                and place < here
                and _is_instance(each, series)
            ):
                return self
        return replace(self, scope="all")

    def _is_of_its_series(self, entry: Entry) -> bool:
        return replace(self, entry=entry).series_id == self.series_id

    def means(self, entry: Entry) -> bool:
        """Whether the edit is about an entry of the agenda."""
        if self.scope == "single":
            return self.entry.slot.id == entry.slot.id
        if self.scope == "whole":
            return self.entry.slot.id in (entry.slot.id, replace(self, entry=entry).series_id)
        here, there = _place(self.entry), _place(entry)
        if entry.slot.id == self.entry.slot.id and here == there:
            return True
        other = replace(self, entry=entry)
        if self.series_id is None or other.series_id != self.series_id:
            return False
        if not self.whole:
            # An instance that somebody has made an exception of meanwhile.
            return here == there
        return self.scope == "all" or (here is not None and there is not None and there >= here)


async def agenda_of(store: UnitOfWork, account: Account) -> tuple[Entry, ...]:
    """What the app shows, as a transaction of this store sees it."""
    return await in_app(SlotReader(uow=store), account.user_id)


def nothing_moved(before: Iterable[Entry], after: Iterable[Entry]) -> None:
    """Whoever writes a text leaves alone when things take place, and what was cancelled."""
    places = [sorted(shown_in_app(each)[:3] for each in entries) for entries in (before, after)]
    assert places[0] == places[1], f"I2: a new text moved {places[0]} to {places[1]}"


def only_what_was_meant_is_gone(expected: Iterable[Entry], after: Iterable[Entry]) -> None:
    """Whoever deletes leaves the rest alone."""
    shown = [sorted(map(shown_in_app, entries)) for entries in (expected, after)]
    assert shown[0] == shown[1], f"I2: a deletion leaves {shown[1]} and not {shown[0]}"


def _place(entry: Entry) -> datetime | None:
    """The instance that an entry stands for."""
    if entry.occurrence is not None:
        return original_instant(entry.occurrence.original_start)
    return original_instant(entry.slot.series.original_start) if entry.slot.series else None


def _is_instance(entry: Entry, series: Slot) -> bool:
    """Whether the rules of a series have the instance that an entry stands for."""
    if entry.occurrence is not None:
        return True
    start = entry.slot.series.original_start if entry.slot.series else None
    return start is not None and occurrence_at(series.content.schedule, start) is not None
