"""What stories of series share: a weekly class, instances by their day, and what both sides show."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.core.scopes import EditScope
from services.core.slots import Schedule, SlotContent, Timed
from services.slot_scopes import SlotAddress, SlotEdit
from services.slot_service import SlotDraft
from tests.engine.world import START, USER
from tests.judges.series_sides import in_app, in_google, shown_in_app

if TYPE_CHECKING:
    from services.core.records import Slot
    from tests.engine.world import World

RULE = "RRULE:FREQ=WEEKLY;COUNT=4"


def week(number: int, *, hours: int = 0) -> datetime:
    """When the class has its instance number so and so, counted from 0."""
    return START + timedelta(days=7 * number, hours=hours)


async def weekly_class(world: World, rule: str = RULE, **more: Any) -> tuple[Slot, str]:
    """A weekly series of the app that Google has, and the id of its event."""
    slot = await new_class(world, rule, **more)
    await world.settle()
    slot = await world.slot(slot.id)
    assert slot.google is not None
    return slot, slot.google.event_id


async def new_class(world: World, rule: str = RULE, **more: Any) -> Slot:
    """The same, not synced yet."""
    content = SlotContent("Class", Schedule(Timed(START, START + timedelta(hours=1), "UTC")), **more)
    return (await world.slots.create(USER, SlotDraft(content, (rule,)))).entry.slot


async def google_class(world: World, rule: str = RULE, **more: Any) -> tuple[Slot, str]:
    """A weekly series of Google's that the app has."""
    event = world.google.create("Class", recurrence=[rule], **more)
    await world.pull()
    [slot] = [each for each in await world.all_slots() if each.google and each.google.event_id == event["id"]]
    return slot, str(event["id"])


async def change(
    world: World, slot: Slot, number: int | None, scope: str | None = None, /, **changes: Any
) -> Slot:
    """The app changes fields of an instance, as much of the series as the scope says."""
    edit = SlotEdit(lambda content: replace(content, **changes))
    return (await world.slots.edit(USER, address(slot, number, scope), edit)).entry.slot


async def shift(world: World, slot: Slot, number: int, scope: str, *, hours: int) -> Slot:
    """The app moves an instance."""
    start = week(number, hours=hours)
    span = Timed(start, start + timedelta(hours=1), "UTC")
    edit = SlotEdit(lambda content: replace(content, schedule=Schedule(span, content.schedule.recurrence)))
    return (await world.slots.edit(USER, address(slot, number, scope), edit)).entry.slot


async def cancel(world: World, slot: Slot, number: int, scope: str = "this") -> Slot:
    """The app deletes an instance."""
    return (await world.slots.delete(USER, address(slot, number, scope))).entry.slot


async def bring_back(world: World, slot: Slot, number: int | None = None) -> Slot:
    """The app restores a slot, or an instance."""
    return (await world.slots.restore(USER, address(slot, number, None))).entry.slot


def address(slot: Slot, number: int | None, scope: str | None) -> SlotAddress:
    start = None if number is None else week(number)
    return SlotAddress(slot.id, start, None if scope is None else EditScope(scope))


def instance_id(event_id: str, number: int) -> str:
    """Google's id of an instance."""
    return f"{event_id}_{week(number):%Y%m%dT%H%M%SZ}"


def times(number: int, *, hours: int) -> dict[str, Any]:
    """Times of an instance in Google's words."""
    start = week(number, hours=hours)
    return {
        "start": {"dateTime": start.isoformat(), "timeZone": "UTC"},
        "end": {"dateTime": (start + timedelta(hours=1)).isoformat(), "timeZone": "UTC"},
    }


async def shown(world: World) -> list[str]:
    """What both sides show, once everything has come to rest: day and hour, and title."""
    await world.settle()
    await world.pull()
    ours = sorted(map(shown_in_app, await in_app(world.reader, USER)))
    assert ours == sorted(each.shown for each in in_google(world.google))
    return [f"{start[5:13]} {title}" for start, _, _, title, _, _ in ours]


async def in_the_app(world: World) -> list[str]:
    """What the app shows, whatever Google has: day and hour, and title."""
    entries = sorted(map(shown_in_app, await in_app(world.reader, USER)))
    return [f"{start[5:13]} {title}" for start, _, _, title, _, _ in entries]
