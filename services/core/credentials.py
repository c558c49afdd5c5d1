"""Credentials as values: how they are written, in which form they are stored, and what a session is worth.

A credential is opaque: the id in it finds the stored hash, the secret beside it is compared with that hash.
Nothing here does I/O or knows the time.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import UUID

from services.core.frozen import replace

if TYPE_CHECKING:
    from datetime import datetime

    from services.core.accounts import Session

KEY_PREFIX: Final = "gcs_"
SESSION_PREFIX: Final = "gcw_"
_WRITTEN: Final = re.compile(r"([0-9a-f]{32})_([A-Za-z0-9_-]{1,128})")
NO_SECRET: Final = sha256(b"").hexdigest()
"""Compared with when nothing is stored, so that it takes the same time."""
NOBODYS_ID: Final = UUID(int=0)
"""Looked up for what cannot be a credential, so that it takes the same time."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and by which credential."""

    user_id: UUID | None
    """`None`: the administrator, who has no slots of their own."""
    key_id: UUID | None = None
    """Of the API key, if it is one."""
    session_id: UUID | None = None
    """Of the browser session, if it is one."""

    @property
    def is_administrator(self) -> bool:
        """Whether the credential is the administrator's."""
        return self.user_id is None


ADMINISTRATOR: Final = Principal(None)


def hash_secret(secret: str) -> str:
    """The form in which a 256-bit secret is stored; so much randomness needs no slow hash."""
    return sha256(secret.encode()).hexdigest()


def same_secret(one_hash: str, other_hash: str) -> bool:
    """Whether two hashes are equal, found out in a time that says nothing of where they differ."""
    return hmac.compare_digest(one_hash, other_hash)


def write_credential(prefix: str, credential_id: UUID, secret: str) -> str:
    """The credential as its holder gets it."""
    return f"{prefix}{credential_id.hex}_{secret}"


def read_credential(prefix: str, credential: str) -> tuple[UUID, str]:
    """The id and the secret of a credential; those of nobody for what is no such thing."""
    written = _WRITTEN.fullmatch(credential.removeprefix(prefix)) if credential.startswith(prefix) else None
    return (UUID(hex=written[1]), written[2]) if written else (NOBODYS_ID, "")


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """How long a session lasts."""

    idle: timedelta = timedelta(hours=12)
    """Without a request."""
    lifetime: timedelta = timedelta(days=7)
    """From signing in, whatever happens."""
    rotation: timedelta = timedelta(hours=1)
    """How old a secret may become before the next request replaces it."""
    overlap: timedelta = timedelta(minutes=1)
    """How long the secret before still counts, for requests that were on their way."""
    noting: timedelta = timedelta(minutes=5)
    """How exactly the last use is known, so that reading seldom means writing."""

    def expiry(self, created_at: datetime, used_at: datetime) -> datetime:
        """When a session ends that is not used again."""
        return min(created_at + self.lifetime, used_at + self.idle)


class Verdict(StrEnum):
    """What to do about a request that came with a session's cookie."""

    REFUSED = "refused"
    REPLAYED = "replayed"
    """Somebody has a secret that was replaced long ago: there are two holders, so the session ends."""
    FRESH = "fresh"
    """Accepted; nothing is to be stored."""
    NOTED = "noted"
    """Accepted; the use is worth a write."""
    ROTATED = "rotated"
    """Accepted; the secret is due to be replaced."""


def judge(session: Session | None, secret_hash: str, *, now: datetime, policy: SessionPolicy) -> Verdict:
    """What the secret with this hash is worth for a session; `None`: no session has the id that came."""
    current = same_secret(secret_hash, session.secret_hash if session is not None else NO_SECRET)
    earlier = (session.previous_hash if session is not None else None) or NO_SECRET
    previous = same_secret(secret_hash, earlier)
    if session is None or now >= session.expires_at:
        return Verdict.REFUSED
    if current:
        if now >= session.rotated_at + policy.rotation:
            return Verdict.ROTATED
        return Verdict.NOTED if now >= session.last_used_at + policy.noting else Verdict.FRESH
    if previous and session.previous_hash is not None:
        return Verdict.FRESH if now < session.rotated_at + policy.overlap else Verdict.REPLAYED
    return Verdict.REFUSED


def used(session: Session, *, now: datetime, policy: SessionPolicy) -> Session:
    """The session after a request."""
    return replace(session, last_used_at=now, expires_at=policy.expiry(session.created_at, now))


def rotated(session: Session, secret_hash: str, *, now: datetime, policy: SessionPolicy) -> Session:
    """The session with another secret."""
    return replace(
        used(session, now=now, policy=policy),
        secret_hash=secret_hash,
        previous_hash=session.secret_hash,
        rotated_at=now,
    )
