"""Users and their link to Google, as clients send and see them."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from schemas.common import Documented
from schemas.sync_schemas import STATUS_EXAMPLE, SyncStatusOut
from schemas.texts import storable
from services.core.accounts import AccountStatus
from services.user_service import UserView

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,253}")


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(storable(text)):
        raise ValueError("must be an e-mail address")
    return text


class UserIn(Documented):
    """A user to register."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"email": "ada@example.com", "name": "Ada"}]}
    )

    email: Annotated[str, Field(max_length=254), AfterValidator(str.strip), AfterValidator(_email)]
    """Known to nobody else; capital letters make no difference."""
    name: Annotated[str, Field(max_length=256), AfterValidator(storable)] | None = None
    """As people call the user."""


class DisconnectIn(Documented):
    """What becomes of the slots when Google is disconnected."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"remote": "keep"}]})

    remote: Literal["keep", "delete"] = "keep"
    """`delete` removes from Google what the app created there."""
    local: Literal["keep", "delete"] = "keep"
    """`delete` removes from the app what came from Google."""


def google_body(view: UserView) -> dict[str, Any]:
    """How a user stands with Google, as JSON values."""
    account = view.account
    if account is None or account.status is AccountStatus.DISCONNECTED:
        return {"connected": False, "status": "disconnected", "email": None, "scopes": [], "since": None}
    return {
        "connected": account.status is AccountStatus.CONNECTED,
        "status": account.status.value,
        "email": account.email,
        "scopes": list(account.scopes),
        "since": account.linked_at,
    }


def user_body(view: UserView) -> dict[str, Any]:
    """A user as JSON values."""
    user = view.user
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "created_at": user.created_at,
        "google": google_body(view),
    }


class _Out(Documented):
    model_config = ConfigDict(extra="forbid")


class GoogleLinkOut(_Out):
    """How a user stands with Google."""

    connected: bool
    """Whether Google accepts the stored grant, as far as is known."""
    status: AccountStatus
    """`reauthorisation_required`: Google no longer accepts the grant, and only linking again helps."""
    email: str | None
    """Of the Google account; null when none is linked."""
    scopes: list[str]
    """What was granted, as Google names it."""
    since: datetime | None
    """When the account was linked."""


_USER: dict[str, Any] = {
    "id": "019a2c3e-11d0-7b52-8c8e-5d1f3f0a9b21",
    "email": "ada@example.com",
    "name": "Ada",
    "created_at": "2026-06-20T08:00:00+00:00",
    "google": {"connected": False, "status": "disconnected", "email": None, "scopes": [], "since": None},
}


class UserOut(_Out):
    """A user."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_USER]})

    id: UUID
    """A UUID."""
    email: str
    """As it was registered."""
    name: str | None
    """As people call the user; null when nobody said."""
    created_at: datetime
    """When the user was registered."""
    google: GoogleLinkOut
    """How the user stands with Google."""


class NewUserOut(UserOut):
    """A user with the key that is shown this once."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{**_USER, "api_key": "gcs_019a2c3e11d07b528c8e5d1f3f0a9b22_<43 characters>"}]
        },
    )

    api_key: str
    """For `Authorization: Bearer <api key>`; nobody can read it again."""


class UserPageOut(_Out):
    """A page of users."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_USER], "next_cursor": None}]}
    )

    items: list[UserOut]
    """In the order of the list."""
    next_cursor: str | None
    """For the next page, as `cursor`; null on the last one."""


class AuthorizationOut(_Out):
    """Where to send a browser."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"authorization_url": "http://localhost:8000/auth/google/authorize?ticket=..."}]
        },
    )

    authorization_url: str
    """To open in the browser of the person, once, within five minutes."""


_CONNECTED: dict[str, Any] = {
    "status": "connected",
    "user_id": _USER["id"],
    "google_email": _USER["email"],
    "earlier_credentials_ended": False,
    "sync": STATUS_EXAMPLE,
}


class ConnectedOut(_Out):
    """The callback's answer where no frontend is configured."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_CONNECTED]})

    status: Literal["connected", "signed_in"]
    """`signed_in`: the account was linked before, and the browser is signed in."""
    user_id: UUID
    """Whose account it is."""
    google_email: str
    """Of the Google account."""
    earlier_credentials_ended: bool
    """Whether every API key, session and feed address from before is void, since until now anybody could have
    registered this e-mail. The browser is signed in, and can make new ones."""
    sync: SyncStatusOut
    """How the sync stands, which has just begun for a new link."""
