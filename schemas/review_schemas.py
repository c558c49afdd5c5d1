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


class _Out(Documented):
    model_config = ConfigDict(extra="forbid")


class ConflictOut(_Out):
    """A value that lost, kept until somebody has seen it."""

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

    items: list[ConflictOut]
    """In the order of the list."""
    next_cursor: str | None
    """For the next page, as `cursor`; null on the last one."""


class HoldOut(_Out):
    """A mass deletion that the brake stopped."""

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

    items: list[HoldOut]
    """In the order of the list."""
    next_cursor: str | None
    """For the next page, as `cursor`; null on the last one."""
