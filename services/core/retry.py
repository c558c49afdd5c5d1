"""When something that failed is tried again, as a pure function of failure and attempt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from services.core.errors import FailureClass, VendorError

if TYPE_CHECKING:
    from datetime import datetime

_FIRST = timedelta(seconds=1)
_CEILING = timedelta(minutes=15)
_OPERATIONAL_LIMIT = timedelta(hours=1)
_FIRST_REREADING = timedelta(minutes=1)
_REREADING_CEILING = timedelta(days=1)
_LARGEST_EXPONENT = 16


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again, not before `at`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not try again until somebody changes something."""


Verdict: TypeAlias = RetryAt | GiveUp


def next_attempt(
    error: VendorError, attempts: int, now: datetime, *, jitter: float, reading: bool = False
) -> Verdict:
    """Decide when a failed push or run is tried again.

    Args:
        error: Google's refusal, or its silence.
        attempts: Failures so far in a row; 1 after the first.
        now: Aware, UTC.
        jitter: In [0, 1), drawn by the caller so that this stays pure.
        reading: Whether something was to be read, of which nothing else would tell: that is never given up,
            but a refusal is heard ever more seldom, in the end once a day.

    Returns:
        `GiveUp` for refusals that the same request would meet again.

    Source:
        Calendar API guide "Manage quotas": truncated exponential backoff with jitter; `quotaExceeded` is an
        operational limit that lasts for hours.
    """
    match error.failure:
        case FailureClass.PERMANENT | FailureClass.INVALID_STATE if reading:
            return RetryAt(now + _growing(_FIRST_REREADING, attempts, _REREADING_CEILING) * (1 + jitter / 2))
        case FailureClass.PERMANENT | FailureClass.INVALID_STATE:
            return GiveUp()
        case (
            FailureClass.RETRYABLE
            | FailureClass.RATE_LIMITED
            | FailureClass.AUTHENTICATION
            | FailureClass.CONFLICT
            | FailureClass.NEEDS_RESYNC
        ):
            return RetryAt(now + _delay(error, attempts, jitter))


def _delay(error: VendorError, attempts: int, jitter: float) -> timedelta:
    delay = _growing(_FIRST, attempts, _CEILING)
    if error.reason in {"quotaExceeded", "dailyLimitExceeded"}:
        delay = max(delay, _OPERATIONAL_LIMIT)
    if error.retry_after is not None:
        delay = max(delay, error.retry_after)
    return delay * (1 + jitter / 2)


def _growing(first: timedelta, attempts: int, ceiling: timedelta) -> timedelta:
    exponent = min(max(attempts, 1) - 1, _LARGEST_EXPONENT)
    return min(first * (1 << exponent), ceiling)


def spread(interval: timedelta, *, share: float, jitter: float) -> timedelta:
    """`interval`, longer or shorter by up to `share` of it; `jitter` in [0, 1)."""
    return interval * (1 - share + 2 * share * jitter)
