"""Users, accounts and flows in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persistence.failures import ConstraintError
from persistence.repositories.user_repository import email_key
from persistence.types import without_nul
from services.core.errors import KnownEmailError, UnknownUserError
from services.core.frozen import replace

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from persistence.memory.state import Workspace
    from services.core.accounts import GoogleAccount, OAuthFlow, User


class MemoryUserRepository:
    """Implements `UserRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._sequences = workspace.sequences

    async def add(self, user: User) -> None:
        """Store a new user."""
        key = email_key(user.email)
        for _, rows in self._workspace.users_with("users"):
            if any(email_key(known.email) == key for known in rows.values()):
                raise KnownEmailError
        self._workspace.to_write("users", user.id)[user.id] = user

    async def find(self, user_id: UUID) -> User | None:
        """One user."""
        return self._workspace.of("users", user_id).get(user_id)

    async def page(self, *, after: UUID | None, limit: int) -> list[User]:
        """Users in the order of their ids."""
        ids = sorted(user_id for user_id, _ in self._workspace.users_with("users"))
        behind = [user_id for user_id in ids if after is None or user_id > after]
        return [self._workspace.of("users", user_id)[user_id] for user_id in behind[:limit]]

    async def prove_email(self, user_id: UUID) -> None:
        """Note that the e-mail is the user's."""
        known = await self.find(user_id)
        if known is not None:
            self._workspace.to_write("users", user_id)[user_id] = replace(known, email_proven=True)

    async def remove(self, user_id: UUID) -> None:
        """Erase a user with everything that belongs to it."""
        self._workspace.erase(user_id)
        self._sequences.forget(user_id)

    async def lock(self, user_id: UUID) -> None:
        """Become the only writer of this user's slots until the transaction ends."""
        if user_id not in self._workspace.of("users", user_id):
            raise UnknownUserError(user_id)
        self._sequences.begin(user_id, self._workspace.last_seq(user_id))


class MemoryGoogleAccountRepository:
    """Implements `GoogleAccountRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def find(self, user_id: UUID) -> GoogleAccount | None:
        """The user's account."""
        return self._workspace.of("accounts", user_id).get(user_id)

    async def find_many(self, user_ids: Collection[UUID]) -> dict[UUID, GoogleAccount]:
        """The accounts of several users."""
        found = {user_id: await self.find(user_id) for user_id in user_ids}
        return {user_id: account for user_id, account in found.items() if account is not None}

    async def with_subject(self, subject: str) -> list[GoogleAccount]:
        """All that are pinned to this Google account, disconnected ones too, linked latest first."""
        found = [account for account in self._all() if account.subject == subject]
        return sorted(found, key=lambda account: (account.linked_at, account.user_id), reverse=True)

    async def with_other_tokens(self, prefix: str, *, after: UUID | None, limit: int) -> list[UUID]:
        """The users whose stored refresh token does not begin with `prefix`, in the order of their ids."""
        found = (
            account.user_id
            for account in self._all()
            if account.refresh_token is not None
            and not account.refresh_token.startswith(prefix)
            and (after is None or account.user_id > after)
        )
        return sorted(found)[:limit]

    async def save(self, account: GoogleAccount) -> None:
        """Insert or replace the user's account."""
        stored = replace(account, email=without_nul(account.email))
        self._workspace.to_write("accounts", account.user_id)[account.user_id] = stored

    def _all(self) -> list[GoogleAccount]:
        return [account for _, rows in self._workspace.users_with("accounts") for account in rows.values()]


class MemoryOAuthFlowRepository:
    """Implements `OAuthFlowRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def add(self, flow: OAuthFlow) -> None:
        """Store a new flow."""
        taken = {flow.ticket_hash, flow.state_hash}
        if any(taken & {known.ticket_hash, known.state_hash} for known in self._all()):
            raise ConstraintError("oauth_flows")
        self._workspace.to_write("flows", flow.user_id)[flow.id] = flow

    async def open(
        self, ticket_hash: str, *, state_hash: str, browser_hash: str, now: datetime
    ) -> OAuthFlow | None:
        """Use up the ticket once: bind the flow to a browser and a state; `None` if unknown, used or old."""
        for flow in self._all():
            if flow.ticket_hash == ticket_hash and flow.browser_hash is None and flow.expires_at > now:
                opened = replace(flow, state_hash=state_hash, browser_hash=browser_hash)
                self._workspace.to_write("flows", flow.user_id)[flow.id] = opened
                return opened
        return None

    async def consume(self, state_hash: str, *, now: datetime) -> OAuthFlow | None:
        """Take the opened flow out of the store, once; `None` if unknown, used or old."""
        for flow in self._all():
            if flow.state_hash == state_hash and flow.browser_hash is not None and flow.expires_at > now:
                del self._workspace.to_write("flows", flow.user_id)[flow.id]
                return flow
        return None

    async def remove_all(self, user_id: UUID) -> None:
        """Forget all flows of the user."""
        if self._workspace.of("flows", user_id):
            self._workspace.to_write("flows", user_id).clear()

    async def remove_expired(self, now: datetime) -> None:
        """Forget flows that nobody finished."""
        for flow in self._all():
            if flow.expires_at <= now:
                del self._workspace.to_write("flows", flow.user_id)[flow.id]

    def _all(self) -> list[OAuthFlow]:
        return [flow for _, rows in self._workspace.users_with("flows") for flow in rows.values()]
