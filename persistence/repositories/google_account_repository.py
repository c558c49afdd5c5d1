"""Linked Google accounts, one per user."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from persistence.dialects import is_one_of
from persistence.models import google_accounts
from services.core.accounts import AccountStatus, GoogleAccount

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from persistence.connection import Connection

_FIELDS = tuple(field.name for field in fields(GoogleAccount))
_t = google_accounts.c
_ACCOUNTS = select(*(_t[name] for name in _FIELDS))
_FIND = _ACCOUNTS.where(_t.user_id == bindparam("user_id"))
_FIND_MANY = _ACCOUNTS.where(is_one_of(_t.user_id, "user_ids"))
_WITH_SUBJECT = _ACCOUNTS.where(_t.subject == bindparam("subject")).order_by(
    _t.linked_at.desc(), _t.user_id.desc()
)
_OTHER_TOKENS = (
    select(_t.user_id)
    .where(func.substr(_t.refresh_token, 1, bindparam("length")) != bindparam("prefix"))
    .order_by(_t.user_id)
    .limit(bindparam("limit"))
)
_OTHER_TOKENS_AFTER = _OTHER_TOKENS.where(_t.user_id > bindparam("after"))
_insert = insert(google_accounts)
_SAVE = _insert.on_conflict_do_update(
    index_elements=["user_id"],
    set_={name: _insert.excluded[name] for name in _FIELDS if name != "user_id"},
)


class SqlGoogleAccountRepository:
    """Implements `GoogleAccountRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, user_id: UUID) -> GoogleAccount | None:
        """The user's account."""
        rows = await self._connection.fetch(_FIND, {"user_id": user_id})
        return _account(rows[0]) if rows else None

    async def find_many(self, user_ids: Collection[UUID]) -> dict[UUID, GoogleAccount]:
        """The accounts of several users."""
        if not user_ids:
            return {}
        rows = await self._connection.fetch(_FIND_MANY, {"user_ids": user_ids})
        return {account.user_id: account for account in map(_account, rows)}

    async def with_subject(self, subject: str) -> list[GoogleAccount]:
        """All that are pinned to this Google account, disconnected ones too, linked latest first."""
        rows = await self._connection.fetch(_WITH_SUBJECT, {"subject": subject})
        return [_account(row) for row in rows]

    async def with_other_tokens(self, prefix: str, *, after: UUID | None, limit: int) -> list[UUID]:
        """The users whose stored refresh token does not begin with `prefix`, in the order of their ids."""
        params = {"prefix": prefix, "length": len(prefix), "after": after, "limit": limit}
        rows = await self._connection.fetch(_OTHER_TOKENS if after is None else _OTHER_TOKENS_AFTER, params)
        return [row[0] for row in rows]

    async def save(self, account: GoogleAccount) -> None:
        """Insert or replace the user's account."""
        row = {name: getattr(account, name) for name in _FIELDS}
        await self._connection.fetch(_SAVE, row | {"status": account.status.value})


def _account(row: Sequence[Any]) -> GoogleAccount:
    found = dict(zip(_FIELDS, row, strict=True))
    return GoogleAccount(
        **found | {"scopes": tuple(found["scopes"]), "status": AccountStatus(found["status"])}
    )
