"""The sync as clients see it: outcomes, health, and what waits for a person."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.core.calendars import Channel, HoldRecord, SyncCounters, SyncError
from services.core.records import ConflictRecord
from services.sync_service import CalendarHealth, PushAllOutcome, SyncStatus, TriggerOutcome


def counters_body(counters: SyncCounters) -> dict[str, int]:
    """What runs did, as JSON values."""
    return {
        "pulled": counters.pulled,
        "pushed": counters.pushed,
        "deleted": counters.deleted,
        "conflicts": counters.conflicts,
        "failed": counters.failed,
        "unreadable": counters.unreadable,
    }


def error_body(error: SyncError | None) -> dict[str, Any] | None:
    """Why a run failed, as JSON values."""
    return None if error is None else {"reason": error.reason, "detail": error.detail, "at": error.at}


def trigger_body(outcome: TriggerOutcome) -> dict[str, Any]:
    """A triggered sync as JSON values."""
    return {
        "status": outcome.status,
        **counters_body(outcome.counters),
        "took_ms": round(outcome.took / timedelta(milliseconds=1)),
        "calendars": [
            {
                "calendar_id": each.calendar_id,
                **counters_body(each.counters),
                "error": error_body(each.error),
            }
            for each in outcome.calendars
        ],
    }


def push_all_body(outcome: PushAllOutcome) -> dict[str, Any]:
    """A push of everything as JSON values."""
    return {
        "status": outcome.status,
        "pushed": outcome.pushed,
        "failed": outcome.failed,
        "errors": [
            {"slot_id": each.slot_id, "type": each.type, "detail": each.detail} for each in outcome.errors
        ],
    }


def status_body(status: SyncStatus) -> dict[str, Any]:
    """How a user's sync stands, as JSON values."""
    return {"connected": status.connected, "calendars": [_health_body(each) for each in status.calendars]}


def _health_body(health: CalendarHealth) -> dict[str, Any]:
    counts, webhook, progress = health.counts, health.webhook, health.progress
    return {
        "calendar_id": health.calendar_id,
        "state": health.state,
        "last_success_at": health.last_success_at,
        "last_error": error_body(health.last_error),
        "lag_seconds": None if health.lag is None else round(health.lag.total_seconds(), 3),
        "pending": counts.pending,
        "failed": counts.failed,
        "conflicts": counts.conflicts,
        "quarantined": counts.quarantined,
        "held": counts.held,
        "progress": None if progress is None else {"done": progress[0], "total": progress[1]},
        "webhook": {
            "active": webhook.active,
            "channel_id": webhook.channel_id,
            "expires_at": webhook.expires_at,
            "last_notified_at": webhook.last_notified_at,
            "mode": webhook.mode,
        },
        "next_sync_at": health.next_sync_at,
    }


def conflict_body(conflict: ConflictRecord) -> dict[str, Any]:
    """A losing value as JSON values."""
    return {
        "id": conflict.id,
        "slot_id": conflict.slot_id,
        "field": conflict.group,
        "winner": "app" if conflict.winner == "local" else "google",
        "winning_value": conflict.winning_value,
        "losing_value": conflict.losing_value,
        "at": conflict.at,
        "resolved_at": conflict.resolved_at,
        "resolution": conflict.resolution,
    }


def hold_body(hold: HoldRecord) -> dict[str, Any]:
    """A held mass deletion as JSON values."""
    return {
        "id": hold.id,
        "calendar_id": hold.calendar_id,
        "held": hold.held,
        "known": hold.known,
        "at": hold.at,
        "resolved_at": hold.resolved_at,
        "resolution": hold.resolution,
    }


def channels_body(channels: list[Channel]) -> dict[str, Any]:
    """Opened webhook channels as JSON values."""
    return {
        "channels": [
            {"calendar_id": each.calendar_id, "channel_id": each.id, "expires_at": each.expires_at}
            for each in channels
        ]
    }


class ResolutionIn(BaseModel):
    """How a person settles a conflict."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"keep": "loser"}]})

    keep: Literal["winner", "loser"]
    """`loser` brings the losing value back, in Google too."""


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SyncErrorOut(_Out):
    """Why the last run failed."""

    reason: str
    detail: str
    at: datetime


class _CountersOut(_Out):
    pulled: int
    pushed: int
    deleted: int
    conflicts: int
    failed: int
    unreadable: int


class CalendarOutcomeOut(_CountersOut):
    """What a triggered sync did to one calendar."""

    calendar_id: str
    error: SyncErrorOut | None


class TriggerOut(_CountersOut):
    """What a triggered sync did, all calendars together and each."""

    status: Literal["completed", "running"]
    took_ms: int
    calendars: list[CalendarOutcomeOut]


class PushErrorOut(_Out):
    """Why one slot is not in Google."""

    slot_id: UUID
    type: str
    detail: str


class PushAllOut(_Out):
    """What pushing everything did."""

    status: Literal["completed", "running"]
    pushed: int
    failed: int
    errors: list[PushErrorOut]


class ProgressOut(_Out):
    """How far a full listing is."""

    done: int
    total: int | None


class WebhookOut(_Out):
    """How a calendar learns of changes."""

    active: bool
    channel_id: str | None
    expires_at: datetime | None
    last_notified_at: datetime | None
    mode: Literal["push", "polling"]


class CalendarHealthOut(_Out):
    """How one calendar stands."""

    calendar_id: str
    state: Literal["idle", "syncing", "backing_off", "held", "reauthorisation_required", "never"]
    last_success_at: datetime | None
    last_error: SyncErrorOut | None
    lag_seconds: float | None
    pending: int
    failed: int
    conflicts: int
    quarantined: int
    held: int
    progress: ProgressOut | None
    webhook: WebhookOut
    next_sync_at: datetime | None


class SyncStatusOut(_Out):
    """How a user's sync stands."""

    connected: bool
    calendars: list[CalendarHealthOut]


class ConflictOut(_Out):
    """A value that lost, kept until somebody has seen it."""

    id: UUID
    slot_id: UUID
    field: str
    winner: Literal["app", "google"]
    winning_value: Any
    losing_value: Any
    at: datetime
    resolved_at: datetime | None
    resolution: Literal["winner", "loser"] | None


class ConflictPageOut(_Out):
    """A page of open conflicts."""

    items: list[ConflictOut]
    next_cursor: str | None


class HoldOut(_Out):
    """A mass deletion that the brake stopped."""

    id: UUID
    calendar_id: str
    held: int
    known: int
    at: datetime
    resolved_at: datetime | None
    resolution: Literal["approved", "rejected"] | None


class HoldPageOut(_Out):
    """A page of open holds."""

    items: list[HoldOut]
    next_cursor: str | None


class ChannelOut(_Out):
    """An open webhook channel."""

    calendar_id: str
    channel_id: str
    expires_at: datetime | None


class ChannelsOut(_Out):
    """The user's webhook channels."""

    channels: list[ChannelOut]
