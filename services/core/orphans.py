"""Exceptions that Google told of before their series: what becomes of them when the series is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.frozen import replace
from services.core.series import standing_alone

if TYPE_CHECKING:
    from datetime import datetime

    from services.core.records import Slot


def bound(orphan: Slot, series: Slot) -> Slot:
    """An orphan as an exception of its series, which may have changed since and lost it."""
    assert orphan.series is not None  # noqa: S101  # orphans are exceptions
    link = replace(orphan.series, series_id=series.id)
    return replace(orphan, series=link, refetch=orphan.refetch or _is_older(orphan, series))


def united(orphan: Slot, exception: Slot, *, now: datetime) -> tuple[Slot, Slot]:
    """An orphan and the exception that was made here of the same instance, which has one event.

    The exception gets it, and is merged with it when it is read next. The orphan is no more, unless somebody
    edited it here: then it goes on as a slot by itself.
    """
    there = replace(exception, google=orphan.google, seen_listing=orphan.seen_listing, refetch=True)
    if orphan.local is not None and orphan.dirty:
        return replace(standing_alone(orphan), version=orphan.version + 1, updated_at=now), there
    gone = replace(orphan, google=None, base=None, sent=None, refetch=False, failure=None, hold_id=None)
    if orphan.local is not None:
        gone = replace(gone, deleted_at=now, version=orphan.version + 1, updated_at=now)
    return gone, there


def _is_older(orphan: Slot, series: Slot) -> bool:
    """Whether a series was changed after its exception was listed, so that Google may have it no more."""
    if orphan.google is None or series.google is None:
        return False
    listed, changed = orphan.google.updated_at, series.google.updated_at
    return listed is None or changed is None or changed > listed
