"""What an instance looks like: an exception, or what its series has there, which Google answers alike."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.engine.series_stories import cancel, change, google_class, instance_id, shown
from tests.engine.world import World, make_world

if TYPE_CHECKING:
    from services.google.transport import HttpRequest

CLASSES = ["03-02T08 Class", "03-09T08 Class", "03-16T08 Class", "03-23T08 Class"]


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


def later(world: World) -> None:
    world.clock.advance(timedelta(seconds=1))


async def test_an_exception_that_was_listed_before_it_is_read_stays_one(world: World):
    slot, event_id = await google_class(world)
    world.google.edit(instance_id(event_id, 1), scope="this", summary="Exam")
    await shown(world)
    # Google's clock stands still, so nothing tells whether what is listed is newer than what is known.
    world.google.edit(instance_id(event_id, 1), scope="this", summary="Oral exam")
    await cancel(world, slot, 1)
    assert await shown(world) == [CLASSES[0], "03-09T08 Oral exam", *CLASSES[2:]]
    later(world)
    world.google.edit(event_id, summary="Course")
    assert await shown(world) == [
        "03-02T08 Course",
        "03-09T08 Oral exam",
        "03-16T08 Course",
        "03-23T08 Course",
    ]


async def test_an_instance_that_is_edited_back_after_it_was_looked_up_follows_its_series(world: World):
    slot, event_id = await google_class(world)
    await change(world, slot, 1, "this", title="Exam")
    edited: list[str] = []

    async def meanwhile(request: HttpRequest) -> None:
        if request.method == "GET" and instance_id(event_id, 1) in request.url and not edited:
            edited.append(request.url)
            await change(world, slot, 1, "this", title="Class")

    world.transport.after = meanwhile
    assert await shown(world) == CLASSES
    assert edited
    later(world)
    world.google.edit(event_id, summary="Course")
    assert await shown(world) == [each.replace("Class", "Course") for each in CLASSES]
