"""Access tokens for the calls to Google: cached, refreshed once for all who wait, never stored.

A refresh token that Google refuses for good makes the account ask for a new link. That verdict is stored only
if the account is still the one whose token was refused: a link made in the meantime must not be undone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.core.accounts import AccountStatus, GoogleAccount
from services.core.calendars import CalendarStatus
from services.core.errors import (
    GoogleNotConnectedError,
    ReauthorisationRequiredError,
    UnknownUserError,
)
from services.google.oauth_endpoints import GrantRefusedError

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from services.core.ports import Clock, SecretBox
    from services.core.storage import UnitOfWork
    from services.google.oauth_endpoints import OAuthEndpoints, TokenGrant

REFRESH_TOKEN: Final = "google-refresh-token"  # noqa: S105 - the purpose that seals it, no secret.
STALE_BEFORE_EXPIRY: Final = timedelta(minutes=3, seconds=45)
"""As Google's own library has it."""

_ATTEMPTS: Final = 3
_REMEMBERED: Final = 3
"""Tokens of a user: the one before the last may still be under way."""


@dataclass(frozen=True, slots=True)
class _Cached:
    token: str = field(repr=False)
    stale_at: datetime
    account_version: int
    address: str


class TokenService:
    """Gives access tokens."""

    def __init__(self, *, uow: UnitOfWork, endpoints: OAuthEndpoints, clock: Clock, box: SecretBox) -> None:
        self._uow = uow
        self._endpoints = endpoints
        self._clock = clock
        self._box = box
        self._cached: dict[UUID, _Cached] = {}
        self._refreshing: dict[UUID, asyncio.Task[str]] = {}
        self._given: dict[UUID, dict[str, int]] = {}
        """The account's version by token, of the last few that were given."""

    async def access_token(self, user_id: UUID) -> str:
        """A token that is good for some minutes at least.

        However many wait, one refresh runs; it runs to its end even if all who waited have gone.

        Raises:
            GoogleNotConnectedError: The user has no account, or disconnected it.
            ReauthorisationRequiredError: Google refuses the refresh token for good.
            VendorError: Google does not answer, or refuses this service.
            DecryptionError: No key opens the stored token.
        """
        cached = self._cached.get(user_id)
        if cached is not None and self._clock.now() < cached.stale_at:
            return cached.token
        task = self._refreshing.get(user_id)
        if task is None:
            task = asyncio.create_task(self._refresh(user_id), name=f"refresh-{user_id}")
            self._refreshing[user_id] = task
            task.add_done_callback(lambda done: self._refreshed(user_id, done))
        return await asyncio.shield(task)

    async def address(self, user_id: UUID) -> str | None:
        """The e-mail address of the user's Google account, in lower case; `None`: there is no account."""
        cached = self._cached.get(user_id)
        if cached is not None:
            return cached.address
        async with self._uow.reading() as tx:
            account = await tx.accounts.find(user_id)
        return None if account is None else account.email.lower()

    def invalidate(self, user_id: UUID, token: str) -> None:
        """Forget a token that Google refused; one that came later stays."""
        cached = self._cached.get(user_id)
        if cached is not None and cached.token == token:
            del self._cached[user_id]

    def are_of_one_grant(self, user_id: UUID, token: str, other: str) -> bool:
        """Whether the account was not linked anew between two tokens, as far as that is known."""
        versions = {self._given.get(user_id, {}).get(each) for each in (token, other)}
        return len(versions - {None}) <= 1

    async def refuse_grant(self, user_id: UUID, token: str, reason: str) -> None:
        """Note that the grant behind a token is of no use, say because a scope was taken away.

        Raises:
            ReauthorisationRequiredError: Unless the token is not the current one any more.
        """
        cached = self._cached.get(user_id)
        if cached is None or cached.token != token:
            return
        self.forget(user_id)
        async with self._uow.reading() as tx:
            account = await tx.accounts.find(user_id)
        if account is not None and account.version == cached.account_version:
            await self._require_reauthorisation(account)
            raise ReauthorisationRequiredError(user_id, reason)

    def forget(self, user_id: UUID) -> None:
        """Drop what is known of a user whose account was linked, revoked or erased."""
        self._cached.pop(user_id, None)
        self._refreshing.pop(user_id, None)

    async def aclose(self) -> None:
        """Let running refreshes end: a token that Google changed must be stored."""
        await asyncio.gather(*self._refreshing.values(), return_exceptions=True)

    def _refreshed(self, user_id: UUID, task: asyncio.Task[str]) -> None:
        if self._refreshing.get(user_id) is task:
            del self._refreshing[user_id]
        if not task.cancelled():
            # Looked at here, lest asyncio complain when nobody waits any more.
            task.exception()

    async def _refresh(self, user_id: UUID) -> str:
        for _ in range(_ATTEMPTS):
            account = await self._usable_account(user_id)
            started_at = self._clock.now()
            try:
                grant = await self._endpoints.refresh(self._opened(account))
            except GrantRefusedError as refusal:
                if await self._require_reauthorisation(account):
                    raise ReauthorisationRequiredError(user_id, refusal.reason) from None
                continue  # The account was linked again meanwhile.
            version = await self._store_rotated(account, grant)
            given = self._given.setdefault(user_id, {})
            given[grant.access_token] = version
            if len(given) > _REMEMBERED:
                del given[next(iter(given))]
            if self._refreshing.get(user_id) is asyncio.current_task():
                stale_at = started_at + grant.lifetime - STALE_BEFORE_EXPIRY
                self._cached[user_id] = _Cached(grant.access_token, stale_at, version, account.email.lower())
            return grant.access_token
        raise ReauthorisationRequiredError(user_id, "every stored token was refused")

    async def _usable_account(self, user_id: UUID) -> GoogleAccount:
        async with self._uow.reading() as tx:
            account = await tx.accounts.find(user_id)
        if account is None or account.status is AccountStatus.DISCONNECTED:
            raise GoogleNotConnectedError(user_id, AccountStatus.DISCONNECTED.value)
        if account.status is AccountStatus.REAUTHORISATION_REQUIRED or account.refresh_token is None:
            raise ReauthorisationRequiredError(user_id, "the account has to be linked again")
        return account

    def _opened(self, account: GoogleAccount) -> str:
        return self._box.open(account.refresh_token or "", purpose=REFRESH_TOKEN, user_id=account.user_id)

    async def _require_reauthorisation(self, account: GoogleAccount) -> bool:
        dead = replace(account, status=AccountStatus.REAUTHORISATION_REQUIRED)
        return await self._save_if_current(account, dead)

    async def _store_rotated(self, account: GoogleAccount, grant: TokenGrant) -> int:
        """Store a refresh token that replaces the one used, if any; returns the account's version."""
        if grant.refresh_token is None or grant.refresh_token == self._opened(account):
            return account.version
        sealed = self._box.seal(grant.refresh_token, purpose=REFRESH_TOKEN, user_id=account.user_id)
        rotated = replace(account, refresh_token=sealed, version=account.version + 1)
        return rotated.version if await self._save_if_current(account, rotated) else account.version

    async def _save_if_current(self, seen: GoogleAccount, wanted: GoogleAccount) -> bool:
        """Store `wanted` unless the account is no longer the one that was `seen`."""
        try:
            async with self._uow() as tx:
                await tx.users.lock(seen.user_id)
                current = await tx.accounts.find(seen.user_id)
                if current is None or (current.version, current.status) != (seen.version, seen.status):
                    return False
                if wanted.refresh_token == seen.refresh_token:
                    # The same token may have been sealed with another key meanwhile.
                    wanted = replace(wanted, refresh_token=current.refresh_token)
                await tx.accounts.save(wanted)
                if wanted.status is AccountStatus.REAUTHORISATION_REQUIRED:
                    await tx.changes.renumber_pending(seen.user_id)
                    await tx.calendars.set_status(
                        seen.user_id, CalendarStatus.REAUTHORISATION_REQUIRED, now=self._clock.now()
                    )
                return True
        except UnknownUserError:
            return False
