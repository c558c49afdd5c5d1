"""Webhook channels: open, receive, renew with overlap, stop.

A notification says only "look again". It is checked against the channel's own secret, marks the calendar due
and is forgotten; nothing is asked of Google while it is answered.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from services.core.accounts import AccountStatus
from services.core.calendars import CalendarStatus, Channel, ChannelStatus
from services.core.credentials import NOBODYS_ID
from services.core.errors import (
    DomainError,
    GoogleNotConnectedError,
    UnknownChannelError,
    VendorError,
    WebhookUrlNotConfiguredError,
)
from services.core.frozen import replace

if TYPE_CHECKING:
    from services.core.calendars import CalendarSync
    from services.core.policy import SyncPolicy
    from services.core.ports import Calendars, Clock, Ids
    from services.core.storage import UnitOfWork
    from services.signals import Signals

_log = logging.getLogger(__name__)
_UNSUPPORTED = "pushNotSupportedForRequestedResource"
_STUCK_AFTER = timedelta(minutes=5)
_BATCH = 20
_UNKNOWN_TOKEN_HASH = hashlib.sha256(b"").hexdigest()


class ChannelService:
    """Keeps one healthy channel per calendar that Google can push for."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        calendars: Calendars,
        clock: Clock,
        ids: Ids,
        signals: Signals,
        policy: SyncPolicy,
        address: str | None,
    ) -> None:
        """`address` is where Google posts notifications; `None`: it cannot reach this service."""
        self._uow = uow
        self._calendars = calendars
        self._clock = clock
        self._ids = ids
        self._signals = signals
        self._policy = policy
        self._address = address

    async def setup(self, user_id: UUID) -> list[Channel]:
        """Open, or replace, a channel for each of the user's calendars.

        Raises:
            WebhookUrlNotConfiguredError: Google could not reach this service.
            GoogleNotConnectedError: The user has no usable account.
            VendorError: Google refused each of them.
        """
        if self._address is None:
            raise WebhookUrlNotConfiguredError
        async with self._uow.reading() as tx:
            account = await tx.accounts.find(user_id)
            calendars = await tx.calendars.all_of(user_id)
        if account is None or account.status is not AccountStatus.CONNECTED:
            raise GoogleNotConnectedError(user_id, account.status if account else "never")
        active = [each for each in calendars if each.status is CalendarStatus.ACTIVE]
        opened: list[Channel] = []
        refused: VendorError | None = None
        for calendar in active:
            try:
                channel = await self._open(calendar, self._address)
            except VendorError as error:
                # A calendar that is lost, say, takes no other one's channel along.
                _log.info("channel not opened: %s", error, extra=_where(calendar))
                refused = refused or error
            else:
                opened += [channel] if channel is not None else []
        if refused is not None and not opened:
            raise refused
        return opened

    async def ensure(self, user_id: UUID, calendar_id: str) -> None:
        """Open the channel of a calendar now if it has none, where the next tick would do it otherwise."""
        async with self._uow.reading() as tx:
            calendar = await tx.calendars.find(user_id, calendar_id)
            channels = await tx.channels.all_of(user_id, calendar_id)
        if calendar is None or calendar.status is not CalendarStatus.ACTIVE or not calendar.push_supported:
            return
        if all(channel.status is ChannelStatus.RETIRING for channel in channels):
            await self._open_if_google_lets(calendar)

    async def notified(self, *, channel_id: str, token: str, resource_id: str, state: str) -> None:
        """Take a notification of Google's: the calendar is due.

        Raises:
            UnknownChannelError: Channel, secret or resource do not match; which of them is not told.
            DatabaseUnavailableError: The mark could not be stored; Google must retry.
        """
        user_id = _user_of(channel_id)
        now = self._clock.now()
        async with self._uow() as tx:
            channel = await tx.channels.find(user_id, channel_id)
            expected = channel.token_hash if channel else _UNKNOWN_TOKEN_HASH
            genuine = hmac.compare_digest(expected, _hash(token))
            if channel is None or not genuine:
                raise UnknownChannelError
            # The first message may come before the watch answer has told the resource id.
            if channel.resource_id is not None and channel.resource_id != resource_id:
                raise UnknownChannelError
            if state == "sync":
                return
            await tx.calendars.note_notified(channel.user_id, channel.calendar_id, now=now)
        self._signals.calendar_due()

    async def renew_due(self) -> None:
        """Open channels where one is missing or about to expire, and stop those that were replaced."""
        await self._stop_retired()
        if self._address is None:
            return
        now = self._clock.now()
        async with self._uow.reading() as tx:
            wanting = await tx.channels.calendars_without(
                now=now, renew_before=now + self._policy.channel_margin, limit=_BATCH
            )
            calendars = [await tx.calendars.find(user_id, calendar_id) for user_id, calendar_id in wanting]
        for calendar in calendars:
            if calendar is not None:
                await self._open_if_google_lets(calendar)

    async def stop_all(self, user_id: UUID) -> None:
        """Stop all channels of a user, as far as Google can be reached; none is answered afterwards."""
        async with self._uow.reading() as tx:
            channels = await tx.channels.all_of(user_id)
        for channel in channels:
            await self._stop(channel)

    async def stop_for(self, user_id: UUID, calendar_id: str) -> None:
        """Stop the channels of one calendar, as far as Google can be reached."""
        async with self._uow.reading() as tx:
            channels = await tx.channels.all_of(user_id, calendar_id)
        for channel in channels:
            await self._stop(channel)

    async def _open_if_google_lets(self, calendar: CalendarSync) -> None:
        if self._address is None:
            return
        try:
            await self._open(calendar, self._address)
        except DomainError as error:
            _log.info("channel not opened: %s", error, extra=_where(calendar))

    async def _open(self, calendar: CalendarSync, address: str) -> Channel | None:
        token = self._ids.secret()
        channel = Channel(
            user_id=calendar.user_id,
            id=channel_id_for(calendar.user_id, self._ids.uuid()),
            calendar_id=calendar.calendar_id,
            token_hash=_hash(token),
            status=ChannelStatus.OPENING,
            created_at=self._clock.now(),
        )
        async with self._uow() as tx:
            await tx.channels.add(channel)
        try:
            answer = await self._calendars.watch(
                calendar.user_id,
                calendar.calendar_id,
                channel_id=channel.id,
                token=token,
                address=address,
                lifetime=self._policy.channel_lifetime,
            )
        except VendorError as error:
            if error.status is not None:
                await self._not_opened(channel, unsupported=error.reason == _UNSUPPORTED)
            if error.reason == _UNSUPPORTED:
                return None
            raise
        expires_at = answer.expires_at or self._clock.now() + self._policy.channel_lifetime
        opened = replace(
            channel, status=ChannelStatus.ACTIVE, resource_id=answer.resource_id, expires_at=expires_at
        )
        async with self._uow() as tx:
            await tx.users.lock(calendar.user_id)
            current = await tx.calendars.find(calendar.user_id, calendar.calendar_id)
            wanted = current is not None and current.status is CalendarStatus.ACTIVE
            for other in await tx.channels.all_of(calendar.user_id, calendar.calendar_id):
                if other.status is ChannelStatus.ACTIVE:
                    await tx.channels.update(replace(other, status=ChannelStatus.RETIRING))
            await tx.channels.update(opened)
        if not wanted:
            # It was taken out of the sync meanwhile, and whoever did so did not know of this channel.
            await self._stop(opened)
            return None
        self._signals.user_changed(calendar.user_id)
        return opened

    async def _not_opened(self, channel: Channel, *, unsupported: bool) -> None:
        async with self._uow() as tx:
            await tx.users.lock(channel.user_id)
            await tx.channels.remove(channel.user_id, channel.id)
            if unsupported:
                calendar = await tx.calendars.find(channel.user_id, channel.calendar_id)
                if calendar is not None:
                    await tx.calendars.save_traits(replace(calendar, push_supported=False))

    async def _stop_retired(self) -> None:
        now = self._clock.now()
        async with self._uow.reading() as tx:
            channels = await tx.channels.retiring(now=now, opened_before=now - _STUCK_AFTER, limit=_BATCH)
        for channel in channels:
            await self._stop(channel)

    async def _stop(self, channel: Channel) -> None:
        """Stop one channel; what cannot be stopped is forgotten all the same and runs out by itself."""
        if channel.resource_id is not None:
            try:
                await self._calendars.stop(
                    channel.user_id, channel_id=channel.id, resource_id=channel.resource_id
                )
            except DomainError as error:
                _log.info("channel not stopped: %s", error, extra={"channel": channel.id})
        async with self._uow() as tx:
            await tx.channels.remove(channel.user_id, channel.id)


def channel_id_for(user_id: UUID, unique: UUID) -> str:
    """A channel id that tells its user, so that a notification is looked up among that user's rows.

    Source: Calendar API guide "Push notifications": at most 64 characters, unique within the project.
    """
    return f"{user_id.hex}{unique.hex}"


def _user_of(channel_id: str) -> UUID:
    """Whose rows to look among; nobody's where the id is none of ours, so that each is looked up alike."""
    try:
        return UUID(hex=channel_id[:32])
    except ValueError:
        return NOBODYS_ID


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _where(calendar: CalendarSync) -> dict[str, str]:
    return {"user_id": str(calendar.user_id), "calendar_id": calendar.calendar_id}
