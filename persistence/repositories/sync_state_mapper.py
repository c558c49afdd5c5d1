"""Sync states as rows and back."""

from __future__ import annotations

from dataclasses import asdict, astuple
from typing import TYPE_CHECKING, Any

from persistence.models import calendar_sync_states
from persistence.types import from_micros, to_micros
from services.core.calendar_entry import CalendarEntry
from services.core.calendars import CalendarStatus, CalendarSync, Cursor, SyncCounters, SyncError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

COLUMNS = tuple(column.name for column in calendar_sync_states.columns if column.name != "wake_at")


def wake_at(calendar: CalendarSync) -> datetime | None:
    """When a replica may claim the calendar; `None` while it is not active."""
    if calendar.status is not CalendarStatus.ACTIVE:
        return None
    return max(calendar.due_at, calendar.not_before, calendar.lease_until)


def calendar_to_row(calendar: CalendarSync) -> dict[str, Any]:
    """All columns by name."""
    cursor, error = calendar.cursor, calendar.last_error
    return {
        "user_id": calendar.user_id,
        "calendar_id": calendar.calendar_id,
        "status": calendar.status.value,
        "sync_token": cursor.sync_token,
        "listing": cursor.listing,
        "listing_page": cursor.listing_page,
        "suspect_missing": cursor.suspect_missing,
        "time_zone": calendar.time_zone,
        "due_at": calendar.due_at,
        "pull_due_at": calendar.pull_due_at,
        "not_before": calendar.not_before,
        "dirty_seq": calendar.dirty_seq,
        "done_seq": calendar.done_seq,
        "lease_owner": calendar.lease_owner,
        "lease_until": calendar.lease_until,
        "epoch": calendar.epoch,
        "attempts": calendar.attempts,
        "counters": astuple(calendar.counters),
        "last_error": error and (error.reason, error.detail, to_micros(error.at)),
        "last_success_at": calendar.last_success_at,
        "last_notified_at": calendar.last_notified_at,
        "progress": calendar.progress,
        "push_supported": calendar.push_supported,
        "is_default": calendar.is_default,
        "entry": calendar.entry and asdict(calendar.entry),
        "wake_at": wake_at(calendar),
    }


def row_to_calendar(row: Sequence[Any]) -> CalendarSync:
    """The inverse, for rows in the order of `COLUMNS`."""
    found = dict(zip(COLUMNS, row, strict=True))
    error, progress, entry = found.pop("last_error"), found.pop("progress"), found.pop("entry")
    return CalendarSync(
        status=CalendarStatus(found.pop("status")),
        cursor=Cursor(
            sync_token=found.pop("sync_token"),
            listing=found.pop("listing"),
            listing_page=found.pop("listing_page"),
            suspect_missing=found.pop("suspect_missing"),
        ),
        counters=SyncCounters(*found.pop("counters")),
        last_error=None if error is None else SyncError(error[0], error[1], from_micros(error[2])),
        progress=None if progress is None else (progress[0], progress[1]),
        entry=None if entry is None else CalendarEntry(**entry),
        **found,
    )
