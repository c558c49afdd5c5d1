"""What waits for a person, as clients see it: conflicts, and deletions that were held."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict

from schemas.common import Documented
from services.core.calendars import HoldRecord
from services.core.records import ConflictRecord
from services.core.slots import client_name


def conflict_body(conflict: ConflictRecord) -> dict[str, Any]:
    """A losing value as JSON values."""
    return {
        "id": conflict.id,
        "slot_id": conflict.slot_id,
        "field": client_name(conflict.group),
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


class ResolutionIn(Documented):
    """How a person settles a conflict."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"keep": "loser"}]})

    keep: Literal["winner", "loser"]
    """`loser` brings the losing value back, in Google too."""


_CONFLICT: dict[str, Any] = {
    "id": "019a2c42-3c1f-7f0e-9d3a-6f2b8f0f7a11",
    "slot_id": "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4",
    "field": "title",
    "winner": "google",
    "winning_value": "Review with Ada and Bob",
    "losing_value": "Review, moved",
    "at": "2026-07-01T08:00:00+00:00",
    "resolved_at": None,
    "resolution": None,
}
_HOLD: dict[str, Any] = {
    "id": "019a2c43-9a40-7d52-b1a6-0a7d8e1c2f33",
    "calendar_id": "primary",
    "held": 40,
    "known": 52,
    "at": "2026-07-01T08:00:00+00:00",
    "resolved_at": None,
    "resolution": None,
}


class _Out(Documented):
    model_config = ConfigDict(extra="forbid")


class ConflictOut(_Out):
    """A value that lost, kept until somebody has seen it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_CONFLICT]})

    id: UUID
    """A UUID."""
    slot_id: UUID
    """Of which slot."""
    field: str
    """Which field, or group of fields."""
    winner: Literal["app", "google"]
    """Whose value stands."""
    winning_value: Any
    """The value that stands."""
    losing_value: Any
    """The value that lost."""
    at: datetime
    """When the two met."""
    resolved_at: datetime | None
    """When a person settled it; null while it is open."""
    resolution: Literal["winner", "loser"] | None
    """Which value was kept; null while it is open."""


class ConflictPageOut(_Out):
    """A page of open conflicts."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_CONFLICT], "next_cursor": None}]}
    )

    items: list[ConflictOut]
    """In the order of the list."""
    next_cursor: str | None
    """For the next page, as `cursor`; null on the last one."""


class HoldOut(_Out):
    """A mass deletion that the brake stopped."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_HOLD]})

    id: UUID
    """A UUID."""
    calendar_id: str
    """`primary`, or Google's id."""
    held: int
    """How many slots wait."""
    known: int
    """How many events the calendar had before."""
    at: datetime
    """When the brake stopped them."""
    resolved_at: datetime | None
    """When a person decided; null while it is open."""
    resolution: Literal["approved", "rejected"] | None
    """What was decided; null while it is open."""


class HoldPageOut(_Out):
    """A page of open holds."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_HOLD], "next_cursor": None}]}
    )

    items: list[HoldOut]
    """In the order of the list."""
    next_cursor: str | None
    """For the next page, as `cursor`; null on the last one."""
