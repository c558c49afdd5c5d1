"""Linking a Google account: from a single-use ticket over Google's consent page to a stored grant.

The ticket binds the flow to one browser by a cookie secret before Google is involved, and only that browser
can finish it. Flows are kept as hashes; the PKCE verifier is encrypted. Every step that uses something up
does so before it calls Google, and no call to Google happens inside a transaction.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from services.bindings import leave_account
from services.core.accounts import AccountStatus, GoogleAccount, OAuthFlow
from services.core.calendars import CalendarStatus
from services.core.errors import OAuthFlowError, UnknownUserError, VendorError
from services.google.consent_url import consent_url
from services.google.flows import FinishedFlow, OpenedFlow
from services.google.oauth_endpoints import (
    ALL_OF_CALENDAR_SCOPE,
    EVENTS_SCOPE,
    GrantRefusedError,
    OAuthConfig,
)
from services.google.receipts import Receipts
from services.token_service import REFRESH_TOKEN

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.ports import Clock, Ids, SecretBox
    from services.core.storage import UnitOfWork
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
]

AUTHORIZE_PATH: Final = "/auth/google/authorize"
TICKET_LIFETIME: Final = timedelta(minutes=5)
"""From asking for the URL to opening it in a browser."""
FLOW_LIFETIME: Final = timedelta(minutes=10)
"""From asking for the URL to coming back from Google."""

_CODE_VERIFIER: Final = "oauth-code-verifier"
_INVALID_STATE: Final = "oauth-state-invalid"
_NO_EXCHANGE: Final = "google-token-exchange-failed"
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
        self.receipts = Receipts(uow=uow, clock=clock, box=box)

    async def start(self, user_id: UUID, return_to: str | None = None) -> str:
        """Begin a flow.

        Args:
            user_id: Who wants to link an account.
            return_to: Where the browser goes in the end; the caller has checked it.

        Returns:
            An absolute URL on this service, good once and for `TICKET_LIFETIME`, in any browser.
        """
        now = self._clock.now()
        ticket = self._ids.secret()
        flow = OAuthFlow(
            id=self._ids.uuid(),
            user_id=user_id,
            ticket_hash=_hash(ticket),
            # Nobody knows a text with this hash; the real state is drawn when a browser opens the ticket.
            state_hash=_hash(self._ids.secret()),
            browser_hash=None,
            code_verifier=self._box.seal(self._ids.secret(48), purpose=_CODE_VERIFIER, user_id=user_id),
            nonce=self._ids.secret(),
            return_to=return_to,
            created_at=now,
            expires_at=now + FLOW_LIFETIME,
        )
        async with self._uow() as tx:
            await tx.flows.remove_expired(now)
            await tx.flows.add(flow)
        base = self._config.public_base_url.rstrip("/")
        return f"{base}{AUTHORIZE_PATH}?{urlencode({'ticket': ticket})}"

    async def open(self, ticket: str) -> OpenedFlow:
        """Use up a ticket in the browser that is to finish the flow.

        Raises:
            OAuthFlowError: `oauth-state-invalid`: it is unknown, used or too old.
        """
        now = self._clock.now()
        state, browser_secret = self._ids.secret(), self._ids.secret()
        async with self._uow() as tx:
            flow = await tx.flows.open(
                _hash(ticket), state_hash=_hash(state), browser_hash=_hash(browser_secret), now=now
            )
            user = None if flow is None else await tx.users.find(flow.user_id)
        if flow is None or user is None or now >= flow.created_at + TICKET_LIFETIME:
            raise OAuthFlowError(_INVALID_STATE, "The link is unknown, was used already or is too old.")
        # In a thread, since the first call imports Google's library.
        url = await asyncio.to_thread(
            consent_url,
            self._config,
            state=state,
            code_verifier=self._verifier(flow),
            nonce=flow.nonce,
            login_hint=user.email,
        )
        return OpenedFlow(url, browser_secret)

    async def finish(
        self,
        *,
        state: str | None,
        code: str | None,
        browser_secret: str | None,
        error: str | None = None,
        scope: str | None = None,
        issuer: str | None = None,
    ) -> FinishedFlow:
        """Take what Google's redirect brought, and store the account.

        Args:
            state: As it came back.
            code: As it came back, decoded.
            browser_secret: From the cookie.
            error: As it came back.
            scope: What was granted, as it came back; the token endpoint's word counts more.
            issuer: The `iss` parameter, if one came.

        Raises:
            OAuthFlowError: With the slug of what went wrong.
        """
        flow = await self._consume(state, browser_secret)
        if error:
            if error == "access_denied":
                raise OAuthFlowError("google-consent-denied", "Access was not granted.")
            raise OAuthFlowError(_NO_EXCHANGE, "Google ended the authorization with an error.")
        if not code:
            raise OAuthFlowError(_NO_EXCHANGE, "Google sent no code.")
        if issuer is not None and issuer not in self._config.issuers:
            raise OAuthFlowError(_NO_EXCHANGE, "The answer names another issuer.")
        grant = await self._exchange(code, flow)
        scopes = grant.scopes or tuple((scope or "").split())
        await self._require_events_scope(flow.user_id, grant, scopes)
        identity = await self._identity(grant, flow)
        return await self._store(flow, grant, identity, scopes, state or "")

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

    async def _consume(self, state: str | None, browser_secret: str | None) -> OAuthFlow:
        flow = None
        if state:
            async with self._uow() as tx:
                flow = await tx.flows.consume(_hash(state), now=self._clock.now())
        if flow is None:
            raise OAuthFlowError(_INVALID_STATE, "The authorization is unknown, finished or too old.")
        if not hmac.compare_digest(flow.browser_hash or "", _hash(browser_secret or "")):
            raise OAuthFlowError("oauth-browser-mismatch", "Another browser began this authorization.")
        return flow

    async def _exchange(self, code: str, flow: OAuthFlow) -> TokenGrant:
        try:
            return await self._endpoints.exchange(code, self._verifier(flow))
        except GrantRefusedError:
            raise OAuthFlowError(_NO_EXCHANGE, "Google did not accept the code.") from None
        except VendorError as error:
            raise OAuthFlowError(
                _NO_EXCHANGE, f"Google did not give tokens ({error.reason or error.failure})."
            ) from error

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

    async def _identity(self, grant: TokenGrant, flow: OAuthFlow) -> Identity:
        try:
            identity = await self._endpoints.identity(grant.access_token)
        except VendorError as error:
            raise OAuthFlowError(
                _NO_EXCHANGE, f"Google did not say whose account it is ({error.reason or error.failure})."
            ) from error
        claims = grant.id_claims
        if claims is not None and (
            claims.get("sub") != identity.subject
            or claims.get("nonce") != flow.nonce
            or claims.get("aud") != self._config.client_id
            or claims.get("iss", self._config.issuers[0]) not in self._config.issuers
        ):
            raise OAuthFlowError(_NO_EXCHANGE, "The identity token does not belong to this authorization.")
        return identity

    async def _store(
        self, flow: OAuthFlow, grant: TokenGrant, identity: Identity, scopes: tuple[str, ...], state: str
    ) -> FinishedFlow:
        user_id, now = flow.user_id, self._clock.now()
        try:
            async with self._uow() as tx:
                await tx.users.lock(user_id)
                user = await tx.users.find(user_id)
                known = await tx.accounts.find(user_id)
                self._check_email(identity, user.email if user else "")
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
                if known is not None and known.subject != identity.subject:
                    await leave_account(tx, user_id, now=now)
                if known is not None and known.status is AccountStatus.REAUTHORISATION_REQUIRED:
                    await tx.calendars.set_status(user_id, CalendarStatus.ACTIVE, now=now)
        except UnknownUserError:
            raise OAuthFlowError(_INVALID_STATE, "The user is gone.") from None
        self._tokens.forget(user_id)
        previous = known.subject if known else None
        receipt = self.receipts.write(state, user_id, flow.return_to)
        return FinishedFlow(user_id, account, flow.return_to, previous, receipt)

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

    def _verifier(self, flow: OAuthFlow) -> str:
        return self._box.open(flow.code_verifier, purpose=_CODE_VERIFIER, user_id=flow.user_id)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
