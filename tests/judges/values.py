"""What the app shows in a field, and what its conflicts keep, in the form that a ledger has."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.core.slots import AllDay, Schedule, Timed

if TYPE_CHECKING:
    from services.core.records import ConflictRecord
    from services.core.slots import SlotContent


def local_value(content: SlotContent, name: str) -> str:
    """What the app shows in a field."""
    if name == "schedule":
        return content.schedule.span.start.isoformat()
    return str(getattr(content, name))


def conflict_values(conflict: ConflictRecord) -> tuple[str, str]:
    """What a conflict keeps: the losing and the winning value."""

    def value(stored: Any) -> str:
        return str(stored["start"] if conflict.group == "schedule" else stored)

    return value(conflict.losing_value), value(conflict.winning_value)


def schedule_of(value: str) -> Schedule:
    """The schedule that begins at a value of the ledger."""
    if "T" in value:
        start = datetime.fromisoformat(value)
        return Schedule(Timed(start, start + timedelta(hours=1), "UTC"))
    day = date.fromisoformat(value)
    return Schedule(AllDay(day, day + timedelta(days=1)))
