"""One time for all replicas: that of the database, which they have in common.

A lease says until when it lasts by the clock of whoever took it. A machine whose clock is further ahead than
a lease lasts would take every calendar over at once, and two runs would go on side by side.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.core.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from services.core.ports import Clock

_log = logging.getLogger(__name__)
_WORTH_SAYING: Final = timedelta(seconds=5)
_EXACT_ENOUGH: Final = timedelta(milliseconds=50)
"""A difference that is left alone, so that time does not go back again and again by nothing."""


class SharedClock:
    """Implements `Clock`: the machine's clock, corrected by what the database says once it was asked."""

    def __init__(self, machine: Clock) -> None:
        self._machine = machine
        self._ahead = timedelta()
        """How far the database's time is ahead of the machine's."""

    def now(self) -> datetime:
        """The current instant, aware, UTC."""
        return self._machine.now() + self._ahead

    def monotonic(self) -> float:
        """Seconds that only grow, for measuring."""
        return self._machine.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._machine.sleep(seconds)

    async def set_by(self, told: Callable[[], Awaitable[datetime | None]]) -> None:
        """Compare with what the database says, and correct what is certainly off.

        Args:
            told: Asks the database; `None`: it has no time of its own. When it cannot answer, the correction
                stays as it is.
        """
        began, asked_at = self._machine.monotonic(), self._machine.now()
        try:
            time = await told()
        except DatabaseUnavailableError:
            return
        if time is None:
            return
        # It was read somewhere between question and answer, so half of the way is what it may be wrong by.
        half_way = timedelta(seconds=self._machine.monotonic() - began) / 2
        ahead = time - (asked_at + half_way)
        change = ahead - self._ahead
        if abs(change) <= half_way + _EXACT_ENOUGH:
            return
        if abs(change) > _WORTH_SAYING:
            _log.warning(
                "this machine's clock is off by %.0f s from the database's, whose time is used",
                -ahead.total_seconds(),
            )
        self._ahead = ahead
