"""Why an account was not linked, as a person reads it in a browser: what happened, and what to do next."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from services.core.errors import OAuthFlowError

_STATUS = {
    "google-account-mismatch": HTTPStatus.FORBIDDEN,
    "google-account-unknown": HTTPStatus.FORBIDDEN,
    "google-consent-denied": HTTPStatus.FORBIDDEN,
    "google-scope-missing": HTTPStatus.FORBIDDEN,
    "google-not-configured": HTTPStatus.CONFLICT,
}


_NEXT_STEP = {
    "oauth-browser-mismatch": "Ask the app for a new link and stay in one browser until the end.",
    "google-account-mismatch": "Ask the app for a new link and choose the right Google account.",
    "google-account-unknown": "Register first (POST /auth/users) and link it; signing in creates nobody.",
    "google-consent-denied": "Nothing was stored; ask the app for a new link to allow it after all.",
    "google-scope-missing": "Ask the app for a new link and leave the box for calendar events ticked.",
    "google-offline-access-missing": "Remove this app at https://myaccount.google.com/connections, then ask "
    "it for a new link.",
    "google-not-configured": "Whoever runs it has to set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET.",
}
_AGAIN = "Ask the app for a new link (GET /auth/google/authorize) and try again."


def failed_link(error: OAuthFlowError) -> Mapping[str, Any]:
    """The members of its problem document, on top of the row's."""
    status = _STATUS.get(error.slug, HTTPStatus.BAD_REQUEST)
    detail = f"{error.detail} {_NEXT_STEP.get(error.slug, _AGAIN)}"
    return {"slug": error.slug, "detail": detail, "status": int(status)}
