"""Users, their credentials and the Google accounts that they link."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class User:
    """A person, known by e-mail."""

    id: UUID
    email: str
    name: str | None
    created_at: datetime
    email_proven: bool = False
    """Whether the e-mail is known to be the user's: an administrator or the machine's own user registered it,
    or Google said so. Nobody may rely on credentials that were given out before that."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A credential of a user; the secret itself is never kept."""

    id: UUID
    user_id: UUID
    secret_hash: str
    """SHA-256 in hex of the 256-bit secret."""
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    """`None`: until it is revoked."""
    last_used_at: datetime | None = None
    """About when a request last came with it; `None`: never."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that a user signed in with; the secret in its cookie is never kept."""

    id: UUID
    user_id: UUID
    secret_hash: str
    """SHA-256 in hex of the 256-bit secret."""
    created_at: datetime
    rotated_at: datetime
    """Since when the secret is the one that counts."""
    last_used_at: datetime
    expires_at: datetime
    """When it ends if it is not used again; never later than its lifetime allows."""
    previous_hash: str | None = None
    """Of the secret before; `None`: there was none."""


@dataclass(frozen=True, slots=True)
class Feed:
    """The address under which a user's calendar can be subscribed to; one per user."""

    user_id: UUID
    id: UUID
    """Stands in the address, for the look-up."""
    secret_hash: str
    """SHA-256 in hex of the 256-bit secret, which stands in the address too and is never kept."""
    created_at: datetime
    last_used_at: datetime | None = None
    """About when a program last asked; `None`: never."""


class AccountStatus(StrEnum):
    """Whether a linked Google account can be used."""

    CONNECTED = "connected"
    REAUTHORISATION_REQUIRED = "reauthorisation_required"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class GoogleAccount:
    """The Google account that a user linked; one per user."""

    user_id: UUID
    subject: str
    """Google's stable account id (`sub`); accounts are known by it, never by e-mail."""
    email: str
    scopes: tuple[str, ...]
    """What was granted, which may be less than what was asked for."""
    status: AccountStatus
    refresh_token: str | None
    """Encrypted; `None` once disconnected."""
    linked_at: datetime
    version: int = 1
    """Grows with each stored token, so that a late refusal of an old token cannot undo a new link."""


@dataclass(frozen=True, slots=True)
class OAuthFlow:
    """One attempt to connect Google, from ticket to callback."""

    id: UUID
    user_id: UUID
    ticket_hash: str
    """SHA-256 in hex of the single-use ticket in the authorization URL."""
    state_hash: str
    browser_hash: str | None
    """SHA-256 in hex of the cookie of the browser that opened the ticket; `None` before that."""
    code_verifier: str
    """PKCE, encrypted."""
    nonce: str
    return_to: str | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignInFlow:
    """One attempt to sign in with Google; whose it is shows only in the end."""

    id: UUID
    state_hash: str
    browser_hash: str
    """SHA-256 in hex of the cookie of the browser that began it."""
    code_verifier: str
    """PKCE, encrypted for this flow's id."""
    nonce: str
    return_to: str | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class KeyCanary:
    """A text sealed with a key that stored secrets are sealed with: who cannot open it lacks that key."""

    key_id: str
    sealed: str
    created_at: datetime
