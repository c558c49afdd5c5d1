"""Numbers that were never given before, whatever a database forgot.

A database that was restored from a backup knows nothing of the numbers that were given after the backup was
made, and clients still hold them: positions in the change feed, versions of slots. Given again they would
stand for something else, and a client would miss changes or overwrite what it has not seen. The time since
1970 is beyond all of them, also when one backup is restored twice, as long as a user has less than a million
changes a second and a slot less than one, on average since the last restore.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SECOND: Final = timedelta(seconds=1)


def seq_beyond(now: datetime) -> int:
    """A sequence number that no user has reached; JavaScript has it exactly until the year 2255.

    Args:
        now: Aware.
    """
    return (now - _EPOCH) // _MICROSECOND


def version_beyond(now: datetime) -> int:
    """A version that no slot has reached.

    Args:
        now: Aware.
    """
    return (now - _EPOCH) // _SECOND
