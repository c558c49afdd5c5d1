"""API keys: made, listed, revoked and recognised.

Whether a key is valid is read from its row at each request and remembered nowhere, so that a revocation
counts for the next request to any process.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.core.accounts import ApiKey
from services.core.credentials import (
    ADMINISTRATOR,
    KEY_PREFIX,
    NO_SECRET,
    Principal,
    hash_secret,
    read_credential,
    same_secret,
    write_credential,
)
from services.core.errors import (
    DatabaseUnavailableError,
    InvalidKeyError,
    TooManyKeysError,
    UnauthenticatedError,
    UnknownKeyError,
)

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from services.core.ports import Clock, Ids
    from services.core.storage import UnitOfWork

MOST_KEYS: Final = 100
"""Of one user, expired ones included."""
LONGEST_LIFE: Final = timedelta(days=3653)
"""Of a key that expires."""
_USED_AGAIN_AFTER: Final = timedelta(hours=1)
"""How exactly it is known when a key was last used, so that reading seldom means writing."""

_log = logging.getLogger(__name__)


class KeyService:
    """Makes, lists, revokes and recognises keys."""

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, ids: Ids, administrator_key: str | None = None
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids
        self._administrator_hash = hash_secret(administrator_key) if administrator_key else None

    async def authenticate(self, credential: str) -> Principal:
        """Whose credential it is.

        Every refusal takes the same steps: one look-up and the same comparisons, whatever is wrong.

        Raises:
            UnauthenticatedError: Nobody's, or it has expired.
        """
        is_administrator = same_secret(hash_secret(credential), self._administrator_hash or NO_SECRET)
        if is_administrator and self._administrator_hash is not None:
            return ADMINISTRATOR
        key_id, secret = read_credential(KEY_PREFIX, credential)
        async with self._uow.reading() as tx:
            key = await tx.keys.find(key_id)
        matches = same_secret(hash_secret(secret), key.secret_hash if key is not None else NO_SECRET)
        now = self._clock.now()
        if key is None or not matches or (key.expires_at is not None and key.expires_at <= now):
            raise UnauthenticatedError
        await self._note_used(key, now)
        return Principal(key.user_id, key_id=key.id)

    async def create(self, user_id: UUID, name: str, expires_at: datetime | None) -> tuple[ApiKey, str]:
        """Make a key; it is shown this once.

        Args:
            user_id: Whose.
            name: What the user calls it.
            expires_at: When it ends by itself; `None`: it does not.

        Raises:
            InvalidKeyError: It would end in the past or in the far future.
            TooManyKeysError: The user has `MOST_KEYS` already.
        """
        now = self._clock.now()
        if expires_at is not None and not now < expires_at <= now + LONGEST_LIFE:
            raise InvalidKeyError("/expires_at", "Must lie in the future, within the next ten years.")
        secret = self._ids.secret()
        key = ApiKey(self._ids.uuid(), user_id, hash_secret(secret), name, now, expires_at)
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            if await tx.keys.count(user_id) >= MOST_KEYS:
                raise TooManyKeysError(MOST_KEYS)
            await tx.keys.add(key)
        return key, write_credential(KEY_PREFIX, key.id, secret)

    async def page(self, user_id: UUID, *, after: UUID | None, limit: int) -> tuple[list[ApiKey], bool]:
        """The user's keys in the order of their ids, and whether there are more."""
        async with self._uow.reading() as tx:
            found = await tx.keys.page(user_id, after=after, limit=limit + 1)
        return found[:limit], len(found) > limit

    async def revoke(self, user_id: UUID, key_id: UUID) -> None:
        """End a key, from the next request on.

        Raises:
            UnknownKeyError: The user has no such key.
        """
        async with self._uow() as tx:
            if not await tx.keys.remove(user_id, key_id):
                raise UnknownKeyError(key_id)

    async def _note_used(self, key: ApiKey, now: datetime) -> None:
        if key.last_used_at is not None and now - key.last_used_at < _USED_AGAIN_AFTER:
            return
        try:
            async with self._uow() as tx:
                await tx.keys.note_used(key, now=now)
        except DatabaseUnavailableError:
            # The request may only read, and reading works while somebody else writes for long.
            _log.info("use of a key not noted", extra={"key": str(key.id)})
