"""Requests that may come again: what is kept of the first one, so that the second one changes nothing.

The record is stored in the transaction of the effect. So either both are there or neither is, whenever a
process dies, and a request whose answer was lost on its way can be sent again until it arrives.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime

KEPT: Final = timedelta(hours=24)
"""How long an answer can be asked for again."""

ADMINISTRATOR_SCOPE: Final = UUID(int=0)
"""Under which the administrator's keys stand, who is no user."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One arrival of a request that carries an `Idempotency-Key`."""

    scope: UUID
    """Whose key it is: a user's id, or `ADMINISTRATOR_SCOPE`. Keys of others never meet it."""
    route: str
    """Method and path template; a key means something else on each route."""
    key: str
    fingerprint: str
    """A digest of everything that the request asks for."""


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """An answer that is kept."""

    user_id: UUID
    """`Attempt.scope`."""
    route: str
    key: str
    fingerprint: str
    answer: str
    """Encrypted, since some answers show a secret that is kept nowhere else; empty until it is known."""
    created_at: datetime
    expires_at: datetime


class IdempotencyRepository(Protocol):
    """Answers that are kept."""

    async def claim(self, record: IdempotencyRecord) -> IdempotencyRecord | None:
        """Store the record unless there is one of this user, route and key that has not expired.

        Waits for other transactions that are about to store one, so of several that come at once one
        stores its own, and the others find it once it is committed.

        Returns:
            The record that is there already; `None` when the given one was stored.
        """

    async def set_answer(self, record: IdempotencyRecord) -> None:
        """Replace the answer of a record, if it is still there."""

    async def remove_expired(self, now: datetime) -> None:
        """Forget what nobody can ask for any more."""
