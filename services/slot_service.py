"""What a client does to slots: every write is one transaction under the user's lock, and calls nobody.

A write makes the slot differ from what both sides last agreed on and marks its calendar due; bringing it to
Google is the sync's work. So a save never waits for Google, and never fails because of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.calendar_names import calendar_for_new_slot, stored_id
from services.core.edits import Edit, edit, require_editable
from services.core.errors import InvalidSlotError, StaleEditError, UnknownSlotError
from services.core.frozen import replace
from services.core.records import HistoryEntry, Notify, Slot
from services.core.relocation import relocation, require_movable
from services.core.scoped_edits import Circumstances, ScopedEdit
from services.core.scopes import EditScope
from services.core.slots import FIELD_GROUPS, SlotContent
from services.slot_scopes import (
    SlotAddress,
    SlotEdit,
    Target,
    find_target,
    planned,
    planned_deletion,
    restored,
    store,
    with_recurrence,
)
from services.slot_views import SlotView, view_of, view_of_instance
from services.sync_moves import take_exceptions_along

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.policy import LoopPolicy
    from services.core.ports import Clock, Ids
    from services.core.storage import Transaction, UnitOfWork
    from services.signals import Signals


@dataclass(frozen=True, slots=True)
class SlotDraft:
    """A slot to create."""

    content: SlotContent
    """Recurrence aside."""
    recurrence: tuple[str, ...] = ()
    """The lines as the client wrote them."""
    calendar_id: str | None = None
    """`None`: the default calendar."""
    notify: Notify = "none"


@dataclass(frozen=True, slots=True)
class VersionCondition:
    """Which versions of a slot an edit may apply to."""

    text: str
    """As the client wrote it."""
    versions: frozenset[int]

    def check(self, slot: Slot) -> None:
        """Let the edit pass.

        Raises:
            StaleEditError: The slot has another version.
        """
        if slot.version not in self.versions:
            raise StaleEditError(slot.id, expected=self.text, current=slot.version)


class SlotService:
    """Slots of one user at a time."""

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, ids: Ids, signals: Signals, loop_policy: LoopPolicy
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids
        self._signals = signals
        self._loop_policy = loop_policy

    async def create(self, user_id: UUID, draft: SlotDraft) -> SlotView:
        """Store a new slot.

        Raises:
            InvalidSlotError: No such calendar, or not a selected one, or the recurrence is not valid.
            ReadOnlyCalendarError: The user may only read the calendar.
        """
        now = self._clock.now()
        content = with_recurrence(draft.content, draft.recurrence, draft.content)
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            slot = Slot(
                user_id=user_id,
                id=self._ids.uuid(),
                calendar_id=await calendar_for_new_slot(tx, user_id, draft.calendar_id),
                content=content,
                source="app",
                created_at=now,
                updated_at=now,
                edited_at=dict.fromkeys(FIELD_GROUPS, now),
                notify=draft.notify,
            )
            saved = await tx.slots.add([slot])
            await tx.calendars.mark_due(user_id, slot.calendar_id, now=now, pull=False)
            view = await view_of(tx, user_id, saved)
        self._announce(user_id)
        return view

    async def edit(
        self,
        user_id: UUID,
        address: SlotAddress,
        change: SlotEdit,
        condition: VersionCondition | None = None,
    ) -> SlotView:
        """Change a slot, or instances of a series; an edit that changes nothing stores nothing.

        Raises:
            UnknownSlotError: There is no such slot, or it is deleted.
            UnknownInstanceError: There is no such instance.
            StaleEditError: The condition does not hold.
            ReadOnlySlotError: Google does not let the app change that.
            InvalidSlotError: The values do not fit together.
        """
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            target = await self._target(tx, user_id, address, condition)
            slot = target.slot
            destination = await _destination(tx, target, address, change)
            circumstances = self._circumstances(change.notify)
            scoped = planned(target, change, address.scope, circumstances)
            if scoped is None:
                content = with_recurrence(change.content(slot.content), change.recurrence, slot.content)
                require_editable(slot, content)
                edited = edit(
                    slot, content, now=circumstances.now, policy=self._loop_policy, notify=change.notify
                )
                if destination is not None:
                    edited = relocation(edited, destination, now=circumstances.now)
                view = await self._save(tx, edited, circumstances)
            else:
                view = await self._save_scoped(tx, target, scoped, address.scope, circumstances)
                if destination is not None:
                    moved = relocation(Edit(view.entry.slot, {}), destination, now=circumstances.now)
                    view = replace(await self._save(tx, moved, circumstances), written=view.written)
        self._announce(user_id)
        return view

    async def delete(
        self,
        user_id: UUID,
        address: SlotAddress,
        *,
        notify: Notify = "none",
        condition: VersionCondition | None = None,
    ) -> SlotView:
        """Delete a slot softly, or instances of a series; Google's copy follows.

        Raises:
            UnknownSlotError: There is no such slot, or it is deleted already.
            UnknownInstanceError: There is no such instance.
            StaleEditError: The condition does not hold.
            ReadOnlySlotError: Google does not let the app delete it.
        """
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            target = await self._target(tx, user_id, address, condition)
            circumstances = self._circumstances(notify)
            scoped = planned_deletion(target, address.scope, circumstances)
            if scoped is None:
                require_editable(target.slot, None)
                now = circumstances.now
                edited = edit(target.slot, None, now=now, policy=self._loop_policy, notify=notify)
                view = await self._save(tx, edited, circumstances)
            else:
                view = await self._save_scoped(tx, target, scoped, address.scope, circumstances)
        self._announce(user_id)
        return view

    async def restore(self, user_id: UUID, address: SlotAddress, *, notify: Notify = "none") -> SlotView:
        """Bring a deleted slot back; a series with the exceptions that were deleted along with it.

        Raises:
            UnknownSlotError: There is no such slot, or it is not deleted.
            ReadOnlySlotError: It was Google's alone.
        """
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            circumstances = self._circumstances(notify)
            slot, scoped = await restored(tx, user_id, address, circumstances)
            if slot.deleted_at is None:
                raise UnknownSlotError(slot.id)
            saved = await store(tx, scoped, with_=circumstances, origin="restore")
            await tx.calendars.mark_due(user_id, slot.calendar_id, now=circumstances.now, pull=False)
            view = await _view_of_edit(tx, user_id, saved, scoped)
        self._announce(user_id)
        return view

    async def _target(
        self, tx: Transaction, user_id: UUID, address: SlotAddress, condition: VersionCondition | None
    ) -> Target:
        target = await find_target(tx, user_id, address)
        if condition is not None:
            condition.check(target.shown)
        return target

    def _circumstances(self, notify: Notify) -> Circumstances:
        return Circumstances(self._clock.now(), self._ids.uuid, self._loop_policy, notify)

    async def _save(self, tx: Transaction, edited: Edit, circumstances: Circumstances) -> SlotView:
        slot, now = edited.slot, circumstances.now
        if not edited.changes:
            return await view_of(tx, slot.user_id, [slot])
        history = HistoryEntry(slot.user_id, slot.id, 0, now, "app", edited.changes)
        saved = await tx.slots.save([slot], [history])
        if "calendar_id" in edited.changes:
            await take_exceptions_along(tx, slot)
        left = edited.changes.get("calendar_id", {}).get("before", slot.calendar_id)
        for calendar_id in {left, slot.calendar_id, slot.wanted_calendar_id}:
            await tx.calendars.mark_due(slot.user_id, calendar_id, now=now, pull=False)
        return await view_of(tx, slot.user_id, saved)

    async def _save_scoped(
        self,
        tx: Transaction,
        target: Target,
        scoped: ScopedEdit,
        scope: EditScope | None,
        circumstances: Circumstances,
    ) -> SlotView:
        user_id, start = target.slot.user_id, target.original_start
        shown = await store(tx, scoped, with_=circumstances)
        if scoped.edits or scoped.added:
            calendar_id = target.slot.calendar_id
            await tx.calendars.mark_due(user_id, calendar_id, now=circumstances.now, pull=False)
        elif start is not None and shown.is_series and scope in (None, EditScope.THIS):
            return await view_of_instance(tx, user_id, shown, start)
        return await _view_of_edit(tx, user_id, shown, scoped)

    def _announce(self, user_id: UUID) -> None:
        self._signals.calendar_due()
        self._signals.user_changed(user_id)


async def _destination(tx: Transaction, target: Target, address: SlotAddress, change: SlotEdit) -> str | None:
    """Where an edit wants the slot to be; `None`: where it is.

    Raises:
        InvalidSlotError: No such calendar, or not a selected one, or part of a series.
        ReadOnlyCalendarError: Google lets the user only read the calendar.
        ReadOnlySlotError: Google does not move such an event.
        SlotMovingError: It is on its way to yet another calendar.
    """
    slot = target.slot if target.series is None else target.series
    if change.calendar_id is None:
        return None
    named = await stored_id(tx, slot.user_id, change.calendar_id)
    if named == slot.wanted_calendar_id:
        return None
    if target.original_start is not None and address.scope is not EditScope.ALL:
        raise InvalidSlotError("/calendar_id", "Only a whole series can move to another calendar.")
    require_movable(slot)
    return await calendar_for_new_slot(tx, slot.user_id, named)


async def _view_of_edit(tx: Transaction, user_id: UUID, shown: Slot, scoped: ScopedEdit) -> SlotView:
    touched = (*(each.slot for each in scoped.edits), *scoped.added)
    written = tuple(slot.id for slot in touched if slot.id != shown.id)
    return replace(await view_of(tx, user_id, [shown]), written=written)
