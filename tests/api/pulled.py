"""Slots as a sync takes them in from Google, for stories that need no sync."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.core.records import GoogleCopy, SeriesLink, Slot
from services.core.slots import AllDay, Schedule, SlotContent, Timed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.api.service import Person, Service

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When everything was created and changed."""


def content(title: str, span: Timed | AllDay, *rule: str, **fields: Any) -> SlotContent:
    return SlotContent(title, Schedule(span, rule), **fields)


def timed(start: datetime, end: datetime, timezone: str = "Europe/Berlin") -> Timed:
    return Timed(start.astimezone(UTC), end.astimezone(UTC), timezone)


class Pulled:
    """The slots of one person, numbered as they come."""

    def __init__(self, person: Person) -> None:
        self._user_id = UUID(person.id)
        self.slots: list[Slot] = []

    def add(
        self,
        known: SlotContent,
        *,
        facts: Mapping[str, Any] | None = None,
        calendar_id: str = "primary",
        **fields: Any,
    ) -> Slot:
        """A single slot, or a series."""
        number = len(self.slots) + 1
        slot = Slot(
            user_id=self._user_id,
            id=UUID(int=(0x0190 << 112) + number),
            calendar_id=calendar_id,
            content=known,
            base=known,
            source="google",
            created_at=AT,
            updated_at=AT,
            google=GoogleCopy(f"event{number}", '"1"', AT, facts=facts or {}),
        )
        self.slots.append(replace(slot, **fields))
        return self.slots[-1]

    def exception(self, series: Slot, original: datetime | date, known: SlotContent) -> Slot:
        """An instance that differs from its series."""
        return self._bound(self.add(known), series, original)

    def cancelled(self, series: Slot, original: datetime | date) -> Slot:
        """An instance that does not take place."""
        gone = self.add(replace(series.content, schedule=Schedule(series.content.schedule.span)))
        gone = replace(gone, deleted_at=AT, base=None)
        return self._bound(gone, series, original)

    def _bound(self, slot: Slot, series: Slot, original: datetime | date) -> Slot:
        assert series.google is not None
        start = original.astimezone(UTC) if isinstance(original, datetime) else original
        self.slots[-1] = replace(slot, series=SeriesLink(start, series.id, series.google.event_id))
        return self.slots[-1]

    async def store(self, service: Service) -> None:
        async with service.parts.container.slots._uow() as tx:
            await tx.users.lock(self._user_id)
            await tx.slots.add(self.slots)
