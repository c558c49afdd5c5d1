"""Staying under Google's limits before Google has to say so.

Google counts units over a sliding minute, per user (shared by all that act for the user) and per project.
What is over the limit waits; what would wait too long is refused as rate limited, so that a lease is never
held for a wait that may as well be spent without it. Each replica counts for itself and is given its share
of the project's limit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from services.core.errors import FailureClass, VendorError

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.ports import Clock

READ_UNITS = 1
WRITE_UNITS = 1
PATCH_UNITS = 3

_WINDOW_S = 60.0
_MANY_USERS = 10_000


@dataclass(frozen=True, slots=True)
class QuotaPolicy:
    """How much may be spent."""

    user_units_per_minute: int = 570
    """Below Google's 600, since Google's minute and ours never begin together."""
    project_units_per_minute: int | None = 9_000
    """This replica's share of the project's 10,000; `None`: not limited here."""
    longest_wait: timedelta = timedelta(seconds=15)
    """For each of the two limits."""


class Pacer(Protocol):
    """Lets calls go when their turn has come."""

    async def spend(self, user_id: UUID, units: int) -> None:
        """Wait until `units` may be spent for the user.

        Raises:
            VendorError: `RATE_LIMITED`; the wait would be too long. Nothing was spent.
        """


class NoPacing:
    """Lets every call go at once, for benchmarks and simulations."""

    async def spend(self, user_id: UUID, units: int) -> None:
        """Return at once."""


class QuotaPacer:
    """Sliding minutes per user and for the project."""

    def __init__(self, *, clock: Clock, policy: QuotaPolicy) -> None:
        self._clock = clock
        self._policy = policy
        self._users: dict[UUID, _SlidingMinute] = {}
        limit = policy.project_units_per_minute
        self._project = None if limit is None else _SlidingMinute(limit)

    async def spend(self, user_id: UUID, units: int) -> None:
        """Wait for the user's turn, then for the project's.

        One after the other: a user who waits for the own limit must not hold a place in everybody's queue.
        """
        minute = self._users.get(user_id)
        if minute is None:
            self._forget_idle_users()
            minute = self._users[user_id] = _SlidingMinute(self._policy.user_units_per_minute)
        await self._take_turn(minute, units)
        if self._project is not None:
            await self._take_turn(self._project, units)

    async def _take_turn(self, minute: _SlidingMinute, units: int) -> None:
        wait_s = minute.reserve(units, self._clock.monotonic(), self._policy.longest_wait.total_seconds())
        if wait_s > 0:
            await self._clock.sleep(wait_s)

    def _forget_idle_users(self) -> None:
        if len(self._users) >= _MANY_USERS:
            now = self._clock.monotonic()
            self._users = {user: minute for user, minute in self._users.items() if not minute.is_idle(now)}


class _SlidingMinute:
    """What was spent in the last minute, and what is promised for the next seconds.

    Turns are given in order and only later than the ones before, so a reservation never has to be revised.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._spent: deque[tuple[float, int]] = deque()
        self._total = 0
        self._last_turn = float("-inf")

    def reserve(self, units: int, now: float, longest_wait_s: float) -> float:
        """Reserve the earliest turn and return the seconds until then."""
        self._forget_before(now)
        turn, total = max(now, self._last_turn), self._total
        for spent_at, spent in self._spent:
            if total + units <= self._limit and spent_at + _WINDOW_S > turn:
                break
            turn, total = max(turn, spent_at + _WINDOW_S), total - spent
        if turn - now > longest_wait_s:
            raise VendorError(
                FailureClass.RATE_LIMITED, reason="paced", retry_after=timedelta(seconds=turn - now)
            )
        self._forget_before(turn)
        self._spent.append((turn, units))
        self._total += units
        self._last_turn = turn
        return turn - now

    def is_idle(self, now: float) -> bool:
        """Whether nothing of it counts any more."""
        self._forget_before(now)
        return not self._spent

    def _forget_before(self, now: float) -> None:
        while self._spent and self._spent[0][0] + _WINDOW_S <= now:
            self._total -= self._spent.popleft()[1]
