"""Series that name dates beside their rule, which goes on as it was wherever they are split."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.core.slots import Schedule, SlotContent, Timed
from services.slot_service import SlotDraft
from tests.engine.series_stories import cancel, change, shift, shown
from tests.engine.world import START, USER, World, make_world

if TYPE_CHECKING:
    from services.core.records import Slot

FORTNIGHTLY = ("RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3", "RDATE:20260309T080000Z")
TWICE_AND_BEFORE = ("RRULE:FREQ=WEEKLY;COUNT=2", "RDATE:20260223T080000Z")


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


async def lessons(world: World, *lines: str) -> Slot:
    content = SlotContent("Class", Schedule(Timed(START, START + timedelta(hours=1), "UTC")))
    slot = (await world.slots.create(USER, SlotDraft(content, lines))).entry.slot
    await shown(world)
    return slot


async def test_what_follows_a_date_of_its_own_stays_where_the_rule_has_it(world: World):
    slot = await lessons(world, *FORTNIGHTLY)
    await change(world, slot, 1, "following", title="Exam")
    assert await shown(world) == ["03-02T08 Class", "03-09T08 Exam", "03-16T08 Exam", "03-30T08 Exam"]


async def test_it_moves_as_far_as_that_date(world: World):
    slot = await lessons(world, *FORTNIGHTLY)
    await change(world, slot, 4, "this", title="Exam")
    await shown(world)
    await shift(world, slot, 1, "following", hours=1)
    assert await shown(world) == ["03-02T08 Class", "03-09T09 Class", "03-16T09 Class", "03-30T09 Exam"]


async def test_a_date_before_the_start_stays_when_all_that_follow_are_deleted(world: World):
    slot = await lessons(world, *TWICE_AND_BEFORE)
    await cancel(world, slot, 0, "following")
    assert await shown(world) == ["02-23T08 Class"]


async def test_or_when_they_are_changed(world: World):
    slot = await lessons(world, *TWICE_AND_BEFORE)
    await change(world, slot, 0, "following", title="Exam")
    assert await shown(world) == ["02-23T08 Class", "03-02T08 Exam", "03-09T08 Exam"]
