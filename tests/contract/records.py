"""Ready-made records for the contract tests."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.core.accounts import User
from services.core.calendars import CalendarSync
from services.core.records import GoogleCopy, Slot
from services.core.slots import AllDay, Schedule, SlotContent, Timed

if TYPE_CHECKING:
    from services.core.storage import UnitOfWork

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
_numbers = itertools.count(1)


def new_id() -> UUID:
    """Ids in rising order, like those of version 7."""
    return UUID(int=(0x0190 << 112) + (7 << 76) + (8 << 60) + next(_numbers))


def user(email: str | None = None) -> User:
    user_id = new_id()
    return User(id=user_id, email=email or f"{user_id.hex}@example.org", name="Ada", created_at=NOW)


def timed(
    title: str = "Lunch", start: datetime = NOW, length: timedelta = HOUR, **fields: Any
) -> SlotContent:
    return SlotContent(title, Schedule(Timed(start, start + length, "Europe/Berlin")), **fields)


def all_day(title: str = "Fair", start: date = TODAY, days: int = 1, **fields: Any) -> SlotContent:
    return SlotContent(title, Schedule(AllDay(start, start + timedelta(days=days))), **fields)


def slot(user_id: UUID, content: SlotContent | None = None, **fields: Any) -> Slot:
    """A slot that Google has not seen yet."""
    given: dict[str, Any] = {"id": new_id(), "calendar_id": "primary", "source": "app"} | fields
    return Slot(user_id=user_id, content=content or timed(), created_at=NOW, updated_at=NOW, **given)


def synced(user_id: UUID, event_id: str, content: SlotContent | None = None, **fields: Any) -> Slot:
    """A slot that Google has just so."""
    content = content or timed()
    copy = GoogleCopy(event_id, '"1"', NOW)
    return slot(user_id, content, base=content, google=copy, source="google", **fields)


async def some_user(uow: UnitOfWork, *calendars: str) -> UUID:
    """A stored user with these calendars (`primary` alone when none is named)."""
    someone = user()
    async with uow() as tx:
        await tx.users.add(someone)
        for calendar_id in calendars or ("primary",):
            await tx.calendars.add(CalendarSync(user_id=someone.id, calendar_id=calendar_id))
    return someone.id


async def stored(uow: UnitOfWork, *slots: Slot) -> list[Slot]:
    async with uow() as tx:
        await tx.users.lock(slots[0].user_id)
        return await tx.slots.add(slots)
