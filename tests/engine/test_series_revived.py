"""A series that is gone comes back, and what was made of its instances meanwhile stays as it is."""

from __future__ import annotations

import pytest

from tests.engine.series_stories import change, shown, weekly_class
from tests.engine.world import World, make_world

CLASSES = ["03-02T08 Class", "03-09T08 Class", "03-16T08 Class", "03-23T08 Class"]


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


async def test_what_stands_alone_since_its_series_was_deleted_is_there_once_when_that_is_restored(
    world: World,
):
    slot, event_id = await weekly_class(world)
    await change(world, slot, 1, "this", title="Exam")
    await world.settle()
    await change(world, slot, 1, "this", title="Test")
    world.google.delete(event_id)
    assert await shown(world) == ["03-09T08 Test"]
    await world.restore(slot)
    assert await shown(world) == [CLASSES[0], "03-09T08 Test", *CLASSES[2:]]
