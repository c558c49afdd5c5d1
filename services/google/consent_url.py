"""The URL at which a person consents, with the parameters that Google's own flow library gives it.

The library's `Flow` names the parameters and makes the PKCE challenge without any I/O. It insists on https
for the address though, while the endpoint is a setting here (a local stand-in has no certificate), so the
query is built for Google's address and put behind the configured one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.google.oauth_endpoints import OAuthConfig

_GOOGLE: str = "https://accounts.google.com/o/oauth2/v2/auth"


def consent_url(
    config: OAuthConfig,
    *,
    scopes: Sequence[str],
    state: str,
    code_verifier: str,
    nonce: str,
    **more: str,
) -> str:
    """Where to send the browser; `more` are further parameters, as Google names them."""
    from google_auth_oauthlib.flow import Flow

    client = {
        "client_id": config.client_id,
        "client_secret": config.client_secret,
        "auth_uri": _GOOGLE,
        "token_uri": config.token_uri,
    }
    flow = Flow.from_client_config(
        {"web": client},
        scopes=list(scopes),
        redirect_uri=config.redirect_uri,
        code_verifier=code_verifier,
        autogenerate_code_verifier=False,
    )
    url, _ = flow.authorization_url(state=state, nonce=nonce, **more)
    separator = "&" if urlsplit(config.auth_uri).query else "?"
    return f"{config.auth_uri}{separator}{urlsplit(url).query}"
