"""Busy and free time as clients see it."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations.
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict

from schemas.common import Documented

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from services.core.free_busy import Interval
    from services.free_busy_service import FreeBusy


def free_busy_body(found: FreeBusy, zone: tzinfo) -> dict[str, Any]:
    """Busy and free time as JSON values, with the offsets of a zone."""
    return {
        "busy": _shown(found.busy, zone),
        "free": None if found.free is None else _shown(found.free, zone),
    }


def _shown(intervals: Iterable[Interval], zone: tzinfo) -> list[dict[str, datetime]]:
    return [{"start": each.start.astimezone(zone), "end": each.end.astimezone(zone)} for each in intervals]


class IntervalOut(Documented):
    """A span of time."""

    model_config = ConfigDict(extra="forbid")

    start: datetime
    """Inclusive, with offset."""
    end: datetime
    """Exclusive."""


_EXAMPLE: dict[str, Any] = {
    "busy": [
        {"start": "2026-07-01T09:00:00+02:00", "end": "2026-07-01T10:45:00+02:00"},
        {"start": "2026-07-01T13:00:00+02:00", "end": "2026-07-01T14:00:00+02:00"},
    ],
    "free": [
        {"start": "2026-07-01T08:00:00+02:00", "end": "2026-07-01T09:00:00+02:00"},
        {"start": "2026-07-01T10:45:00+02:00", "end": "2026-07-01T13:00:00+02:00"},
        {"start": "2026-07-01T14:00:00+02:00", "end": "2026-07-01T18:00:00+02:00"},
    ],
}


class FreeBusyOut(Documented):
    """Busy and free time of a window: each in order, without overlaps, clipped to the window."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    busy: list[IntervalOut]
    """When something takes place."""
    free: list[IntervalOut] | None
    """`null` unless `min_minutes` was given."""
