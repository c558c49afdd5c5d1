"""The keys with which secrets at rest are sealed: whether the right ones are here, and how they are changed.

Each key that may have sealed something has a canary, a known text sealed with it. A process that cannot open
every canary lacks a key that stored tokens need: it must not start, for every user would seem to have to link
again. A new key adds its canary at the first start with it; when everything is sealed with the new key, those
of the old ones go.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from services.core.accounts import AccountStatus, KeyCanary
from services.core.calendars import CalendarStatus
from services.core.credentials import NOBODYS_ID
from services.core.errors import DecryptionError, SettingsError, UnknownUserError
from services.token_service import REFRESH_TOKEN
from services.webhook_delivery import secret_purpose

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.accounts import GoogleAccount
    from services.core.ports import Clock
    from services.core.storage import Transaction, UnitOfWork
    from services.core.subscriptions import Subscription
    from services.token_vault import TokenVault

_PURPOSE: Final = "key-canary"
_SONG: Final = "all is well"
_BATCH: Final = 100
"""How many users are locked at a time while their tokens are sealed again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rotation:
    """What came of sealing everything with the current key."""

    resealed: int = 0
    """Tokens that another key had sealed."""
    forgotten: int = 0
    """Tokens that no key opens and that were erased; their users have to link again."""
    unreadable: int = 0
    """Tokens that no key opens and that stay as they are."""

    @property
    def complete(self) -> bool:
        """Whether nothing needs any key but the current one."""
        return self.unreadable == 0


class KeyRing:
    """Checks and changes the keys."""

    def __init__(self, *, uow: UnitOfWork, vault: TokenVault, clock: Clock) -> None:
        self._uow = uow
        self._vault = vault
        self._clock = clock

    async def check(self) -> None:
        """See that every key is here that stored secrets may need, and note the current one.

        Raises:
            SettingsError: One is missing.
        """
        async with self._uow.reading() as tx:
            canaries = await tx.canaries.all()
        if not all(map(self._opens, canaries)):
            detail = (
                "does not open what this database has encrypted: set the key that does, here or as "
                "SECRET_KEY_PREVIOUS"
            )
            raise SettingsError("SECRET_KEY", detail)
        if all(canary.key_id != self._vault.current_key_id for canary in canaries):
            async with self._uow() as tx:
                await tx.canaries.add(self._canary())

    async def rotate(self, *, forget_unreadable: bool = False) -> Rotation:
        """Seal every stored token, and every secret of a webhook, with the current key.

        May be interrupted and repeated, and the service may run meanwhile; what is sealed already is skipped.
        Attempts to connect are left alone: they end within minutes.

        Args:
            forget_unreadable: Erase what no key opens; users have to link, or to subscribe, again.
        """
        done, after = Rotation(), None
        while True:
            async with self._uow.reading() as tx:
                users = await tx.accounts.with_other_tokens(
                    self._vault.current_prefix, after=after, limit=_BATCH
                )
            if not users:
                break
            after = users[-1]
            # Locked in the order of their ids, so that two rotations at once cannot wait for each other.
            async with self._uow() as tx:
                for user_id in users:
                    done = await self._reseal(tx, user_id, done, forget=forget_unreadable)
        done = await self._rotate_webhook_secrets(done, forget=forget_unreadable)
        await self._retire_old_keys()
        return done

    async def _rotate_webhook_secrets(self, done: Rotation, *, forget: bool) -> Rotation:
        after = None
        while True:
            async with self._uow.reading() as tx:
                users = await tx.subscriptions.with_other_secrets(
                    self._vault.current_prefix, after=after, limit=_BATCH
                )
            if not users:
                return done
            after = users[-1]
            async with self._uow() as tx:
                for user_id in users:
                    for each in await tx.subscriptions.all_of(user_id):
                        done = await self._reseal_webhook_secret(tx, each, done, forget=forget)

    async def _reseal_webhook_secret(
        self, tx: Transaction, subscription: Subscription, done: Rotation, *, forget: bool
    ) -> Rotation:
        if self._vault.is_current(subscription.secret):
            return done
        user_id, purpose = subscription.user_id, secret_purpose(subscription.id)
        try:
            opened = self._vault.open(subscription.secret, purpose=purpose, user_id=user_id)
        except DecryptionError:
            if not forget:
                _log.warning("a webhook secret cannot be opened", extra={"user_id": str(user_id)})
                return replace(done, unreadable=done.unreadable + 1)
            await tx.subscriptions.remove(user_id, subscription.id)
            return replace(done, forgotten=done.forgotten + 1)
        sealed = self._vault.seal(opened, purpose=purpose, user_id=user_id)
        await tx.subscriptions.reseal(replace(subscription, secret=sealed))
        return replace(done, resealed=done.resealed + 1)

    async def _reseal(self, tx: Transaction, user_id: UUID, done: Rotation, *, forget: bool) -> Rotation:
        try:
            await tx.users.lock(user_id)
        except UnknownUserError:
            return done
        account = await tx.accounts.find(user_id)
        token = account.refresh_token if account is not None else None
        if account is None or token is None or self._vault.is_current(token):
            return done
        try:
            opened = self._vault.open(token, purpose=REFRESH_TOKEN, user_id=user_id)
        except DecryptionError:
            if not forget:
                _log.warning("a stored token cannot be opened", extra={"user_id": str(user_id)})
                return replace(done, unreadable=done.unreadable + 1)
            await self._forget(tx, account)
            return replace(done, forgotten=done.forgotten + 1)
        sealed = self._vault.seal(opened, purpose=REFRESH_TOKEN, user_id=user_id)
        # The version stays: it is the same token, and who holds it may go on.
        await tx.accounts.save(replace(account, refresh_token=sealed))
        return replace(done, resealed=done.resealed + 1)

    async def _forget(self, tx: Transaction, account: GoogleAccount) -> None:
        lost = replace(account, refresh_token=None, version=account.version + 1)
        if account.status is AccountStatus.CONNECTED:
            lost = replace(lost, status=AccountStatus.REAUTHORISATION_REQUIRED)
            status, now = CalendarStatus.REAUTHORISATION_REQUIRED, self._clock.now()
            await tx.calendars.set_status(account.user_id, status, now=now)
        await tx.accounts.save(lost)

    async def _retire_old_keys(self) -> None:
        async with self._uow() as tx:
            await tx.canaries.add(self._canary())
            prefix = self._vault.current_prefix
            if not await tx.accounts.with_other_tokens(
                prefix, after=None, limit=1
            ) and not await tx.subscriptions.with_other_secrets(prefix, after=None, limit=1):
                await tx.canaries.remove_others(self._vault.current_key_id)

    def _canary(self) -> KeyCanary:
        sealed = self._vault.seal(_SONG, purpose=_PURPOSE, user_id=NOBODYS_ID)
        return KeyCanary(self._vault.current_key_id, sealed, self._clock.now())

    def _opens(self, canary: KeyCanary) -> bool:
        try:
            return self._vault.open(canary.sealed, purpose=_PURPOSE, user_id=NOBODYS_ID) == _SONG
        except DecryptionError:
            return False
