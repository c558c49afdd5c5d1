"""What goes wrong: with the processes, the database, the line to Google, its notifications and tokens."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

from services.system import SystemClock
from tests.e2e.torture.house import LEASE_S

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from tests.e2e.google import Google
    from tests.e2e.torture.house import House, Replica

_CLOCK = SystemClock()
LINE = "/calendars/primary/|^/token$|/channels/stop$"
"""Calls of the service alone: people name their calendar by its address."""
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "commit_then_drop"},
    {"kind": "drop_before"},
    {"kind": "truncate"},
    {"kind": "html_503"},
    {"kind": "not_json"},
    {"kind": "delay", "seconds": 1.5},
    {"kind": "answer", "status": 412, "reason": "conditionNotMet"},
    {"kind": "answer", "status": 429, "reason": "rateLimitExceeded"},
    {"kind": "answer", "status": 403, "reason": "userRateLimitExceeded"},
    {"kind": "answer", "status": 500, "reason": "backendError"},
    {"kind": "answer", "status": 401, "reason": "authError"},
)


class Trouble:
    """Makes trouble, one kind after the other from a shuffled deck, and counts it."""

    def __init__(
        self, house: House, google: Google, dice: random.Random, *, only: frozenset[str] | None = None
    ) -> None:
        """`only` are the kinds that come; `None`: all."""
        self._house = house
        self._google = google
        self._dice = dice
        self._deck: list[str] = []
        self._began = _CLOCK.monotonic()
        self.counts: Counter[str] = Counter()
        kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "replica killed": self._kill,
            "replica killed twice": self._kill_twice,
            "replica stopped in order": self._stop,
            "replica paused beyond its lease": self._pause,
            "replica killed while paused": self._kill_paused,
            "line fault": self._fault,
            "outage of Google": self._outage,
            "webhooks lost": lambda: self._notifications("drop"),
            "webhooks doubled": lambda: self._notifications("duplicate"),
            "webhooks late": lambda: self._notifications("delay"),
            "webhooks reordered": lambda: self._notifications("reorder"),
            "sync tokens refused": self._invalidate,
            "access tokens expired": self._expire,
            "empty page in a listing": self._empty_page,
        }
        if house.store == "postgresql":
            kinds |= {
                "database stopped": lambda: self._stop_database(signal.SIGINT),
                "database crashed": lambda: self._stop_database(signal.SIGQUIT),
                "database paused": self._freeze_database,
            }
        else:
            kinds |= {"database locked by somebody else": self._lock}
        self.kinds = {kind: make for kind, make in kinds.items() if only is None or kind in only}

    @property
    def age_s(self) -> float:
        """For how long there has been trouble."""
        return _CLOCK.monotonic() - self._began

    @property
    def had_everything(self) -> bool:
        """Whether every kind of trouble has come."""
        return self.kinds.keys() <= self.counts.keys()

    def pause(self) -> int:
        """After how many edits the next one follows."""
        return self._dice.randrange(1, 12)

    async def next(self) -> str:
        """The next trouble, seen through to its end; says which it was."""
        if not self._deck:
            # What befalls the line is cheap and comes more often.
            self._deck = [*self.kinds, *["line fault"] * 4]
            self._dice.shuffle(self._deck)
        kind = self._deck.pop()
        await self.kinds[kind]()
        self.counts[kind] += 1
        return kind

    # Processes.

    async def _kill(self) -> None:
        replica = self._dice.choice(self._house.replicas)
        async with replica.busy:
            await asyncio.to_thread(replica.server.process.kill)
            await _CLOCK.sleep(self._dice.random())
            await self._house.start(replica)

    async def _kill_twice(self) -> None:
        """Again, as soon as it listens: what it began at its start is cut off, too."""
        replica = self._dice.choice(self._house.replicas)
        async with replica.busy:
            await asyncio.to_thread(replica.server.process.kill)
            await self._house.start(replica)
            await _CLOCK.sleep(self._dice.random() / 4)
            await asyncio.to_thread(replica.server.process.kill)
            await self._house.start(replica)

    async def _stop(self) -> None:
        replica = self._dice.choice(self._house.replicas)
        async with replica.busy:
            await asyncio.to_thread(replica.server.process.stop)
            await self._house.start(replica)

    async def _pause(self) -> None:
        replica = self._dice.choice(self._house.replicas)
        async with replica.busy:
            await self._paused(replica)
            replica.server.process.resume()

    async def _kill_paused(self) -> None:
        replica = self._dice.choice(self._house.replicas)
        async with replica.busy:
            await self._paused(replica)
            await asyncio.to_thread(replica.server.process.kill)
            await self._house.start(replica)

    async def _paused(self, replica: Replica) -> None:
        replica.server.process.pause()
        await _CLOCK.sleep(LEASE_S + 0.5 + self._dice.random() * 2)

    # The database.

    async def _stop_database(self, number: signal.Signals) -> None:
        async with self._house.database_busy:
            await self._house.stop_database(number, self._dice.random() * 2)

    async def _freeze_database(self) -> None:
        async with self._house.database_busy:
            await self._house.freeze_database(LEASE_S + 0.5 + self._dice.random() * 2)

    async def _lock(self) -> None:
        async with self._house.database_busy:
            await self._house.lock_file(self._dice.random() * 3)

    # Google and the line.

    async def _fault(self) -> None:
        fault = self._dice.choice(FAULTS)
        order = {**fault, "times": self._dice.choice((1, 1, 1, 3)), "skip": self._dice.randrange(4)}
        await self._google.fault(path=LINE, anybody=True, **order)
        self.counts[f"line fault: {fault['kind']} {fault.get('status', '')}".rstrip()] += 1

    async def _outage(self) -> None:
        await self._google.fault(
            "answer", path=LINE, anybody=True, status=503, reason="backendError", times=100
        )
        await _CLOCK.sleep(self._dice.random() * 2)
        await self._google.control("DELETE", "/faults")

    async def _notifications(self, kind: str) -> None:
        order = {"kind": kind, "times": self._dice.randrange(2, 8), "seconds": 2}
        await self._google.control("POST", "/notifications/faults", order)

    async def _invalidate(self) -> None:
        await self._google.control("POST", "/sync-tokens/invalidate", {})

    async def _expire(self) -> None:
        accounts = (await self._google.control("GET", "/state"))["accounts"]
        account = self._dice.choice(accounts)
        await self._google.control("POST", "/access-tokens/expire", {"account": account["email"]})

    async def _empty_page(self) -> None:
        await self._google.control("POST", "/listings/glitch", {"kind": "empty_page", "times": 1})
