"""The operating system's time and randomness, behind the core's ports."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from secrets import token_urlsafe  # noqa: TID251 - this is the adapter.
from threading import Lock
from uuid import UUID

_RANDOM_BITS = 74
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


class SystemClock:
    """Implements `services.core.ports.Clock`."""

    def now(self) -> datetime:
        """The current instant, aware, UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the adapter.

    def monotonic(self) -> float:
        """Seconds that only grow, for measuring."""
        return time.monotonic()  # noqa: TID251 - this is the adapter.

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)  # noqa: TID251 - this is the adapter.


class SystemIds:
    """Implements `services.core.ports.Ids`.

    Source: RFC 9562, section 5.7, and section 6.2, method 2: ids of one millisecond grow by a random step.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._last_ms = 0
        self._last_random = 0

    def uuid(self) -> UUID:
        """A fresh UUID, version 7, greater than all before it."""
        with self._lock:
            now_ms = time.time_ns() // 1_000_000
            if now_ms > self._last_ms:
                self._last_ms = now_ms
                # The highest bit stays free, so that a millisecond's steps never overflow.
                self._last_random = int.from_bytes(os.urandom(10)) >> (80 - _RANDOM_BITS + 1)
            else:
                self._last_random += 1 + int.from_bytes(os.urandom(4))
            high, low = self._last_random >> 62, self._last_random & ((1 << 62) - 1)
            return UUID(int=(self._last_ms << 80) | _VERSION_7 | (high << 64) | _VARIANT | low)

    def secret(self, nbytes: int = 32) -> str:
        """An unguessable URL-safe text with `nbytes` of randomness."""
        return token_urlsafe(nbytes)

    def jitter(self) -> float:
        """A number in [0, 1)."""
        return int.from_bytes(os.urandom(6)) / (1 << 48)
