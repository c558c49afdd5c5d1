"""The sequence numbers of the users that a transaction has locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


class Sequences:
    """What `users.lock` learned, and how far the transaction has counted since."""

    def __init__(self) -> None:
        self._last: dict[UUID, int] = {}
        self._stored: dict[UUID, int] = {}

    def mark(self) -> tuple[dict[UUID, int], dict[UUID, int]]:
        """How everything stands, for `go_back`."""
        return dict(self._last), dict(self._stored)

    def go_back(self, mark: tuple[dict[UUID, int], dict[UUID, int]]) -> None:
        """Forget what was locked and counted since the mark: a part of the transaction was undone."""
        self._last, self._stored = dict(mark[0]), dict(mark[1])

    def locked(self, user_id: UUID) -> bool:
        """Whether the transaction holds the user's lock."""
        return user_id in self._last

    def begin(self, user_id: UUID, last_seq: int) -> None:
        """The user is locked and stands at `last_seq`."""
        self._last.setdefault(user_id, last_seq)
        self._stored.setdefault(user_id, last_seq)

    def forget(self, user_id: UUID) -> None:
        """The user is gone."""
        self._last.pop(user_id, None)
        self._stored.pop(user_id, None)

    def require_lock(self, user_id: UUID) -> None:
        """Refuse a write that the user's other writers could overtake.

        Raises:
            RuntimeError: The user is not locked.
        """
        if user_id not in self._last:
            raise RuntimeError("slots are written without users.lock")

    def take(self, user_id: UUID, count: int) -> int:
        """The first of `count` fresh numbers."""
        self.require_lock(user_id)
        first = self._last[user_id] + 1
        self._last[user_id] += count
        return first

    def unstored(self) -> dict[UUID, int]:
        """Where users stand whose row does not say so yet."""
        return {user: last for user, last in self._last.items() if last != self._stored[user]}
