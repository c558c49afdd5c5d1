"""Browser sessions: begun by signing in with Google, carried by a cookie, ended by time or by their user.

As with keys, whether a session is valid is read from its row at each request.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.core.accounts import Session
from services.core.credentials import (
    SESSION_PREFIX,
    Principal,
    SessionPolicy,
    Verdict,
    hash_secret,
    judge,
    read_credential,
    rotated,
    used,
    write_credential,
)
from services.core.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from services.core.ports import Clock, Ids
    from services.core.storage import UnitOfWork

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Token:
    """What a browser gets to keep in the cookie."""

    text: str = field(repr=False)
    lifetime: timedelta
    """How long it is worth keeping."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A request that came with a valid session."""

    principal: Principal
    token: Token | None
    """What replaces the cookie; `None`: it stays."""


class SessionService:
    """Begins, recognises and ends sessions."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock, ids: Ids, policy: SessionPolicy) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids
        self._policy = policy

    async def begin(self, user_id: UUID, *, before: str | None) -> Token:
        """Sign a browser in.

        Args:
            user_id: Who signed in.
            before: The cookie that the browser came with. Its session ends: nobody who knew that cookie may
                be signed in by what the user does (session fixation), and a browser has one session.
        """
        now, secret = self._clock.now(), self._ids.secret()
        session = Session(
            id=self._ids.uuid(),
            user_id=user_id,
            secret_hash=hash_secret(secret),
            created_at=now,
            rotated_at=now,
            last_used_at=now,
            expires_at=self._policy.expiry(now, now),
        )
        old_id, old_secret = read_credential(SESSION_PREFIX, before or "")
        async with self._uow() as tx:
            old = await tx.sessions.find(old_id)
            if old is not None and self._judged(old, old_secret, now) is not Verdict.REFUSED:
                await tx.sessions.remove(old.user_id, old.id)
            await tx.sessions.add(session)
        return self._token(session, secret, now)

    async def recognise(self, token: str) -> Recognised | None:
        """Whose session a cookie is of; `None`: of nobody, or of a session that is over."""
        session_id, secret = read_credential(SESSION_PREFIX, token)
        now = self._clock.now()
        async with self._uow.reading() as tx:
            session = await tx.sessions.find(session_id)
        verdict = self._judged(session, secret, now)
        if session is None or verdict is Verdict.REFUSED:
            return None
        if verdict is Verdict.REPLAYED:
            _log.warning("session ended: a replaced cookie came back", extra={"session": str(session.id)})
            await self.end(session.user_id, session.id)
            return None
        replacement = None
        try:
            if verdict is Verdict.NOTED:
                await self._replace(session, used(session, now=now, policy=self._policy))
            elif verdict is Verdict.ROTATED:
                replacement = await self._rotate(session, now)
        except DatabaseUnavailableError:
            # The request may only read, and reading works while somebody else writes for long.
            _log.info("use of a session not noted", extra={"session": str(session.id)})
        return Recognised(Principal(session.user_id, session_id=session.id), replacement)

    async def end(self, user_id: UUID, session_id: UUID) -> None:
        """Sign one browser out, if it is signed in."""
        async with self._uow() as tx:
            await tx.sessions.remove(user_id, session_id)

    async def end_all(self, user_id: UUID) -> None:
        """Sign every browser of the user out."""
        async with self._uow() as tx:
            await tx.sessions.remove_all(user_id)

    async def sweep(self) -> None:
        """Forget sessions that are over."""
        async with self._uow() as tx:
            await tx.sessions.remove_expired(self._clock.now())

    async def _rotate(self, session: Session, now: datetime) -> Token | None:
        secret = self._ids.secret()
        fresh = rotated(session, hash_secret(secret), now=now, policy=self._policy)
        # Of requests that come at once the first to store replaces the secret; the others change nothing.
        return self._token(fresh, secret, now) if await self._replace(session, fresh) else None

    async def _replace(self, seen: Session, wanted: Session) -> bool:
        async with self._uow() as tx:
            return await tx.sessions.replace(wanted, secret_hash=seen.secret_hash)

    def _judged(self, session: Session | None, secret: str, now: datetime) -> Verdict:
        return judge(session, hash_secret(secret), now=now, policy=self._policy)

    def _token(self, session: Session, secret: str, now: datetime) -> Token:
        ends_at = session.created_at + self._policy.lifetime
        return Token(write_credential(SESSION_PREFIX, session.id, secret), ends_at - now)
