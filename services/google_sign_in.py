"""Signing in with Google, for who is known already: it links nothing, creates nobody, and asks for no access.

Google says which account the person has (`openid email`); the user is the one who linked that account, by its
`sub`. The flow is bound to the browser from its first step, used once, and as protected as linking is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from services.core.accounts import SignInFlow
from services.core.errors import OAuthFlowError
from services.google.consent_url import consent_url
from services.google.flows import OpenedFlow, SignedIn
from services.google.oauth_endpoints import IDENTITY_SCOPES, OAuthConfig
from services.google.redeeming import INVALID_STATE, Redeemer, hashed, require_browser
from services.google_oauth import FLOW_LIFETIME

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.ports import Clock, Ids, SecretBox
    from services.core.storage import Transaction, UnitOfWork
    from services.google.flows import Returned
    from services.google.oauth_endpoints import Identity, OAuthEndpoints

_STATE_PREFIX: Final = "in."
"""Tells which table a state is looked up in, and nothing else."""


class GoogleSignIn:
    """Signs known people in."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        endpoints: OAuthEndpoints,
        clock: Clock,
        ids: Ids,
        box: SecretBox,
        config: OAuthConfig,
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids
        self._config = config
        self._redeemer = Redeemer(endpoints=endpoints, box=box, config=config)

    async def begin(self, return_to: str | None = None) -> OpenedFlow:
        """Begin a flow in the browser that asks.

        Args:
            return_to: Where the browser goes in the end; the caller has checked it.
        """
        now, flow_id = self._clock.now(), self._ids.uuid()
        state, secret = f"{_STATE_PREFIX}{self._ids.secret()}", self._ids.secret()
        verifier, nonce = self._ids.secret(48), self._ids.secret()
        flow = SignInFlow(
            id=flow_id,
            state_hash=hashed(state),
            browser_hash=hashed(secret),
            code_verifier=self._redeemer.seal_verifier(verifier, flow_id),
            nonce=nonce,
            return_to=return_to,
            created_at=now,
            expires_at=now + FLOW_LIFETIME,
        )
        async with self._uow() as tx:
            await tx.sign_ins.remove_expired(now)
            await tx.sign_ins.add(flow)
        # In a thread, since the first call imports Google's library.
        url = await asyncio.to_thread(
            consent_url,
            self._config,
            scopes=IDENTITY_SCOPES,
            state=state,
            code_verifier=verifier,
            nonce=nonce,
            # Google's library asks for a refresh token unless told not to.
            access_type="online",
            prompt="select_account",
        )
        return OpenedFlow(url, secret)

    def owns(self, state: str | None) -> bool:
        """Whether a callback with this state belongs to a sign-in rather than to a link."""
        return state is not None and state.startswith(_STATE_PREFIX)

    async def finish(self, returned: Returned) -> SignedIn:
        """Take what Google's redirect brought, and say who it is.

        The grant is dropped and not revoked: revoking would end the person's link as well.

        Raises:
            OAuthFlowError: With the slug of what went wrong; `google-account-unknown`: nobody linked it.
        """
        async with self._uow() as tx:
            flow = await tx.sign_ins.consume(hashed(returned.state or ""), now=self._clock.now())
        if flow is None:
            raise OAuthFlowError(INVALID_STATE, "The sign-in is unknown, finished or too old.")
        require_browser(flow.browser_hash, returned.browser_secret)
        verifier = self._redeemer.open_verifier(flow.code_verifier, flow.id)
        grant = await self._redeemer.redeem(returned, verifier)
        identity = await self._redeemer.identity(grant, flow.nonce)
        async with self._uow.reading() as tx:
            user_id = await self._user_of(tx, identity)
        if user_id is None:
            raise OAuthFlowError("google-account-unknown", "Nobody has linked this Google account here.")
        return SignedIn(user_id, identity.email, flow.return_to)

    async def _user_of(self, tx: Transaction, identity: Identity) -> UUID | None:
        """The user who linked the account; of several the one with its e-mail, else the latest.

        There may be several since a Google account can change its address, but all are the same person's.
        """
        accounts = await tx.accounts.with_subject(identity.subject)
        for account in accounts:
            user = await tx.users.find(account.user_id)
            if user is not None and user.email.casefold() == identity.email.casefold():
                return user.id
        return accounts[0].user_id if accounts else None
