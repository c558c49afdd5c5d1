"""Which of a user's Google calendars take part in the sync, and which of them is the default.

Google's list says what there is; the sync states say what was chosen, and remember what the list said, so
that an answer is possible while Google is away. A calendar that is taken out keeps its sync state, marked as
unselected: what is bound to it stays bound, and its return finds everything again under the same ids.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.bindings import leave_calendar
from services.calendar_names import stored_id
from services.core.accounts import AccountStatus
from services.core.calendar_entry import PRIMARY
from services.core.calendar_list import CalendarChoice, choices, chosen, default_of, is_selected
from services.core.calendars import CalendarStatus, CalendarSync, Cursor
from services.core.errors import (
    CalendarListScopeError,
    GoogleNotConnectedError,
    ReauthorisationRequiredError,
    UnknownCalendarError,
    VendorError,
)

if TYPE_CHECKING:
    from uuid import UUID

    from services.channel_service import ChannelService
    from services.core.calendar_entry import CalendarEntry
    from services.core.errors import DomainError
    from services.core.ports import Calendars, Clock
    from services.core.storage import Transaction, UnitOfWork
    from services.signals import Signals

_log = logging.getLogger(__name__)
_MISSING_SCOPE = "insufficientPermissions"


@dataclass(frozen=True, slots=True)
class CalendarOverview:
    """A user's calendars."""

    calendars: tuple[CalendarChoice, ...]
    unread: DomainError | None
    """Why Google's list could not be read, so that the calendars are those known from before."""


