"""The sync as clients see it: outcomes, health, and what waits for a person."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict

from schemas.common import Documented
from services.core.calendars import Channel, SyncCounters, SyncError
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


def channels_body(channels: list[Channel]) -> dict[str, Any]:
    """Opened webhook channels as JSON values."""
    return {
        "channels": [
            {"calendar_id": each.calendar_id, "channel_id": each.id, "expires_at": each.expires_at}
            for each in channels
        ]
    }


_COUNTERS: dict[str, Any] = {
    "pulled": 3,
    "pushed": 1,
    "deleted": 0,
    "conflicts": 0,
    "failed": 0,
    "unreadable": 0,
}
_TRIGGERED: dict[str, Any] = {
    "status": "completed",
    **_COUNTERS,
    "took_ms": 412,
    "calendars": [{"calendar_id": "primary", **_COUNTERS, "error": None}],
}
_PUSHED: dict[str, Any] = {
    "status": "completed",
    "pushed": 17,
    "failed": 1,
    "errors": [
        {
            "slot_id": "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4",
            "type": "forbidden",
            "detail": "Google refused it.",
        }
    ],
}
_CHANNEL: dict[str, Any] = {
    "calendar_id": "primary",
    "channel_id": "019a2c41-0b64-7a1d-8a57-1f1d7c1f4e02",
    "expires_at": "2026-07-08T08:00:00+00:00",
}
STATUS_EXAMPLE: dict[str, Any] = {
    "connected": True,
    "calendars": [
        {
            "calendar_id": "primary",
            "state": "idle",
            "last_success_at": "2026-07-01T08:00:00+00:00",
            "last_error": None,
            "lag_seconds": 12.5,
            "pending": 0,
            "failed": 0,
            "conflicts": 0,
            "quarantined": 0,
            "held": 0,
            "progress": None,
            "webhook": {
                "active": True,
                "channel_id": _CHANNEL["channel_id"],
                "expires_at": _CHANNEL["expires_at"],
                "last_notified_at": "2026-07-01T07:59:58+00:00",
                "mode": "push",
            },
            "next_sync_at": "2026-07-01T08:15:00+00:00",
        }
    ],
}


class _Out(Documented):
    model_config = ConfigDict(extra="forbid")


class SyncErrorOut(_Out):
    """Why the last run failed."""

    reason: str
    """The kind of failure, for programs."""
    detail: str
    """The same for people."""
    at: datetime
    """When it happened."""


class _CountersOut(_Out):
    pulled: int
    """Slots that changed because Google's events had."""
    pushed: int
    """Events that changed because slots had."""
    deleted: int
    """What was deleted, on either side."""
    conflicts: int
    """Fields that both sides had changed."""
    failed: int
    """Slots that Google refused; see their `sync.reason`."""
    unreadable: int
    """Events that could not be understood and were left as they are."""


class CalendarOutcomeOut(_CountersOut):
    """What a triggered sync did to one calendar."""

    calendar_id: str
    """`primary`, or Google's id."""
    error: SyncErrorOut | None
    """Why the run ended early; null when it did not."""


class TriggerOut(_CountersOut):
    """What a triggered sync did, all calendars together and each."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_TRIGGERED]})

    status: Literal["completed", "running"]
    """`running`: it goes on; see `GET /sync/status`."""
    took_ms: int
    """Milliseconds until this answer."""
    calendars: list[CalendarOutcomeOut]
    """The same for each calendar."""


class PushErrorOut(_Out):
    """Why one slot is not in Google."""

    slot_id: UUID
    """Which slot."""
    type: str
    """The kind of failure, for programs."""
    detail: str
    """The same for people."""


class PushAllOut(_Out):
    """What pushing everything did."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_PUSHED]})

    status: Literal["completed", "running"]
    """`running`: it goes on; see `GET /sync/status`."""
    pushed: int
    """Slots that Google has now."""
    failed: int
    """Slots that it does not have."""
    errors: list[PushErrorOut]
    """Why, for each of these."""


class ProgressOut(_Out):
    """How far a full listing is."""

    done: int
    """Events so far."""
    total: int | None
    """Of so many; null while nobody knows."""


class WebhookOut(_Out):
    """How a calendar learns of changes."""

    active: bool
    """Whether Google notifies of changes."""
    channel_id: str | None
    """Of the open channel; null when there is none."""
    expires_at: datetime | None
    """When the channel ends; it is renewed before."""
    last_notified_at: datetime | None
    """When Google notified last."""
    mode: Literal["push", "polling"]
    """`polling`: the calendar is listed regularly instead."""


class CalendarHealthOut(_Out):
    """How one calendar stands."""

    calendar_id: str
    """`primary`, or Google's id."""
    state: Literal["idle", "syncing", "backing_off", "held", "reauthorisation_required", "never"]
    """What it is doing; `never`: it was not synced yet."""
    last_success_at: datetime | None
    """When both sides last agreed."""
    last_error: SyncErrorOut | None
    """Why the last run failed; null when it did not."""
    lag_seconds: float | None
    """Since the last success; null before the first."""
    pending: int
    """Slots on their way to Google."""
    failed: int
    """Slots that Google refused."""
    conflicts: int
    """Losing values that nobody has settled."""
    quarantined: int
    """Slots whose circuit breaker is open."""
    held: int
    """Deletions that wait for a person."""
    progress: ProgressOut | None
    """Of a full listing; null when there is none."""
    webhook: WebhookOut
    """How the calendar learns of changes."""
    next_sync_at: datetime | None
    """When it is looked at next."""


class SyncStatusOut(_Out):
    """How a user's sync stands."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [STATUS_EXAMPLE]})

    connected: bool
    """Whether a Google account is linked and usable."""
    calendars: list[CalendarHealthOut]
    """Each calendar that takes part."""


class ChannelOut(_Out):
    """An open webhook channel."""

    calendar_id: str
    """`primary`, or Google's id."""
    channel_id: str
    """As Google's notifications name it."""
    expires_at: datetime | None
    """When Google ends it; null when Google did not say."""


class ChannelsOut(_Out):
    """The user's webhook channels."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"channels": [_CHANNEL]}]})

    channels: list[ChannelOut]
    """One for each calendar that Google can notify for."""
