"""Linking a Google account: from a single-use ticket over Google's consent page to a stored grant.

The ticket binds the flow to one browser by a cookie secret before Google is involved, and only that browser
can finish it. Flows are kept as hashes; the PKCE verifier is encrypted. Every step that uses something up
does so before it calls Google, and no call to Google happens inside a transaction.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from services.bindings import leave_account
from services.core.accounts import AccountStatus, GoogleAccount, OAuthFlow
from services.core.calendars import CalendarStatus
from services.core.errors import OAuthFlowError, UnknownUserError, VendorError
from services.google.consent_url import consent_url
from services.google.flows import FinishedFlow, OpenedFlow, Returned
from services.google.oauth_endpoints import (
    ALL_OF_CALENDAR_SCOPE,
    EVENTS_SCOPE,
    SCOPES,
    OAuthConfig,
)
from services.google.receipts import Receipts
from services.google.redeeming import INVALID_STATE, Redeemer, hashed, require_browser
from services.token_service import REFRESH_TOKEN

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.accounts import User
    from services.core.ports import Clock, Ids, SecretBox
    from services.core.storage import Transaction, UnitOfWork
    from services.google.oauth_endpoints import Identity, OAuthEndpoints, TokenGrant
    from services.token_service import TokenService

__all__ = [
    "AUTHORIZE_PATH",
    "FLOW_LIFETIME",
    "TICKET_LIFETIME",
    "FinishedFlow",
    "GoogleOAuth",
    "OAuthConfig",
    "OpenedFlow",
    "Returned",
]

AUTHORIZE_PATH: Final = "/auth/google/authorize"
TICKET_LIFETIME: Final = timedelta(minutes=5)
"""From asking for the URL to opening it in a browser."""
FLOW_LIFETIME: Final = timedelta(minutes=10)
"""From asking for the URL to coming back from Google."""

_MISMATCH: Final = "google-account-mismatch"


class GoogleOAuth:
    """Links and revokes Google accounts."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        endpoints: OAuthEndpoints,
        tokens: TokenService,
        clock: Clock,
        ids: Ids,
        box: SecretBox,
        config: OAuthConfig,
    ) -> None:
        self._uow = uow
        self._endpoints = endpoints
        self._tokens = tokens
        self._clock = clock
        self._ids = ids
        self._box = box
        self._config = config
        self._redeemer = Redeemer(endpoints=endpoints, box=box, config=config)
        self.receipts = Receipts(uow=uow, clock=clock, box=box)

    async def start(self, user_id: UUID, return_to: str | None = None) -> str:
        """Begin a flow for a browser that is elsewhere.

        Args:
            user_id: Who wants to link an account.
            return_to: Where the browser goes in the end; the caller has checked it.

        Returns:
            An absolute URL on this service, good once and for `TICKET_LIFETIME`, in any browser.
        """
        ticket = await self._begin(user_id, return_to)
        base = self._config.public_base_url.rstrip("/")
        return f"{base}{AUTHORIZE_PATH}?{urlencode({'ticket': ticket})}"

    async def start_here(self, user_id: UUID, return_to: str | None = None) -> OpenedFlow:
        """Begin a flow in the browser that asks, which is signed in as the user."""
        return await self.open(await self._begin(user_id, return_to))

    async def _begin(self, user_id: UUID, return_to: str | None) -> str:
        now = self._clock.now()
        ticket = self._ids.secret()
        flow = OAuthFlow(
            id=self._ids.uuid(),
            user_id=user_id,
            ticket_hash=hashed(ticket),
            # Nobody knows a text with this hash; the real state is drawn when a browser opens the ticket.
            state_hash=hashed(self._ids.secret()),
            browser_hash=None,
            code_verifier=self._redeemer.seal_verifier(self._ids.secret(48), user_id),
            nonce=self._ids.secret(),
            return_to=return_to,
            created_at=now,
            expires_at=now + FLOW_LIFETIME,
        )
        async with self._uow() as tx:
            await tx.flows.remove_expired(now)
            await tx.flows.add(flow)
        return ticket

    async def open(self, ticket: str) -> OpenedFlow:
        """Use up a ticket in the browser that is to finish the flow.

        Raises:
            OAuthFlowError: `oauth-state-invalid`: it is unknown, used or too old.
        """
        now = self._clock.now()
        state, browser_secret = self._ids.secret(), self._ids.secret()
        async with self._uow() as tx:
            flow = await tx.flows.open(
                hashed(ticket), state_hash=hashed(state), browser_hash=hashed(browser_secret), now=now
            )
            user = None if flow is None else await tx.users.find(flow.user_id)
        if flow is None or user is None or now >= flow.created_at + TICKET_LIFETIME:
            raise OAuthFlowError(INVALID_STATE, "The link is unknown, was used already or is too old.")
        # In a thread, since the first call imports Google's library.
        url = await asyncio.to_thread(
            consent_url,
            self._config,
            scopes=SCOPES,
            state=state,
            code_verifier=self._redeemer.open_verifier(flow.code_verifier, flow.user_id),
            nonce=flow.nonce,
            access_type="offline",
            # Google hands out a refresh token also to those who consented before.
            prompt="consent",
            include_granted_scopes="true",
            login_hint=user.email,
        )
        return OpenedFlow(url, browser_secret)

    async def finish(self, returned: Returned) -> FinishedFlow:
        """Take what Google's redirect brought, and store the account.

        Raises:
            OAuthFlowError: With the slug of what went wrong.
        """
        flow = await self._consume(returned)
        verifier = self._redeemer.open_verifier(flow.code_verifier, flow.user_id)
        grant = await self._redeemer.redeem(returned, verifier)
        scopes = grant.scopes or tuple((returned.scope or "").split())
        await self._require_events_scope(flow.user_id, grant, scopes)
        identity = await self._redeemer.identity(grant, flow.nonce)
        return await self._store(flow, grant, identity, scopes, returned.state or "")

    async def revoke(self, account: GoogleAccount) -> None:
        """Tell Google that the grant is over; what is stored is the caller's to erase.

        Raises:
            VendorError: Google did not answer.
            DecryptionError: No key opens the stored token.
        """
        self._tokens.forget(account.user_id)
        if account.refresh_token is not None:
            token = self._box.open(account.refresh_token, purpose=REFRESH_TOKEN, user_id=account.user_id)
            await self._endpoints.revoke(token)

    async def _consume(self, returned: Returned) -> OAuthFlow:
        flow = None
        if returned.state:
            async with self._uow() as tx:
                flow = await tx.flows.consume(hashed(returned.state), now=self._clock.now())
        if flow is None:
            raise OAuthFlowError(INVALID_STATE, "The authorization is unknown, finished or too old.")
        require_browser(flow.browser_hash, returned.browser_secret)
        return flow

    async def _require_events_scope(self, user_id: UUID, grant: TokenGrant, scopes: tuple[str, ...]) -> None:
        if EVENTS_SCOPE in scopes or ALL_OF_CALENDAR_SCOPE in scopes:
            return
        async with self._uow.reading() as tx:
            known = await tx.accounts.find(user_id)
        if known is None or known.refresh_token is None:
            # Revoking ends everything that the person granted this service, also a link that works.
            await self._revoke_quietly(grant)
        raise OAuthFlowError("google-scope-missing", "Access to the calendar's events was not granted.")

    async def _revoke_quietly(self, grant: TokenGrant) -> None:
        with suppress(VendorError):  # It is not kept, so nobody can use it.
            await self._endpoints.revoke(grant.refresh_token or grant.access_token)

    async def _store(
        self, flow: OAuthFlow, grant: TokenGrant, identity: Identity, scopes: tuple[str, ...], state: str
    ) -> FinishedFlow:
        user_id, now = flow.user_id, self._clock.now()
        try:
            async with self._uow() as tx:
                user = await _locked(tx, user_id)
                known = await tx.accounts.find(user_id)
                self._check_email(identity, user.email)
                account = GoogleAccount(
                    user_id=user_id,
                    subject=identity.subject,
                    email=identity.email,
                    scopes=scopes,
                    status=AccountStatus.CONNECTED,
                    refresh_token=self._token_to_keep(grant, identity, known, user_id),
                    linked_at=now,
                    version=1 if known is None else known.version + 1,
                )
                await tx.accounts.save(account)
                if not user.email_proven:
                    await _end_earlier_credentials(tx, user_id)
                if known is None or known.status is not AccountStatus.CONNECTED:
                    await tx.changes.renumber_pending(user_id)
                if known is not None and known.subject != identity.subject:
                    await leave_account(tx, user_id, now=now)
                if known is not None and known.status is AccountStatus.REAUTHORISATION_REQUIRED:
                    await tx.calendars.set_status(user_id, CalendarStatus.ACTIVE, now=now)
        except UnknownUserError:
            raise OAuthFlowError(INVALID_STATE, "The user is gone.") from None
        self._tokens.forget(user_id)
        previous = known.subject if known else None
        ended = not user.email_proven
        receipt = self.receipts.write(state, user_id, flow.return_to, credentials_ended=ended)
        return FinishedFlow(user_id, account, flow.return_to, previous, receipt, ended)

    def _check_email(self, identity: Identity, email: str) -> None:
        if not self._config.same_email_only:
            return
        if not identity.email_verified or identity.email.casefold() != email.casefold():
            raise OAuthFlowError(_MISMATCH, "The Google account has another e-mail address than the user.")

    def _token_to_keep(
        self, grant: TokenGrant, identity: Identity, known: GoogleAccount | None, user_id: UUID
    ) -> str:
        # What becomes of slots that are bound to the first account is decided when it is disconnected.
        if (
            known is not None
            and known.status is not AccountStatus.DISCONNECTED
            and known.subject != identity.subject
        ):
            raise OAuthFlowError(_MISMATCH, "Another Google account is linked; disconnect it first.")
        if grant.refresh_token is not None:
            return self._box.seal(grant.refresh_token, purpose=REFRESH_TOKEN, user_id=user_id)
        if known is not None and known.status is AccountStatus.CONNECTED and known.refresh_token is not None:
            return known.refresh_token
        raise OAuthFlowError("google-offline-access-missing", "Google gave no refresh token.")


async def _locked(tx: Transaction, user_id: UUID) -> User:
    await tx.users.lock(user_id)
    user = await tx.users.find(user_id)
    if user is None:
        raise UnknownUserError(user_id)
    return user


async def _end_earlier_credentials(tx: Transaction, user_id: UUID) -> None:
    """From now on the e-mail is proven, and only the browser that proved it goes on.

    Where anybody may register any address, whoever registered somebody else's holds a key, and would read and
    write the calendar that its real owner links (pre-hijacking, USENIX Security 2022). An address to which
    changes are told, or at which they can be read, is as good as a key.
    """
    await tx.keys.remove_all(user_id)
    await tx.sessions.remove_all(user_id)
    await tx.feeds.remove(user_id)
    await tx.subscriptions.remove_all(user_id)
    await tx.flows.remove_all(user_id)
    await tx.users.prove_email(user_id)
