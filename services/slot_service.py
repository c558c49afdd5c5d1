"""What a client does to slots: every write is one transaction under the user's lock, and calls nobody.

A write makes the slot differ from what both sides last agreed on and marks its calendar due; bringing it to
Google is the sync's work. So a save never waits for Google, and never fails because of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from services.calendar_names import calendar_for_new_slot, stored_id
from services.core.accounts import AccountStatus
from services.core.agenda import agenda
from services.core.edits import edit, require_editable
from services.core.errors import InvalidSlotError, StaleEditError, UnknownSlotError
from services.core.records import HistoryEntry, Notify, Origin, Slot, SlotQuery, SyncState
from services.core.slots import FIELD_GROUPS, SlotContent
from services.slot_views import (
    AgendaView,
    SlotView,
    account_status,
    exceptions_in,
    series_names,
    view_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.core.agenda import Position, Window
    from services.core.policy import LoopPolicy
    from services.core.ports import Clock, Ids
    from services.core.storage import Transaction, UnitOfWork
    from services.signals import Signals

    ContentEdit: TypeAlias = Callable[[SlotContent], SlotContent]
    """From the current content to the wanted one; pure; raises `InvalidSlotError`."""

_UUID_LENGTH = 36
_ALL_SERIES = 10_000


@dataclass(frozen=True, slots=True)
class SlotDraft:
    """A slot to create."""

    content: SlotContent
    calendar_id: str | None = None
    """`None`: the default calendar."""
    notify: Notify = "none"


@dataclass(frozen=True, slots=True)
class SlotEdit:
    """A change of a slot."""

    content: ContentEdit
    calendar_id: str | None = None
    """`None`: where it is."""
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
            InvalidSlotError: The user has no such calendar, or did not select it.
            ReadOnlyCalendarError: The user may only read the calendar.
        """
        now = self._clock.now()
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            slot = Slot(
                user_id=user_id,
                id=self._ids.uuid(),
                calendar_id=await calendar_for_new_slot(tx, user_id, draft.calendar_id),
                content=draft.content,
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
        self, user_id: UUID, slot_id: UUID, change: SlotEdit, condition: VersionCondition | None = None
    ) -> SlotView:
        """Change a slot; an edit that changes nothing stores nothing.

        Raises:
            UnknownSlotError: There is no such slot, or it is deleted.
            StaleEditError: The condition does not hold.
            ReadOnlySlotError: Only Google can change it.
            InvalidSlotError: The values do not fit together.
        """
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            slot = await _existing(tx, user_id, slot_id, condition)
            require_editable(slot)
            calendar_id = change.calendar_id and await stored_id(tx, user_id, change.calendar_id)
            if calendar_id not in (None, slot.calendar_id):
                raise InvalidSlotError("/calendar_id", "A slot cannot move to another calendar yet.")
            view = await self._save(tx, slot, change.content(slot.content), change.notify, "app")
        self._announce(user_id)
        return view

    async def delete(
        self,
        user_id: UUID,
        slot_id: UUID,
        *,
        notify: Notify = "none",
        condition: VersionCondition | None = None,
    ) -> SlotView:
        """Delete a slot softly; Google's copy follows.

        Raises:
            UnknownSlotError: There is no such slot, or it is deleted already.
            StaleEditError: The condition does not hold.
            ReadOnlySlotError: Only Google can delete it.
        """
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            slot = await _existing(tx, user_id, slot_id, condition)
            require_editable(slot)
            view = await self._save(tx, slot, None, notify, "app")
        self._announce(user_id)
        return view

    async def restore(self, user_id: UUID, slot_id: UUID, *, notify: Notify = "none") -> SlotView:
        """Bring a deleted slot back.

        Raises:
            UnknownSlotError: There is no such slot, or it is not deleted.
            ReadOnlySlotError: It was Google's alone.
        """
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            slot = await tx.slots.find(user_id, slot_id)
            if slot is None or slot.deleted_at is None:
                raise UnknownSlotError(slot_id)
            require_editable(slot)
            view = await self._save(tx, slot, slot.content, notify, "restore")
        self._announce(user_id)
        return view

    async def get(self, user_id: UUID, slot_id: UUID, *, include_deleted: bool = False) -> SlotView:
        """One slot.

        Raises:
            UnknownSlotError: There is no such slot.
        """
        async with self._uow.reading() as tx:
            slot = await tx.slots.find(user_id, slot_id)
            if slot is None or (slot.deleted_at is not None and not include_deleted):
                raise UnknownSlotError(slot_id)
            return await view_of(tx, user_id, [slot])

    async def page(self, user_id: UUID, query: SlotQuery) -> SlotView:
        """The slots that a query asks for, at most `query.limit`."""
        async with self._uow.reading() as tx:
            account = await account_status(tx, user_id)
            asked = _stored_query(
                await _with_stored_id(tx, user_id, query), linked=account is not AccountStatus.DISCONNECTED
            )
            if asked is None:
                return SlotView((), account, {})
            found = await tx.slots.page(user_id, replace(asked, limit=query.limit + 1))
            slots = tuple(found[: query.limit])
            return SlotView(slots, account, await series_names(tx, user_id, slots), len(found) > query.limit)

    async def agenda(
        self, user_id: UUID, query: SlotQuery, window: Window, *, after: Position | None
    ) -> AgendaView:
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
            asked = _stored_query(
                await _with_stored_id(tx, user_id, query), linked=account is not AccountStatus.DISCONNECTED
            )
            if asked is None:
                return AgendaView((), account, {})
            singles = await tx.slots.page(
                user_id, replace(asked, recurring=False, after=behind, limit=query.limit + 1)
            )
            # A series goes on behind the end of its first occurrence.
            begun = replace(asked, recurring=True, ends_after=None, all_day_ends_after=None)
            series = await tx.slots.page(user_id, replace(begun, limit=_ALL_SERIES))
            exceptions = await exceptions_in(tx, user_id, series, window)
            found = tuple(islice(agenda(singles, series, exceptions, window, after=after), query.limit + 1))
            shown = found[: query.limit]
            names = await series_names(tx, user_id, [entry.slot for entry in shown])
            return AgendaView(shown, account, names, len(found) > query.limit)

    async def history(self, user_id: UUID, slot_id: UUID) -> list[HistoryEntry]:
        """What happened to a slot since it appeared, oldest first; a deleted one has a history too.

        Raises:
            UnknownSlotError: There is no such slot.
        """
        async with self._uow.reading() as tx:
            if await tx.slots.find(user_id, slot_id) is None:
                raise UnknownSlotError(slot_id)
            return await tx.slots.history(user_id, slot_id)

    async def _save(
        self, tx: Transaction, slot: Slot, content: SlotContent | None, notify: Notify, origin: Origin
    ) -> SlotView:
        now = self._clock.now()
        edited = edit(slot, content, now=now, policy=self._loop_policy, notify=notify)
        if not edited.changes:
            return await view_of(tx, slot.user_id, [slot])
        history = HistoryEntry(slot.user_id, slot.id, 0, now, origin, edited.changes)
        saved = await tx.slots.save([edited.slot], [history])
        await tx.calendars.mark_due(slot.user_id, slot.calendar_id, now=now, pull=False)
        return await view_of(tx, slot.user_id, saved)

    def _announce(self, user_id: UUID) -> None:
        self._signals.calendar_due()
        self._signals.user_changed(user_id)


async def _existing(
    tx: Transaction, user_id: UUID, slot_id: UUID, condition: VersionCondition | None
) -> Slot:
    slot = await tx.slots.find(user_id, slot_id)
    if slot is None or slot.deleted_at is not None:
        raise UnknownSlotError(slot_id)
    if condition is not None:
        condition.check(slot)
    return slot


async def _with_stored_id(tx: Transaction, user_id: UUID, query: SlotQuery) -> SlotQuery:
    if query.calendar_id is None:
        return query
    return replace(query, calendar_id=await stored_id(tx, user_id, query.calendar_id))


def _stored_query(query: SlotQuery, *, linked: bool) -> SlotQuery | None:
    """The query in terms of what is stored, where no slot is `local_only`; `None` when nothing can match."""
    if query.sync_state is SyncState.LOCAL_ONLY:
        return None if linked else replace(query, sync_state=SyncState.PENDING)
    if query.sync_state is SyncState.PENDING and not linked:
        return None
    return query
