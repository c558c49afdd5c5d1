"""The life of a user's connection to Google: connected, initialised, disconnected, erased."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from services.bindings import all_slots, forget_cursors, remove_google_slots, unbound
from services.core.accounts import AccountStatus
from services.core.calendar_entry import PRIMARY
from services.core.calendars import CalendarStatus, CalendarSync
from services.core.errors import (
    DomainError,
    FailureClass,
    GoogleNotConnectedError,
    ReauthorisationRequiredError,
    UnknownUserError,
    VendorError,
)
from services.core.records import Deletion
from services.core.series import rebased

if TYPE_CHECKING:
    from uuid import UUID

    from services.channel_service import ChannelService
    from services.core.accounts import GoogleAccount
    from services.core.ports import Calendars, Clock
    from services.core.records import Slot
    from services.core.storage import UnitOfWork
    from services.google_oauth import GoogleOAuth
    from services.signals import Signals

_log = logging.getLogger(__name__)


class ConnectionService:
    """Joins account, calendars, channels and slots when the connection itself changes."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        calendars: Calendars,
        channels: ChannelService,
        oauth: GoogleOAuth,
        clock: Clock,
        signals: Signals,
    ) -> None:
        self._uow = uow
        self._calendars = calendars
        self._channels = channels
        self._oauth = oauth
        self._clock = clock
        self._signals = signals

    async def connected(self, user_id: UUID) -> None:
        """An account was linked (again): its calendar takes part, and the first sync is due now."""
        now = self._clock.now()
        async with self._uow() as tx:
            calendar = await tx.calendars.find(user_id, PRIMARY)
            if calendar is None:
                await tx.calendars.add(
                    CalendarSync(
                        user_id=user_id,
                        calendar_id=PRIMARY,
                        due_at=now,
                        pull_due_at=now,
                        dirty_seq=1,
                    )
                )
            await tx.calendars.set_status(user_id, CalendarStatus.ACTIVE, now=now)
            await tx.calendars.mark_due(user_id, PRIMARY, now=now, pull=True)
        self._signals.calendar_due()
        self._signals.user_changed(user_id)

    async def initialize(self, user_id: UUID) -> None:
        """Create what is missing and list everything again; nothing that is known is forgotten.

        Raises:
            GoogleNotConnectedError: The user has no usable account.
            UnknownUserError: There is no such user.
        """
        async with self._uow.reading() as tx:
            if await tx.users.find(user_id) is None:
                raise UnknownUserError(user_id)
            account = await tx.accounts.find(user_id)
        if account is None or account.status is not AccountStatus.CONNECTED:
            raise GoogleNotConnectedError(user_id, account.status if account else "never")
        async with self._uow() as tx:
            # A run that is under way loses its lease first, so that it cannot store its cursor over this one.
            await tx.calendars.set_status(user_id, CalendarStatus.ACTIVE, now=self._clock.now())
            await forget_cursors(tx, user_id)
        await self.connected(user_id)

    async def disconnect(
        self, user_id: UUID, *, remote: Literal["keep", "delete"], local: Literal["keep", "delete"]
    ) -> None:
        """End the connection: stop channels, revoke the grant, erase the token.

        Args:
            user_id: Whose connection.
            remote: `delete` removes from Google what the app created there.
            local: `delete` removes from the app what came from Google.

        Raises:
            GoogleNotConnectedError: No account is linked.
        """
        async with self._uow.reading() as tx:
            account = await tx.accounts.find(user_id)
        if account is None or account.status is AccountStatus.DISCONNECTED:
            raise GoogleNotConnectedError(user_id, account.status if account else "never")
        async with self._uow() as tx:
            await tx.calendars.set_status(user_id, CalendarStatus.DISCONNECTED, now=self._clock.now())
            # What is linked next is listed in full: what is deleted here now is no change there.
            await forget_cursors(tx, user_id)
        await self._channels.stop_all(user_id)
        if remote == "delete":
            await self._delete_from_google(user_id)
        await self._revoke(account)
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            current = await tx.accounts.find(user_id)
            if current is not None:
                await tx.accounts.save(
                    replace(
                        current,
                        status=AccountStatus.DISCONNECTED,
                        refresh_token=None,
                        version=current.version + 1,
                    )
                )
                await tx.changes.renumber_pending(user_id)
            # Once more: a new link that was made meanwhile ends here too, and what it has listed.
            await tx.calendars.set_status(user_id, CalendarStatus.DISCONNECTED, now=self._clock.now())
            await forget_cursors(tx, user_id)
            if local == "delete":
                await remove_google_slots(tx, user_id, now=self._clock.now())
        self._signals.user_changed(user_id)

    async def erase(self, user_id: UUID, *, purge_google: bool) -> None:
        """Forget a user altogether.

        Raises:
            UnknownUserError: There is no such user.
        """
        async with self._uow.reading() as tx:
            if await tx.users.find(user_id) is None:
                raise UnknownUserError(user_id)
            account = await tx.accounts.find(user_id)
        if account is not None and account.status is not AccountStatus.DISCONNECTED:
            await self.disconnect(user_id, remote="delete" if purge_google else "keep", local="keep")
        async with self._uow() as tx:
            await tx.users.remove(user_id)
        self._signals.user_changed(user_id)

    async def sweep(self) -> None:
        """Forget attempts to connect that nobody finished."""
        async with self._uow() as tx:
            await tx.flows.remove_expired(self._clock.now())
            await tx.sign_ins.remove_expired(self._clock.now())

    async def _revoke(self, account: GoogleAccount) -> None:
        try:
            await self._oauth.revoke(account)
        except DomainError as error:
            # The token is erased either way; Google forgets it when it is not used.
            _log.warning("grant not revoked: %s", error, extra={"user_id": str(account.user_id)})

    async def _delete_from_google(self, user_id: UUID) -> None:
        async with self._uow.reading() as tx:
            slots = await all_slots(tx, user_id, include_deleted=True)
        try:
            for slot in slots:
                # An exception goes with its series; by itself it would take an instance from it.
                if slot.source == "app" and slot.base is not None and slot.series is None:
                    await self._purge(user_id, slot.id)
        except (ReauthorisationRequiredError, GoogleNotConnectedError) as error:
            # Nothing can be removed any more; disconnecting goes on all the same.
            _log.warning("events not purged: %s", error, extra={"user_id": str(user_id)})

    async def _purge(self, user_id: UUID, slot_id: UUID) -> None:
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            slot = await tx.slots.find(user_id, slot_id)
            if slot is None or slot.google is None:
                return
            # Noted first, as before every call: should its answer be lost, the absence that a new link finds
            # is our own doing and no reason to delete the slot.
            noted = replace(slot, sent=Deletion(slot.sent_content))
            await tx.slots.save([noted])
        try:
            await self._calendars.delete(
                user_id,
                slot.calendar_id,
                event_id=slot.google.event_id,
                etag=slot.google.etag,
                notify="none",
            )
        except (ReauthorisationRequiredError, GoogleNotConnectedError):
            await self._take_back(noted, slot)
            raise
        except VendorError as error:
            if error.failure is not FailureClass.INVALID_STATE:
                # An event that somebody changed since is theirs as well; it stays.
                _log.warning("event not purged: %s", error, extra={"slot": str(slot.id)})
                if error.failure is not FailureClass.RETRYABLE:
                    await self._take_back(noted, slot)
                return
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            current = await tx.slots.find(user_id, slot_id)
            if current is not None:
                now = self._clock.now()
                exceptions = await tx.slots.exceptions_of(user_id, {slot_id})
                anew = [rebased(each, current.content, now=now) for each in exceptions]
                await tx.slots.save([unbound(current), *anew])

    async def _take_back(self, noted: Slot, before: Slot) -> None:
        """Google refused to remove the event: should it be missing later, that is not our doing."""
        async with self._uow() as tx:
            await tx.users.lock(before.user_id)
            current = await tx.slots.find(before.user_id, before.id)
            if current is not None and current.sent == noted.sent:
                await tx.slots.save([replace(current, sent=before.sent)])
