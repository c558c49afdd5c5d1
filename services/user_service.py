"""Users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.core.accounts import ApiKey, GoogleAccount, User
from services.core.credentials import KEY_PREFIX, hash_secret, write_credential
from services.core.errors import UnknownUserError

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.ports import Clock, Ids
    from services.core.storage import UnitOfWork

_FIRST_KEY: Final = "first key"


@dataclass(frozen=True, slots=True)
class UserView:
    """A user with the Google account that is linked, if one is."""

    user: User
    account: GoogleAccount | None


class UserService:
    """Registers users and shows them."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock, ids: Ids) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids

    async def register(self, email: str, name: str | None, *, email_proven: bool) -> tuple[User, str]:
        """Create a user; the key that comes with it is shown this once.

        Args:
            email: Known to nobody else.
            name: As people call the user.
            email_proven: Whether whoever registers is trusted to know that the e-mail is the user's. Where
                not, the first link to Google ends the key, since it may be somebody else's.

        Raises:
            KnownEmailError: The e-mail is registered, in whatever case.
        """
        now = self._clock.now()
        user = User(self._ids.uuid(), email, name, now, email_proven)
        secret = self._ids.secret()
        key = ApiKey(self._ids.uuid(), user.id, hash_secret(secret), _FIRST_KEY, now)
        async with self._uow() as tx:
            await tx.users.add(user)
            await tx.keys.add(key)
        return user, write_credential(KEY_PREFIX, key.id, secret)

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