class CalendarSelection:
    """Lists and chooses calendars of one user at a time."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        calendars: Calendars,
        channels: ChannelService,
        clock: Clock,
        signals: Signals,
    ) -> None:
        self._uow = uow
        self._calendars = calendars
        self._channels = channels
        self._clock = clock
        self._signals = signals

    async def overview(self, user_id: UUID) -> CalendarOverview:
        """Google's list joined with what was chosen; what is known, when Google cannot be asked."""
        listed, unread = None, None
        try:
            listed = await self._listed(user_id)
        except (
            VendorError,
            CalendarListScopeError,
            GoogleNotConnectedError,
            ReauthorisationRequiredError,
        ) as error:
            _log.info("calendars not listed: %s", error, extra={"user_id": str(user_id)})
            unread = error
        async with self._uow.reading() as tx:
            calendars = await tx.calendars.all_of(user_id)
        return CalendarOverview(tuple(choices(calendars, listed)), unread)

    async def choose(
        self, user_id: UUID, named: str, *, selected: bool | None, default: bool | None
    ) -> CalendarChoice:
        """Take a calendar into the sync or out of it, or make it the default.

        Args:
            user_id: Whose calendar.
            named: `primary`, or Google's id.
            selected: `True` begins its sync, `False` ends it: what came from it leaves, and comes back with
                it; nothing is touched at Google. `None`: as it is.
            default: `True` makes it the one for slots that name none. `None`: as it is.

        Raises:
            UnknownCalendarError: The user's list at Google has no such calendar.
            DefaultCalendarError: The default calendar cannot cease to be it, another one can become it.
            CalendarNotSelectedError: Only a calendar that takes part can be the default.
            ReadOnlyCalendarError: Only a calendar in which the user may write can be the default.
            PendingChangesError: The calendar holds what would not reach Google any more.
            CalendarListScopeError: It takes Google's list to begin, and the user did not allow that.
            GoogleNotConnectedError: It takes Google to begin, and there is no usable account.
            ReauthorisationRequiredError: So, and the account has to be linked again.
            VendorError: So, and Google refused or did not answer.
        """
        async with self._uow.reading() as tx:
            calendar_id = await stored_id(tx, user_id, named)
            known = await tx.calendars.find(user_id, calendar_id)
        listed = None
        if known is None or (selected and not is_selected(known)):
            listed = await self._listed_for(user_id, calendar_id)
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            calendar_id = await stored_id(tx, user_id, named)
            before = await _choice(tx, user_id, calendar_id, listed)
            wanted = chosen(before, selected=selected, default=default)
            if wanted.selected and not before.selected:
                await self._take_in(tx, user_id, wanted)
            elif before.selected and not wanted.selected:
                await self._take_out(tx, user_id, calendar_id)
            if wanted.is_default and not before.is_default:
                await _make_default(tx, user_id, calendar_id)
            after = await _choice(tx, user_id, calendar_id, listed)
        if before.selected and not after.selected:
            await self._channels.stop_for(user_id, calendar_id)
        self._signals.calendar_due()
        self._signals.user_changed(user_id)
        return after

    async def _listed(self, user_id: UUID) -> list[CalendarEntry]:
        """Google's list, noted with the calendars that are known here."""
        async with self._uow.reading() as tx:
            account = await tx.accounts.find(user_id)
        if account is None or account.status is AccountStatus.DISCONNECTED:
            raise GoogleNotConnectedError(user_id, account.status if account else "never")
        try:
            entries = await self._calendars.calendar_list(user_id)
        except VendorError as error:
            if error.reason == _MISSING_SCOPE:
                raise CalendarListScopeError from error
            raise
        await self._note(user_id, {entry.stored_id: entry for entry in entries})
        return entries

    async def _listed_for(self, user_id: UUID, calendar_id: str) -> list[CalendarEntry] | None:
        """As `_listed`; the primary calendar is there also when the list may not be read."""
        try:
            return await self._listed(user_id)
        except CalendarListScopeError:
            if calendar_id != PRIMARY:
                raise
            return None

    async def _note(self, user_id: UUID, entries: dict[str, CalendarEntry]) -> None:
        async with self._uow.reading() as tx:
            calendars = await tx.calendars.all_of(user_id)
        if all(entries.get(each.calendar_id) in (None, each.entry) for each in calendars):
            return
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            for calendar in await tx.calendars.all_of(user_id):
                entry = entries.get(calendar.calendar_id)
                if entry is not None and entry != calendar.entry:
                    await tx.calendars.save_traits(replace(calendar, entry=entry))

    async def _take_in(self, tx: Transaction, user_id: UUID, choice: CalendarChoice) -> None:
        """Begin, or begin again with a full listing; channel and first sync follow as for any calendar."""
        account, now = await tx.accounts.find(user_id), self._clock.now()
        if account is None or account.status is not AccountStatus.CONNECTED:
            raise GoogleNotConnectedError(user_id, account.status if account else "never")
        calendar = await tx.calendars.find(user_id, choice.calendar_id)
        if calendar is None:
            fresh = CalendarSync(user_id=user_id, calendar_id=choice.calendar_id, entry=choice.entry)
            await tx.calendars.add(replace(fresh, due_at=now, pull_due_at=now, dirty_seq=1))
            return
        again = replace(
            calendar,
            cursor=Cursor(listing=calendar.cursor.listing),
            push_supported=True,
            progress=None,
            last_error=None,
            entry=choice.entry,
        )
        await tx.calendars.update(again)
        await tx.calendars.set_status(user_id, CalendarStatus.ACTIVE, now=now, calendar_id=choice.calendar_id)

    async def _take_out(self, tx: Transaction, user_id: UUID, calendar_id: str) -> None:
        now = self._clock.now()
        calendar = await tx.calendars.find(user_id, calendar_id)
        assert calendar is not None  # noqa: S101  # only what is known can be selected
        # A run that is under way loses its lease first, so that it stores nothing any more.
        await tx.calendars.set_status(user_id, CalendarStatus.UNSELECTED, now=now, calendar_id=calendar_id)
        await leave_calendar(tx, calendar, now=now)


async def _choice(
    tx: Transaction, user_id: UUID, calendar_id: str, listed: list[CalendarEntry] | None
) -> CalendarChoice:
    calendars = await tx.calendars.all_of(user_id)
    for choice in choices(calendars, listed):
        if choice.calendar_id == calendar_id:
            return choice
    if calendar_id == PRIMARY:
        is_default = default_of(calendars) == PRIMARY
        return CalendarChoice(
            calendar_id=PRIMARY, entry=None, listed=True, selected=False, is_default=is_default, push=None
        )
    raise UnknownCalendarError(calendar_id)


async def _make_default(tx: Transaction, user_id: UUID, calendar_id: str) -> None:
    for calendar in await tx.calendars.all_of(user_id):
        is_default = calendar.calendar_id == calendar_id
        if calendar.is_default is not is_default:
            await tx.calendars.save_traits(replace(calendar, is_default=is_default))
