"""Exceptions that Google lists before their series, of which the app has made something meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.engine.series_stories import change, instance_id, new_class, shown
from tests.engine.world import USER, World, make_world

if TYPE_CHECKING:
    from services.core.records import Slot
    from services.google.transport import HttpRequest

CLASSES = ["03-02T08 Class", "03-09T08 Class", "03-16T08 Class", "03-23T08 Class"]


async def exceptions_of(world: World, series: Slot) -> list[Slot]:
    async with world.uow.reading() as tx:
        found = await tx.slots.exceptions_of(USER, {series.id})
    return [each for each in found if each.deleted_at is None]


async def class_without_an_answer() -> tuple[World, Slot]:
    """A series that Google has, though the app does not know, with an exam that is listed before it."""
    world = await make_world()
    await world.settle()
    slot = await new_class(world)
    world.google.fault("commit_then_drop", method="POST")
    await world.run_once()
    [event] = world.google.events()
    world.google.edit(instance_id(event["id"], 1), summary="Exam")
    world.clock.advance(timedelta(seconds=1))
    world.google.edit(event["id"], location="Hall")
    world.transport.page_size = 1
    await world.notified()
    return world, slot


async def test_an_exception_of_both_sides_is_one():
    world, slot = await class_without_an_answer()
    await change(world, slot, 1, "this", description="Bring a pen")
    assert await shown(world) == [CLASSES[0], "03-09T08 Exam", *CLASSES[2:]]
    [exception] = await exceptions_of(world, slot)
    assert exception.content.description == "Bring a pen"


async def test_what_was_edited_of_both_stays():
    world, slot = await class_without_an_answer()
    await change(world, slot, 1, "this", description="Bring a pen")

    async def between_pages(request: HttpRequest) -> None:
        orphans = [each for each in await world.all_slots() if each.content.title == "Exam" and each.google]
        if "pageToken" in request.url and orphans:
            world.transport.before = None
            await world.edit(orphans[0], title="Oral exam")

    world.transport.before = between_pages
    assert await shown(world) == [CLASSES[0], "03-09T08 Exam", "03-09T08 Oral exam", *CLASSES[2:]]
    assert world.transport.before is None
    [exception] = await exceptions_of(world, slot)
    assert exception.content.description == "Bring a pen"
