"""Users and their link to Google, as clients send and see them."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.sync_schemas import SyncStatusOut
from schemas.texts import storable
from services.core.accounts import AccountStatus
from services.user_service import UserView

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,253}")


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(storable(text)):
        raise ValueError("must be an e-mail address")
    return text


class UserIn(BaseModel):
    """A user to register."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"email": "ada@example.com", "name": "Ada"}]}
    )

    email: Annotated[str, Field(max_length=254), AfterValidator(str.strip), AfterValidator(_email)]
    name: Annotated[str, Field(max_length=256), AfterValidator(storable)] | None = None


class DisconnectIn(BaseModel):
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


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GoogleLinkOut(_Out):
    """How a user stands with Google."""

    connected: bool
    status: AccountStatus
    email: str | None
    scopes: list[str]
    since: datetime | None


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
    email: str
    name: str | None
    created_at: datetime
    google: GoogleLinkOut


class NewUserOut(UserOut):
    """A user with the key that is shown this once."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{**_USER, "api_key": "gcs_019a2c3e11d07b528c8e5d1f3f0a9b22_<43 characters>"}]
        },
    )

    api_key: str


class UserPageOut(_Out):
    """A page of users."""

    items: list[UserOut]
    next_cursor: str | None


class AuthorizationOut(_Out):
    """Where to send a browser."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"authorization_url": "http://localhost:8000/auth/google/authorize?ticket=..."}]
        },
    )

    authorization_url: str


class ConnectedOut(_Out):
    """The callback's answer where no frontend is configured."""

    status: Literal["connected"]
    user_id: UUID
    google_email: str
    sync: SyncStatusOut
