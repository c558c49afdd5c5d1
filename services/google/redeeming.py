"""What came back from Google's consent page, redeemed: a grant, and whose it is.

Shared by linking an account and by signing in; both use up their flow before they come here.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from services.core.errors import DecryptionError, OAuthFlowError, VendorError
from services.google.oauth_endpoints import GrantRefusedError

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.ports import SecretBox
    from services.google.flows import Returned
    from services.google.oauth_endpoints import Identity, OAuthConfig, OAuthEndpoints, TokenGrant

INVALID_STATE: Final = "oauth-state-invalid"
NO_EXCHANGE: Final = "google-token-exchange-failed"

_CODE_VERIFIER: Final = "oauth-code-verifier"


class Redeemer:
    """Redeems codes, and finds out who consented."""

    def __init__(self, *, endpoints: OAuthEndpoints, box: SecretBox, config: OAuthConfig) -> None:
        self._endpoints = endpoints
        self._box = box
        self._config = config

    def seal_verifier(self, verifier: str, owner: UUID) -> str:
        """A PKCE verifier as it is stored; `owner` is the user's id, or the flow's where there is no user."""
        return self._box.seal(verifier, purpose=_CODE_VERIFIER, user_id=owner)

    def open_verifier(self, sealed: str, owner: UUID) -> str:
        """The inverse of `seal_verifier`.

        Raises:
            OAuthFlowError: `oauth-state-invalid`: its key is gone, so it was sealed long ago.
        """
        try:
            return self._box.open(sealed, purpose=_CODE_VERIFIER, user_id=owner)
        except DecryptionError:
            raise OAuthFlowError(INVALID_STATE, "The authorization is too old.") from None

    async def redeem(self, returned: Returned, verifier: str) -> TokenGrant:
        """The grant for the code that came back.

        Raises:
            OAuthFlowError: There is no code, or Google does not take it.
        """
        if returned.error:
            if returned.error == "access_denied":
                raise OAuthFlowError("google-consent-denied", "Access was not granted.")
            raise OAuthFlowError(NO_EXCHANGE, "Google ended the authorization with an error.")
        if not returned.code:
            raise OAuthFlowError(NO_EXCHANGE, "Google sent no code.")
        if returned.issuer is not None and returned.issuer not in self._config.issuers:
            raise OAuthFlowError(NO_EXCHANGE, "The answer names another issuer.")
        try:
            return await self._endpoints.exchange(returned.code, verifier)
        except GrantRefusedError:
            raise OAuthFlowError(NO_EXCHANGE, "Google did not accept the code.") from None
        except VendorError as error:
            raise OAuthFlowError(
                NO_EXCHANGE, f"Google did not give tokens ({error.reason or error.failure})."
            ) from error

    async def identity(self, grant: TokenGrant, nonce: str) -> Identity:
        """Who consented, as both the userinfo endpoint and the id token have it.

        Raises:
            OAuthFlowError: Google does not say, or the id token is of another authorization.
        """
        try:
            identity = await self._endpoints.identity(grant.access_token)
        except VendorError as error:
            raise OAuthFlowError(
                NO_EXCHANGE, f"Google did not say whose account it is ({error.reason or error.failure})."
            ) from error
        claims = grant.id_claims
        if claims is not None and (
            claims.get("sub") != identity.subject
            or claims.get("nonce") != nonce
            or claims.get("aud") != self._config.client_id
            or claims.get("iss", self._config.issuers[0]) not in self._config.issuers
        ):
            raise OAuthFlowError(NO_EXCHANGE, "The identity token does not belong to this authorization.")
        return identity


def require_browser(browser_hash: str | None, browser_secret: str | None) -> None:
    """Only the browser that began a flow may finish it.

    Raises:
        OAuthFlowError: `oauth-browser-mismatch`.
    """
    if not hmac.compare_digest(browser_hash or "", hashed(browser_secret or "")):
        raise OAuthFlowError("oauth-browser-mismatch", "Another browser began this authorization.")


def hashed(secret: str) -> str:
    """The form in which states, tickets and browser secrets are stored."""
    return hashlib.sha256(secret.encode()).hexdigest()
