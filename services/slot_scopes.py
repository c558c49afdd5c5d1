"""Edits of what recurs, inside a transaction of the slot service: which slots an address means, and storing.

An instance is addressed by its series and its original start, whether somebody has made an exception of it or
not; an exception may be addressed by its own id as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.core.agenda import stands_in
from services.core.edits import Edit, edit, require_editable
from services.core.errors import (
    InvalidSlotError,
    ReadOnlySlotError,
    UnknownInstanceError,
    UnknownSlotError,
)
from services.core.frozen import replace
from services.core.records import HistoryEntry
from services.core.recurrence import accepted
from services.core.restrictions import DELETED, Restriction
from services.core.scoped_edits import ScopedEdit, Wish
from services.core.scopes import EditScope, edit_all, edit_following, edit_instance
from services.core.series import (
    by_original_start,
    coming_back,
    content_to_restore,
    has_place,
    instance_content,
    is_of_others,
    left_behind,
    rebased,
    standing_alone,
)
from services.core.slots import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias
    from uuid import UUID

    from services.core.records import Notify, Origin, Slot
    from services.core.recurrence import OriginalStart
    from services.core.scoped_edits import Circumstances
    from services.core.slots import SlotContent
    from services.core.storage import Transaction

    ContentEdit: TypeAlias = Callable[[SlotContent], SlotContent]
    """From the current content to the wanted one, recurrence aside; pure; raises `InvalidSlotError`."""


@dataclass(frozen=True, slots=True)
class SlotEdit:
    """A change of a slot."""

    content: ContentEdit
    calendar_id: str | None = None
    """`None`: where it is."""
    recurrence: tuple[str, ...] | None = None
    """The lines as the client wrote them; `None`: as they are."""
    notify: Notify = "none"
    ends_recurrence: bool = False
    """Whether empty lines are meant for a series as well when one of its instances is edited, which has none
    to begin with."""


@dataclass(frozen=True, slots=True)
class SlotAddress:
    """What a client edits: a slot, or one instance of a series."""

    slot_id: UUID
    original_start: OriginalStart | None = None
    scope: EditScope | None = None
    """`None`: the instance that is addressed, or else the whole slot."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an address means."""

    slot: Slot
    """The slot that is edited as a whole: a single one, a series, or the exception."""
    series: Slot | None = None
    """Set when an instance of a series is meant."""
    original_start: OriginalStart | None = None
    exceptions: tuple[Slot, ...] = ()
    """Of the series."""

    @property
    def exception(self) -> Slot | None:
        """The exception that stands for the instance, if there is one."""
        if self.original_start is None:
            return None
        return by_original_start(self.exceptions).get(self.original_start)

    @property
    def shown(self) -> Slot:
        """The slot whose version a client sees."""
        exception = self.exception
        if exception is not None and exception.deleted_at is None:
            return exception
        return self.slot


async def find_target(tx: Transaction, user_id: UUID, address: SlotAddress) -> Target:
    """Look up what an address means.

    Raises:
        UnknownSlotError: There is no such slot, or it is deleted.
        UnknownInstanceError: The series is deleted, or what is addressed recurs no more.
        InvalidSlotError: An instance of something that does not recur, or of no particular one.
    """
    slot = await tx.slots.find(user_id, address.slot_id)
    if slot is None or slot.deleted_at is not None:
        raise UnknownSlotError(address.slot_id)
    series, original_start = slot, address.original_start
    if slot.series is not None:
        if original_start not in (None, slot.series.original_start):
            raise InvalidSlotError("/query/instance", "This slot stands for another instance of its series.")
        owner = slot.series.series_id and await tx.slots.find(user_id, slot.series.series_id)
        if not owner or owner.deleted_at is not None:
            if address.scope in (EditScope.FOLLOWING, EditScope.ALL):
                raise InvalidSlotError(
                    "/query/scope",
                    "The series of this instance is not here; `this` is all that can be edited.",
                )
            return Target(slot)
        series, original_start = owner, slot.series.original_start
    if not series.is_series:
        if original_start is not None:
            raise UnknownInstanceError(series.id, original_start)
        return Target(slot)
    exceptions = tuple(await tx.slots.exceptions_of(user_id, {series.id}))
    if original_start is None:
        if address.scope in (EditScope.THIS, EditScope.FOLLOWING):
            raise InvalidSlotError("/query/instance", "Say which instance of the series is meant.")
        return Target(series, exceptions=exceptions)
    return Target(slot, series, original_start, exceptions)


def planned(
    target: Target, change: SlotEdit, scope: EditScope | None, with_: Circumstances
) -> ScopedEdit | None:
    """What an edit of something that recurs does; `None` for a slot that stands for itself.

    Raises:
        InvalidSlotError: The values do not fit together.
        UnknownInstanceError: There is no such instance.
        ReadOnlySlotError: Google does not let the app change that.
    """
    series = target.series
    if series is None:
        if target.slot.series is not None and change.recurrence:
            # Its series is not here, and still its event is one of an instance.
            raise InvalidSlotError("/recurrence", "One instance does not recur.")
        if not target.slot.is_series:
            return None
        return edit_all(target.slot, target.exceptions, None, _wish(target.slot.content, change), with_)
    assert target.original_start is not None  # noqa: S101  # it came with the series
    start = target.original_start
    if scope in (None, EditScope.THIS):
        if change.recurrence:
            raise InvalidSlotError("/recurrence", "One instance does not recur; use another scope.")
        current = (
            target.exception if target.exception is not None and not target.exception.deleted_at else None
        )
        content = current.content if current is not None else instance_content(series.content, start)
        if content is None:
            raise UnknownInstanceError(series.id, start)
        return edit_instance(series, target.exception, start, change.content(content), with_)
    instance = instance_content(series.content, start)
    if instance is None:
        raise UnknownInstanceError(series.id, start)
    if not change.ends_recurrence:
        change = replace(change, recurrence=change.recurrence or None)
    wish = _wish(instance, change)
    apply = edit_following if scope is EditScope.FOLLOWING else edit_all
    return apply(series, target.exceptions, start, wish, with_)


