"""Users and their credentials."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from services.core.accounts import ApiKey, GoogleAccount, User
from services.core.errors import UnauthenticatedError, UnknownUserError

if TYPE_CHECKING:
    from services.core.ports import Clock, Ids
    from services.core.storage import UnitOfWork

_PREFIX = "gcs_"
_FIRST_KEY = "first key"
NO_KEY = sha256(b"").hexdigest()
"""Compared with when there is no such key, so that it takes the same time."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks."""

    user_id: UUID | None
    """`None`: the administrator, who has no slots of their own."""

    @property
    def is_administrator(self) -> bool:
        """Whether the credential is the administrator's."""
        return self.user_id is None


ADMINISTRATOR = Principal(None)


@dataclass(frozen=True, slots=True)
class UserView:
    """A user with the Google account that is linked, if one is."""

    user: User
    account: GoogleAccount | None


def hash_secret(secret: str) -> str:
    """The form in which a 256-bit secret is stored; so much randomness needs no slow hash."""
    return sha256(secret.encode()).hexdigest()


def write_credential(prefix: str, key_id: UUID, secret: str) -> str:
    """The credential as its holder gets it: the id finds the hash that the secret is compared with."""
    return f"{prefix}{key_id.hex}_{secret}"


def read_credential(prefix: str, credential: str) -> tuple[UUID, str] | None:
    """The id and the secret of a credential; `None` for what is no such thing."""
    key_id, separator, secret = credential.removeprefix(prefix).partition("_")
    if not credential.startswith(prefix) or not separator or not credential.isascii():
        return None
    try:
        return UUID(key_id), secret
    except ValueError:
        return None


class UserService:
    """Registers users and recognises them."""

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, ids: Ids, administrator_key: str | None = None
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids
        self._administrator_hash = hash_secret(administrator_key) if administrator_key else None

    async def register(self, email: str, name: str | None) -> tuple[User, str]:
        """Create a user; the key that comes with it is shown this once.

        Raises:
            KnownEmailError: The e-mail is registered, in whatever case.
        """
        now = self._clock.now()
        user = User(self._ids.uuid(), email, name, now)
        secret = self._ids.secret()
        key = ApiKey(self._ids.uuid(), user.id, hash_secret(secret), _FIRST_KEY, now)
        async with self._uow() as tx:
            await tx.users.add(user)
            await tx.keys.add(key)
        return user, write_credential(_PREFIX, key.id, secret)

    async def authenticate(self, credential: str) -> Principal:
        """Whose credential it is.

        Raises:
            UnauthenticatedError: Nobody's, or it has expired.
        """
        if self._administrator_hash is not None and hmac.compare_digest(
            hash_secret(credential), self._administrator_hash
        ):
            return ADMINISTRATOR
        given = read_credential(_PREFIX, credential)
        if given is None:
            raise UnauthenticatedError
        key_id, secret = given
        async with self._uow.reading() as tx:
            key = await tx.keys.find(key_id)
        expected = key.secret_hash if key is not None else NO_KEY
        if not hmac.compare_digest(hash_secret(secret), expected) or key is None:
            raise UnauthenticatedError
        if key.expires_at is not None and key.expires_at <= self._clock.now():
            raise UnauthenticatedError
        return Principal(key.user_id)

    async def get(self, user_id: UUID) -> UserView:
        """One user.

        Raises:
            UnknownUserError: There is none.
        """
        async with self._uow.reading() as tx:
            user = await tx.users.find(user_id)
            if user is None:
                raise UnknownUserError(user_id)
            return UserView(user, await tx.accounts.find(user_id))

    async def page(self, *, after: UUID | None, limit: int) -> tuple[list[UserView], bool]:
        """Users in the order of their ids, and whether there are more."""
        async with self._uow.reading() as tx:
            found = await tx.users.page(after=after, limit=limit + 1)
            users = found[:limit]
            accounts = await tx.accounts.find_many([user.id for user in users])
        return [UserView(user, accounts.get(user.id)) for user in users], len(found) > limit
