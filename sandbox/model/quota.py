"""How many calls a user and a project may make in a minute, over a sliding window.

Source: Calendar API guide, 'Manage quotas' (600 per minute and user, 10,000 per minute
and project); reference of `events.patch` (three units).
"""

from __future__ import annotations

from collections import deque
from http import HTTPStatus

_WINDOW_US = 60_000_000


class _Window:
    """Units spent in the last minute."""

    def __init__(self) -> None:
        self._spent: deque[tuple[int, int]] = deque()
        self.units = 0

    def slide(self, now_us: int) -> None:
        """Forget what is a minute old."""
        while self._spent and self._spent[0][0] <= now_us - _WINDOW_US:
            self.units -= self._spent.popleft()[1]

    def spend(self, now_us: int, units: int) -> None:
        """Count a call."""
        self._spent.append((now_us, units))
        self.units += units


class Quota:
    """Meters calls; a refused call costs nothing."""

    def __init__(self) -> None:
        self.enabled = True
        self.per_user = 600
        self.per_project = 10_000
        self.refuse_status = 403
        """403 or 429: Google uses both for the same thing."""
        self._users: dict[str, _Window] = {}
        self._project = _Window()

    def refusal(self, user: str, units: int, now_us: int) -> str | None:
        """Charge a call, or give the reason why it is refused."""
        if not self.enabled:
            return None
        mine = self._users.setdefault(user, _Window())
        mine.slide(now_us)
        self._project.slide(now_us)
        if mine.units + units > self.per_user:
            return (
                "rateLimitExceeded"
                if self.refuse_status == HTTPStatus.TOO_MANY_REQUESTS
                else "userRateLimitExceeded"
            )
        if self._project.units + units > self.per_project:
            return "rateLimitExceeded"
        mine.spend(now_us, units)
        self._project.spend(now_us, units)
        return None

    def used(self, user: str, now_us: int) -> int:
        """Units that a user spent in the last minute."""
        mine = self._users.setdefault(user, _Window())
        mine.slide(now_us)
        return mine.units

    def forget(self) -> None:
        """Start every window afresh."""
        self._users.clear()
        self._project = _Window()
