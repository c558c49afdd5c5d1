"""Repositories of users, their credentials and the Google accounts that they link.

What holds for all repositories stands in `services.core.storage`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from services.core.accounts import (
        ApiKey,
        GoogleAccount,
        KeyCanary,
        OAuthFlow,
        Session,
        SignInFlow,
        User,
    )


class UserRepository(Protocol):
    """Users."""

    async def add(self, user: User) -> None:
        """Store a new user.

        Raises:
            KnownEmailError: Another user has this e-mail, in whatever case.
        """

    async def find(self, user_id: UUID) -> User | None:
        """One user."""

    async def page(self, *, after: UUID | None, limit: int) -> list[User]:
        """Users in the order of their ids."""

    async def prove_email(self, user_id: UUID) -> None:
        """Note that the e-mail is the user's."""

    async def remove(self, user_id: UUID) -> None:
        """Erase a user with everything that belongs to it."""

    async def lock(self, user_id: UUID) -> None:
        """Become the only writer of this user's slots until the transaction ends.

        Raises:
            UnknownUserError: There is no such user (any more).
        """


class ApiKeyRepository(Protocol):
    """API keys."""

    async def add(self, key: ApiKey) -> None:
        """Store a new key."""

    async def find(self, key_id: UUID) -> ApiKey | None:
        """One key."""

    async def page(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[ApiKey]:
        """The user's keys in the order of their ids, expired ones too."""

    async def count(self, user_id: UUID) -> int:
        """How many keys the user has, expired ones too."""

    async def note_used(self, key: ApiKey, *, now: datetime) -> None:
        """Set `last_used_at`, unless the key was removed meanwhile."""

    async def remove(self, user_id: UUID, key_id: UUID) -> bool:
        """Forget one of the user's keys; whether there was such a one."""

    async def remove_all(self, user_id: UUID) -> None:
        """Forget all keys of the user."""


class SessionRepository(Protocol):
    """Signed-in browsers."""

    async def add(self, session: Session) -> None:
        """Store a new session."""

    async def find(self, session_id: UUID) -> Session | None:
        """One session, expired or not."""

    async def replace(self, session: Session, *, secret_hash: str) -> bool:
        """Replace the session if its secret is still the one with this hash; whether it was."""

    async def remove(self, user_id: UUID, session_id: UUID) -> None:
        """Forget one of the user's sessions, if there is such a one."""

    async def remove_all(self, user_id: UUID) -> None:
        """Forget all sessions of the user."""

    async def remove_expired(self, now: datetime) -> None:
        """Forget sessions that have ended."""


class GoogleAccountRepository(Protocol):
    """Linked Google accounts, one per user."""

    async def find(self, user_id: UUID) -> GoogleAccount | None:
        """The user's account."""

    async def find_many(self, user_ids: Collection[UUID]) -> dict[UUID, GoogleAccount]:
        """The accounts of several users."""

    async def with_subject(self, subject: str) -> list[GoogleAccount]:
        """All that are pinned to this Google account, disconnected ones too, linked latest first."""

    async def with_other_tokens(self, prefix: str, *, after: UUID | None, limit: int) -> list[UUID]:
        """The users whose stored refresh token does not begin with `prefix`, in the order of their ids."""

    async def save(self, account: GoogleAccount) -> None:
        """Insert or replace the user's account."""


class OAuthFlowRepository(Protocol):
    """Attempts to connect."""

    async def add(self, flow: OAuthFlow) -> None:
        """Store a new flow."""

    async def open(
        self, ticket_hash: str, *, state_hash: str, browser_hash: str, now: datetime
    ) -> OAuthFlow | None:
        """Use up the ticket once: bind the flow to a browser and a state; `None` if unknown, used or old."""

    async def consume(self, state_hash: str, *, now: datetime) -> OAuthFlow | None:
        """Take the opened flow out of the store, once; `None` if unknown, used or old."""

    async def remove_all(self, user_id: UUID) -> None:
        """Forget all flows of the user."""

    async def remove_expired(self, now: datetime) -> None:
        """Forget flows that nobody finished."""


class SignInFlowRepository(Protocol):
    """Attempts to sign in."""

    async def add(self, flow: SignInFlow) -> None:
        """Store a new flow."""

    async def consume(self, state_hash: str, *, now: datetime) -> SignInFlow | None:
        """Take the flow out of the store, once; `None` if unknown, used or old."""

    async def remove_expired(self, now: datetime) -> None:
        """Forget flows that nobody finished."""


class KeyCanaryRepository(Protocol):
    """One row for each key that stored secrets may be sealed with."""

    async def all(self) -> list[KeyCanary]:
        """All of them, in the order of their key ids."""

    async def add(self, canary: KeyCanary) -> None:
        """Store a canary; one that is there for the same key stays."""

    async def remove_others(self, key_id: str) -> None:
        """Forget the canaries of all other keys."""
