"""Google's time: the caller's clock, shifted at will, and stamps that never repeat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.store import Journal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(instant: datetime) -> int:
    """Microseconds since 1970 of an aware instant, exactly."""
    return (instant - _EPOCH) // _MICROSECOND


def from_us(stamp: int) -> datetime:
    """The aware UTC instant of a stamp."""
    return _EPOCH + timedelta(microseconds=stamp)


class SandboxClock:
    """Reads the caller's clock; `offset` makes Google's differ from it."""

    kind = "clock"

    def __init__(self, source: Callable[[], datetime], journal: Journal) -> None:
        self._source = source
        self._journal = journal
        self._last_us = 0
        self.offset = timedelta()

    def now(self) -> datetime:
        """Google's idea of the present, aware UTC."""
        return self._source().astimezone(UTC) + self.offset

    def now_us(self) -> int:
        """The present in microseconds."""
        return to_us(self.now())

    def stamp_us(self) -> int:
        """A stamp greater than all before it: the present, or just past the last one."""
        self._last_us = max(self.now_us(), self._last_us + 1)
        self._save()
        return self._last_us

    def shift(self, offset: timedelta) -> None:
        """Run ahead of the caller's clock by this much, or behind it."""
        self.offset = offset
        self._save()

    def restore(self, _key: str, value: bytes) -> None:
        """Take over a stored row."""
        row = orjson.loads(value)
        self._last_us = row["last_us"]
        self.offset = timedelta(seconds=row["offset_s"])

    def _save(self) -> None:
        row = {"last_us": self._last_us, "offset_s": self.offset.total_seconds()}
        self._journal.put(self.kind, "clock", row)
