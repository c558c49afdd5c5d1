"""A series that was gone comes back: what was made of its instances is as it was left."""

from __future__ import annotations

import pytest

from tests.engine.series_stories import (
    bring_back,
    cancel,
    change,
    google_class,
    in_the_app,
    instance_id,
    shown,
    times,
    weekly_class,
)
from tests.engine.world import World, make_world

CLASSES = ["03-02T08 Class", "03-09T08 Class", "03-16T08 Class", "03-23T08 Class"]


@pytest.fixture(params=["cancelled", "gone"])
async def world(request: pytest.FixtureRequest) -> World:
    """Google cancels exceptions that lose their place, or forgets them."""
    world = await make_world()
    world.google.call("POST", "/switches", {"orphaned_exceptions": request.param})
    await world.settle()
    return world


async def test_a_series_comes_back_with_its_exceptions(world: World):
    _, event_id = await google_class(world)
    world.google.edit(instance_id(event_id, 1), scope="this", summary="Exam")
    world.google.delete(instance_id(event_id, 2), scope="this")
    before = await shown(world)
    world.google.delete(event_id)
    assert await shown(world) == []
    world.google.edit(event_id, status="confirmed")
    assert await shown(world) == before


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


async def test_an_exception_that_google_lost_while_its_series_was_away_is_gone_on_both_sides(world: World):
    _, event_id = await weekly_class(world)
    world.google.edit(instance_id(event_id, 1), summary="Exam")
    await world.pull()
    world.google.edit(event_id, **times(0, hours=24))
    world.google.edit(event_id, **times(0, hours=0))
    assert "03-09T08 Exam" not in await shown(world)


async def test_an_instance_that_comes_back_with_its_series_and_is_deleted_before_it_is_looked_at_is_cancelled(
    world: World,
):
    slot, event_id = await weekly_class(world)
    await cancel(world, slot, 1)
    await bring_back(world, slot, 1)
    await world.delete(slot)
    await world.settle()
    world.google.edit(event_id, status="confirmed")
    await world.notified()
    world.google.fault("html_503", method="GET", path=instance_id(event_id, 1))
    await world.run_once()
    assert await in_the_app(world) == CLASSES
    await cancel(world, slot, 1)
    assert await shown(world) == [CLASSES[0], *CLASSES[2:]]
