"""When a history has come to rest: nothing waits, and everything was read once more since the last write."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from services.core.calendars import CalendarSync
    from tests.simulation.world import World

QUIET_S: Final = 30.0
_LONGEST_S: Final = 7200.0
"""Of virtual time: leases, backoff, quarantine and fallback together are well below."""


@dataclass(slots=True)
class Rest:
    """Watches the world from the moment at which nothing goes wrong any more."""

    world: World
    since: float
    _last_write: float = -1.0
    _before: dict[Any, Any] = field(default_factory=dict)
    """When each calendar was read last, as of the last write."""

    async def reached(self) -> bool:
        """Whether it is at rest now.

        Raises:
            AssertionError: A run failed, or it takes too long.
        """
        world, now = self.world, asyncio.get_running_loop().time()
        calendars = await world.calendars()
        for each in calendars:
            error = each.last_error
            assert error is None or error.reason != "internal-error", f"a run failed: {error}"
        waited = now - self.since
        assert waited < _LONGEST_S, f"I12: no rest after {waited:.0f} s: {calendars}"
        stands = max(each.process.stands_until for each in world.replicas)
        if world.line.given_up or stands + QUIET_S > now or not self._everything_was_read(calendars):
            return False
        slots = [slot for each in world.accounts for slot in await world.slots(each.user_id, deleted=True)]
        return all(slot.push_at is None for slot in slots) and all(
            each.lease_owner is None and each.last_error is None for each in calendars
        )

    def _everything_was_read(self, calendars: list[CalendarSync]) -> bool:
        """Whether runs have listed every calendar, and stored what they found, since the last write."""
        line = self.world.line
        read = {(each.user_id, each.calendar_id): each.last_success_at for each in calendars}
        since = max(self.since, line.last_write_at)
        if since > self._last_write:
            self._last_write, self._before = since, read
            return False
        listed = all(
            line.listed_to_the_end.get((account.email, google.calendar), 0) > since
            for account in self.world.accounts
            for google in account.calendars
        )
        return listed and all(at != self._before.get(calendar) for calendar, at in read.items())
