"""Users and the lock that makes their writers take turns."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from persistence.models import idempotency_keys, users
from services.core.accounts import User
from services.core.errors import KnownEmailError, UnknownUserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from persistence.connection import Connection
    from persistence.repositories.sequence import Sequences

_FIELDS = tuple(field.name for field in fields(User))
_COLUMNS = tuple(users.c[name] for name in _FIELDS)
_ADD = insert(users).on_conflict_do_nothing(index_elements=["email_key"]).returning(users.c.id)
_FIND = select(*_COLUMNS).where(users.c.id == bindparam("user_id"))
_PAGE = select(*_COLUMNS).order_by(users.c.id).limit(bindparam("limit"))
_PAGE_AFTER = _PAGE.where(users.c.id > bindparam("after"))
_PROVE_EMAIL = update(users).where(users.c.id == bindparam("user")).values(email_proven=True)
_REMOVE = delete(users).where(users.c.id == bindparam("user_id"))
_REMOVE_ANSWERS = delete(idempotency_keys).where(idempotency_keys.c.user_id == bindparam("user_id"))
# Not FOR UPDATE: rows that refer to the user may be written meanwhile, a second lock or a removal may not.
_LOCK = select(users.c.last_seq).where(users.c.id == bindparam("user_id")).with_for_update(key_share=True)
_STORE_SEQ = update(users).where(users.c.id == bindparam("user_id")).values(last_seq=bindparam("reached"))


class SqlUserRepository:
    """Implements `UserRepository`."""

    def __init__(self, connection: Connection, sequences: Sequences) -> None:
        self._connection = connection
        self._sequences = sequences

    async def add(self, user: User) -> None:
        """Store a new user."""
        row = {
            **{name: getattr(user, name) for name in _FIELDS},
            "email_key": email_key(user.email),
            "last_seq": 0,
            "forgotten_seq": 0,
        }
        if not await self._connection.fetch(_ADD, row):
            raise KnownEmailError

    async def find(self, user_id: UUID) -> User | None:
        """One user."""
        rows = await self._connection.fetch(_FIND, {"user_id": user_id})
        return User(*rows[0]) if rows else None

    async def page(self, *, after: UUID | None, limit: int) -> list[User]:
        """Users in the order of their ids."""
        params: Mapping[str, Any] = {"after": after, "limit": limit}
        rows = await self._connection.fetch(_PAGE if after is None else _PAGE_AFTER, params)
        return [User(*row) for row in rows]

    async def prove_email(self, user_id: UUID) -> None:
        """Note that the e-mail is the user's."""
        await self._connection.fetch(_PROVE_EMAIL, {"user": user_id})

    async def remove(self, user_id: UUID) -> None:
        """Erase a user with everything that belongs to it."""
        await self._connection.fetch(_REMOVE, {"user_id": user_id})
        await self._connection.fetch(_REMOVE_ANSWERS, {"user_id": user_id})
        self._sequences.forget(user_id)

    async def lock(self, user_id: UUID) -> None:
        """Become the only writer of this user's slots until the transaction ends."""
        if self._sequences.locked(user_id):
            return
        rows = await self._connection.fetch(_LOCK, {"user_id": user_id})
        if not rows:
            raise UnknownUserError(user_id)
        self._sequences.begin(user_id, rows[0][0])

    async def store_sequences(self) -> None:
        """Write down how far the locked users have counted; the last thing before the commit."""
        for user_id, reached in self._sequences.unstored().items():
            await self._connection.fetch(_STORE_SEQ, {"user_id": user_id, "reached": reached})


def email_key(email: str) -> str:
    """The same for an e-mail in whatever case."""
    return email.casefold()
