"""Keys, sessions, attempts to sign in and canaries in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persistence.failures import ConstraintError
from persistence.memory.state import NOBODY
from services.core.frozen import replace

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from persistence.memory.state import Workspace
    from services.core.accounts import ApiKey, KeyCanary, Session, SignInFlow


class MemoryApiKeyRepository:
    """Implements `ApiKeyRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def add(self, key: ApiKey) -> None:
        """Store a new key."""
        if await self.find(key.id) is not None:
            raise ConstraintError("api_keys")
        self._workspace.to_write("keys", key.user_id)[key.id] = key

    async def find(self, key_id: UUID) -> ApiKey | None:
        """One key."""
        for _, rows in self._workspace.users_with("keys"):
            if key_id in rows:
                found: ApiKey = rows[key_id]
                return found
        return None

    async def page(self, user_id: UUID, *, after: UUID | None, limit: int) -> list[ApiKey]:
        """The user's keys in the order of their ids, expired ones too."""
        rows = self._workspace.of("keys", user_id)
        return [rows[key_id] for key_id in sorted(rows) if after is None or key_id > after][:limit]

    async def count(self, user_id: UUID) -> int:
        """How many keys the user has, expired ones too."""
        return len(self._workspace.of("keys", user_id))

    async def note_used(self, key: ApiKey, *, now: datetime) -> None:
        """Set `last_used_at`, unless the key was removed meanwhile."""
        known = self._workspace.of("keys", key.user_id).get(key.id)
        if known is not None:
            self._workspace.to_write("keys", key.user_id)[key.id] = replace(known, last_used_at=now)

    async def remove(self, user_id: UUID, key_id: UUID) -> bool:
        """Forget one of the user's keys; whether there was such a one."""
        if key_id not in self._workspace.of("keys", user_id):
            return False
        del self._workspace.to_write("keys", user_id)[key_id]
        return True

    async def remove_all(self, user_id: UUID) -> None:
        """Forget all keys of the user."""
        if self._workspace.of("keys", user_id):
            self._workspace.to_write("keys", user_id).clear()


class MemorySessionRepository:
    """Implements `SessionRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def add(self, session: Session) -> None:
        """Store a new session."""
        if await self.find(session.id) is not None:
            raise ConstraintError("sessions")
        self._workspace.to_write("sessions", session.user_id)[session.id] = session

    async def find(self, session_id: UUID) -> Session | None:
        """One session, expired or not."""
        return next((session for session in self._all() if session.id == session_id), None)

    async def replace(self, session: Session, *, secret_hash: str) -> bool:
        """Replace the session if its secret is still the one with this hash; whether it was."""
        known = self._workspace.of("sessions", session.user_id).get(session.id)
        if known is None or known.secret_hash != secret_hash:
            return False
        self._workspace.to_write("sessions", session.user_id)[session.id] = session
        return True

    async def remove(self, user_id: UUID, session_id: UUID) -> None:
        """Forget one of the user's sessions, if there is such a one."""
        if session_id in self._workspace.of("sessions", user_id):
            del self._workspace.to_write("sessions", user_id)[session_id]

    async def remove_all(self, user_id: UUID) -> None:
        """Forget all sessions of the user."""
        if self._workspace.of("sessions", user_id):
            self._workspace.to_write("sessions", user_id).clear()

    async def remove_expired(self, now: datetime) -> None:
        """Forget sessions that have ended."""
        for session in self._all():
            if session.expires_at <= now:
                await self.remove(session.user_id, session.id)

    def _all(self) -> list[Session]:
        return [session for _, rows in self._workspace.users_with("sessions") for session in rows.values()]


class MemorySignInFlowRepository:
    """Implements `SignInFlowRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def add(self, flow: SignInFlow) -> None:
        """Store a new flow."""
        if flow.state_hash in self._workspace.of("sign_ins", NOBODY):
            raise ConstraintError("sign_in_flows")
        self._workspace.to_write("sign_ins", NOBODY)[flow.state_hash] = flow

    async def consume(self, state_hash: str, *, now: datetime) -> SignInFlow | None:
        """Take the flow out of the store, once; `None` if unknown, used or old."""
        flow: SignInFlow | None = self._workspace.of("sign_ins", NOBODY).get(state_hash)
        if flow is None or flow.expires_at <= now:
            return None
        del self._workspace.to_write("sign_ins", NOBODY)[state_hash]
        return flow

    async def remove_expired(self, now: datetime) -> None:
        """Forget flows that nobody finished."""
        for flow in list(self._workspace.of("sign_ins", NOBODY).values()):
            if flow.expires_at <= now:
                del self._workspace.to_write("sign_ins", NOBODY)[flow.state_hash]


class MemoryKeyCanaryRepository:
    """Implements `KeyCanaryRepository`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def all(self) -> list[KeyCanary]:
        """All of them, in the order of their key ids."""
        rows = self._workspace.of("canaries", NOBODY)
        return [rows[key_id] for key_id in sorted(rows)]

    async def add(self, canary: KeyCanary) -> None:
        """Store a canary; one that is there for the same key stays."""
        self._workspace.to_write("canaries", NOBODY).setdefault(canary.key_id, canary)

    async def remove_others(self, key_id: str) -> None:
        """Forget the canaries of all other keys."""
        for other in list(self._workspace.of("canaries", NOBODY)):
            if other != key_id:
                del self._workspace.to_write("canaries", NOBODY)[other]
