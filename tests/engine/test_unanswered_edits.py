"""Edits whose answer was lost, and what Google's state tells of them: did they arrive?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.engine.series_stories import cancel, change, google_class, instance_id, shown
from tests.engine.world import World, make_world


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


async def test_an_edit_that_never_arrived_is_made_again_where_both_sides_ended_the_series_alike(world: World):
    slot, event_id = await google_class(world)
    await cancel(world, slot, 2, "following")
    await change(world, slot, None, title="Seminar")
    world.google.fault("drop_before", method="PATCH")
    await world.run_once()
    world.clock.advance(timedelta(seconds=1))
    world.google.edit(instance_id(event_id, 2), scope="following", summary="Exam")
    assert await shown(world) == ["03-02T08 Seminar", "03-09T08 Seminar", "03-16T08 Exam", "03-23T08 Exam"]


async def test_a_color_that_both_sides_chose_proves_nothing(world: World):
    slot, event_id = await world.linked()
    await world.edit(slot, title="Lecture", color="5")
    world.google.fault("drop_before", method="PATCH")
    await world.run_once()
    world.clock.advance(timedelta(seconds=1))
    world.google.edit(event_id, colorId="5")
    assert await shown(world) == ["03-02T08 Lecture"]


async def test_a_text_of_ours_proves_that_all_arrived(world: World):
    slot, event_id = await world.linked()
    await world.edit(slot, title="Lecture", color="5")
    world.google.fault("commit_then_drop", method="PATCH")
    await world.run_once()
    world.clock.advance(timedelta(seconds=1))
    world.google.edit(event_id, colorId=None)
    assert await shown(world) == ["03-02T08 Lecture"]
    assert (await world.slot(slot.id)).content.color is None


async def test_a_color_proves_it_where_everything_else_was_edited_again(world: World):
    slot, event_id = await world.linked()
    await world.edit(slot, title="Lecture", color="5")
    world.google.fault("commit_then_drop", method="PATCH")
    await world.run_once()
    world.clock.advance(timedelta(seconds=1))
    world.google.edit(event_id, summary="Exam")
    assert await shown(world) == ["03-02T08 Exam"]
    assert (await world.slot(slot.id)).open_conflicts == 0