def planned_deletion(target: Target, scope: EditScope | None, with_: Circumstances) -> ScopedEdit | None:
    """What deleting something that recurs does; `None` for a slot that stands for itself.

    Raises:
        UnknownInstanceError: There is no such instance.
        ReadOnlySlotError: Google does not let the app delete that.
    """
    series = target.series
    if series is None:
        if not target.slot.is_series:
            return None
        return edit_all(target.slot, target.exceptions, None, None, with_)
    assert target.original_start is not None  # noqa: S101  # it came with the series
    start = target.original_start
    if scope in (None, EditScope.THIS):
        return edit_instance(series, target.exception, start, None, with_)
    apply = edit_following if scope is EditScope.FOLLOWING else edit_all
    return apply(series, target.exceptions, start, None, with_)


async def restored(
    tx: Transaction, user_id: UUID, address: SlotAddress, with_: Circumstances
) -> tuple[Slot, ScopedEdit]:
    """What bringing a deleted slot back does, and the slot as it is.

    Raises:
        UnknownSlotError: There is no such slot.
        UnknownInstanceError: There is no such cancelled instance.
        ReadOnlySlotError: Google does not let the app do that.
    """
    slot = await tx.slots.find(user_id, address.slot_id)
    if slot is None:
        raise UnknownSlotError(address.slot_id)
    if address.original_start is not None:
        exceptions = by_original_start(await tx.slots.exceptions_of(user_id, {slot.id}))
        if address.original_start not in exceptions:
            raise UnknownInstanceError(slot.id, address.original_start)
        slot = exceptions[address.original_start]
    owner = None
    if slot.series is not None and slot.series.series_id is not None:
        owner = await tx.slots.find(user_id, slot.series.series_id)
    content = content_to_restore(slot, owner)
    require_editable(slot, content)
    added = []
    if owner is not None and (not has_place(owner, slot) or await _is_taken(tx, owner, slot)):
        # What comes back is a slot by itself.
        if is_of_others(owner):
            raise ReadOnlySlotError(slot.id, Restriction.NOT_ORGANIZER, frozenset({DELETED}))
        if slot.google is not None:
            added.append(left_behind(slot, None, slot_id=with_.new_id(), now=with_.now))
        slot = standing_alone(slot)
    back = edit(slot, content, now=with_.now, policy=with_.policy, notify=with_.notify)
    result = ScopedEdit(back.slot, [back], added)
    if slot.is_series:
        for exception in await tx.slots.exceptions_of(user_id, {slot.id}):
            result.edits.extend(_back_with_series(exception, back.slot, with_))
    return slot, result


async def _is_taken(tx: Transaction, series: Slot, exception: Slot) -> bool:
    """Whether another exception stands in the place of one that vanished."""
    assert exception.series is not None  # noqa: S101  # exceptions have their link
    exceptions = await tx.slots.exceptions_of(series.user_id, {series.id})
    there = by_original_start(exceptions).get(exception.series.original_start)
    return there is not None and there.id != exception.id and stands_in(there)


def _back_with_series(exception: Slot, series: Slot, with_: Circumstances) -> list[Edit]:
    """An exception once its deleted series is back; which of both Google has by then is not its concern."""
    back = Edit(exception, {})
    if exception.series is not None and exception.series.went_along and has_place(series, exception):
        back = edit(coming_back(exception), exception.content, now=with_.now, policy=with_.policy)
    if series.base is None:
        there = rebased(back.slot, series.content, now=with_.now, revived=series.google is not None)
        back = Edit(there, exception.changes_to(there.local))
    return [] if back.slot == exception else [back]


async def store(
    tx: Transaction, planned: ScopedEdit, *, with_: Circumstances, origin: Origin = "app"
) -> Slot:
    """Store what an edit does; returns what the client edited as it was stored."""
    now = with_.now
    saved: list[Slot] = []
    if planned.edits:
        history = [
            HistoryEntry(each.slot.user_id, each.slot.id, 0, now, origin, each.changes)
            for each in planned.edits
            if each.changes
        ]
        saved += await tx.slots.save([each.slot for each in planned.edits], history)
    if planned.added:
        saved += await tx.slots.add(planned.added)
    return next((slot for slot in saved if slot.id == planned.shown.id), planned.shown)


def with_recurrence(
    content: SlotContent, recurrence: tuple[str, ...] | None, before: SlotContent
) -> SlotContent:
    """A content with the rules that a client wants, or those that it had.

    Raises:
        InvalidRecurrenceError: They are not valid.
    """
    lines = before.schedule.recurrence if recurrence is None else recurrence
    if recurrence is None and lines == content.schedule.recurrence:
        return content
    schedule = Schedule(content.schedule.span, lines)
    return replace(content, schedule=schedule if recurrence is None else accepted(schedule))


def _wish(content: SlotContent, change: SlotEdit) -> Wish:
    wanted = change.content(content)
    if change.recurrence is None:
        return Wish(wanted)
    schedule = accepted(Schedule(wanted.schedule.span, change.recurrence))
    return Wish(replace(wanted, schedule=schedule), schedule.recurrence)
