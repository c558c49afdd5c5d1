"""The app edits series: this one, this and following, all; Google has it, and both sides show the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.core.errors import UnknownInstanceError
from services.core.records import SyncState
from services.slot_scopes import SlotAddress, SlotEdit
from tests.engine.series_stories import (
    bring_back,
    cancel,
    change,
    google_class,
    instance_id,
    new_class,
    shift,
    shown,
    weekly_class,
)
from tests.engine.world import START, USER, World, make_world

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.records import Slot
    from services.google.transport import HttpRequest

CLASSES = ["03-02T08 Class", "03-09T08 Class", "03-16T08 Class", "03-23T08 Class"]


def with_rule(slot: Slot, rule: tuple[str, ...]) -> tuple[UUID, SlotAddress, SlotEdit]:
    return USER, SlotAddress(slot.id), SlotEdit(lambda content: content, recurrence=rule)


def titled(title: str) -> SlotEdit:
    return SlotEdit(lambda content: replace(content, title=title))


def of_day(slot: Slot, day: int) -> tuple[UUID, SlotAddress]:
    return USER, SlotAddress(slot.id, START + timedelta(days=day))


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


async def test_one_instance_becomes_an_exception(world: World):
    slot, event_id = await weekly_class(world)
    await change(world, slot, 1, "this", title="Exam")
    assert await shown(world) == [CLASSES[0], "03-09T08 Exam", *CLASSES[2:]]
    assert world.google.event(instance_id(event_id, 1))["recurringEventId"] == event_id


@pytest.mark.parametrize("title", ["Exam", "Test"])
async def test_an_instance_that_google_denies_once_by_mistake_stays_the_same_on_both_sides(
    world: World, title: str
):
    slot, _ = await weekly_class(world)
    await change(world, slot, 1, "this", title="Exam")
    await world.settle()
    world.google.fault("answer", method="PATCH", status=412, reason="conditionNotMet")
    world.google.fault("answer", method="GET", path="/events/.+", status=404, reason="notFound")
    await change(world, slot, 1, "this", title=title, location="Room 1")
    assert await shown(world) == [CLASSES[0], f"03-09T08 {title}", *CLASSES[2:]]


async def test_one_instance_can_be_edited_before_google_has_the_series(world: World):
    slot = await new_class(world)
    await change(world, slot, 1, "this", title="Exam")
    await cancel(world, slot, 2)
    assert await shown(world) == [CLASSES[0], "03-09T08 Exam", CLASSES[3]]


async def test_all_that_follow_become_a_series_of_their_own_with_the_guests(world: World):
    guests = [{"email": "bob@example.com", "responseStatus": "accepted"}]
    slot, event_id = await google_class(world, attendees=guests)
    await shift(world, slot, 2, "following", hours=1)
    assert await shown(world) == [*CLASSES[:2], "03-16T09 Class", "03-23T09 Class"]
    assert world.google.event(event_id)["recurrence"] == ["RRULE:FREQ=WEEKLY;UNTIL=20260316T075959Z"]
    [tail] = [each for each in world.google.events() if each["id"] != event_id]
    assert tail["recurrence"] == ["RRULE:FREQ=WEEKLY;COUNT=2"]
    assert [(each["email"], each["responseStatus"]) for each in tail["attendees"]] == [
        ("bob@example.com", "accepted")
    ]


async def test_what_was_made_of_a_later_instance_goes_along_with_those_that_follow(world: World):
    slot, _ = await weekly_class(world)
    await change(world, slot, 3, "this", title="Exam")
    await cancel(world, slot, 2)
    await shown(world)
    await shift(world, slot, 1, "following", hours=1)
    assert await shown(world) == [CLASSES[0], "03-09T09 Class", "03-23T09 Exam"]


async def test_an_edit_of_the_series_itself_leaves_what_was_made_of_its_first_instance(world: World):
    slot, _ = await weekly_class(world)
    await change(world, slot, 0, "this", title="Opening")
    await shown(world)
    await change(world, slot, None, title="Seminar")
    seminars = [each.replace("Class", "Seminar") for each in CLASSES]
    assert await shown(world) == ["03-02T08 Opening", *seminars[1:]]


async def test_all_move_and_exceptions_with_them(world: World):
    slot, _ = await weekly_class(world)
    await change(world, slot, 1, "this", title="Exam")
    await shown(world)
    await shift(world, slot, 2, "all", hours=2)
    assert await shown(world) == ["03-02T10 Class", "03-09T10 Exam", "03-16T10 Class", "03-23T10 Class"]


@pytest.mark.parametrize("days", [1, -1, 2])
async def test_exceptions_of_a_daily_series_move_to_where_others_were(world: World, days: int):
    slot, _ = await weekly_class(world, "RRULE:FREQ=DAILY;COUNT=16")
    for day, title in ((7, "Exam"), (8, "Talk")):
        await world.slots.edit(*of_day(slot, day), titled(title))
    await world.slots.delete(*of_day(slot, 9))
    before = await shown(world)
    assert before[7:9] == ["03-09T08 Exam", "03-10T08 Talk"]
    assert len(before) == 15
    await shift(world, slot, 2, "all", hours=24 * days)
    after = await shown(world)
    assert [each[6:] for each in after] == [each[6:] for each in before]
    assert f"{9 + days:02}T08 Exam" == after[7][3:]


async def test_one_is_cancelled_and_comes_back(world: World):
    slot, _ = await weekly_class(world)
    await cancel(world, slot, 1)
    assert await shown(world) == [CLASSES[0], *CLASSES[2:]]
    await bring_back(world, slot, 1)
    assert await shown(world) == CLASSES


async def test_one_that_comes_back_before_google_knew_follows_its_series(world: World):
    slot, event_id = await google_class(world)
    await cancel(world, slot, 1)
    await bring_back(world, slot, 1)
    world.google.edit(event_id, summary="Seminar")
    assert await shown(world) == [each.replace("Class", "Seminar") for each in CLASSES]


async def test_one_that_comes_back_while_it_is_looked_up_follows_its_series(world: World):
    slot, _ = await weekly_class(world)
    await cancel(world, slot, 1)

    async def brought_back(request: HttpRequest) -> None:
        if request.method == "GET" and request.url.split("?")[0].endswith("_20260309T080000Z"):
            world.transport.after = None
            await bring_back(world, slot, 1)

    world.transport.after = brought_back
    await world.settle()
    await change(world, slot, 2, "all", title="Seminar")
    assert await shown(world) == [each.replace("Class", "Seminar") for each in CLASSES]


async def test_one_that_was_cancelled_stays_so_when_google_changes_the_series(world: World):
    slot, event_id = await google_class(world)
    await cancel(world, slot, 1)
    world.clock.advance(timedelta(seconds=1))
    world.google.edit(event_id, summary="Seminar")
    assert await shown(world) == ["03-02T08 Seminar", "03-16T08 Seminar", "03-23T08 Seminar"]


async def test_a_deleted_series_comes_back_with_its_exceptions(world: World):
    slot, event_id = await weekly_class(world)
    await change(world, slot, 1, "this", title="Exam")
    await cancel(world, slot, 2)
    before = await shown(world)
    await world.delete(slot)
    assert await shown(world) == []
    await world.restore(slot)
    assert await shown(world) == before
    assert world.google.event(event_id)["status"] == "confirmed"


async def test_a_series_becomes_a_single_slot_and_a_series_again(world: World):
    slot, _ = await weekly_class(world)
    await change(world, slot, 1, "this", title="Exam")
    await shown(world)
    await world.slots.edit(*with_rule(slot, ()))
    assert await shown(world) == CLASSES[:1]
    await world.slots.edit(*with_rule(slot, ("RRULE:FREQ=WEEKLY;COUNT=2",)))
    assert await shown(world) == CLASSES[:2]


async def test_what_google_cancelled_and_nobody_knows_cannot_come_back_empty(world: World):
    slot, event_id = await google_class(world)
    world.google.delete(instance_id(event_id, 3))
    await shown(world)
    [cancelled] = [each for each in await world.all_slots(deleted=True) if each.deleted_at is not None]
    await world.slots.edit(*with_rule(slot, ("RRULE:FREQ=WEEKLY;COUNT=2",)))
    await shown(world)
    with pytest.raises(UnknownInstanceError):
        await world.restore(cancelled)


async def test_where_google_refuses_to_revive_an_instance_it_comes_back_by_itself(world: World):
    world.google.call("POST", "/switches", {"revival_status": 403})
    slot, _ = await weekly_class(world)
    await cancel(world, slot, 1)
    await shown(world)
    await bring_back(world, slot, 1)
    assert await shown(world) == CLASSES


@pytest.mark.parametrize("kind", ["commit_then_drop", "drop_before"])
@pytest.mark.parametrize("skip", range(9))
async def test_no_lost_answer_doubles_or_loses_anything(world: World, kind: str, skip: int):
    slot, _ = await weekly_class(world)
    await change(world, slot, 3, "this", title="Exam")
    world.google.fault(kind, skip=skip)
    await shift(world, slot, 1, "following", hours=1)
    await cancel(world, slot, 0)
    assert await shown(world) == ["03-09T09 Class", "03-16T09 Class", "03-23T09 Exam"]
    assert {each.sync_state for each in await world.all_slots(deleted=True)} == {SyncState.SYNCED}


async def test_the_series_of_a_deleted_instance_goes_on(world: World):
    slot, _ = await weekly_class(world)
    await cancel(world, slot, 1, "following")
    assert await shown(world) == CLASSES[:1]


async def test_one_is_cancelled_after_all_were_moved_and_google_refuses_at_first(world: World):
    slot, _ = await weekly_class(world)
    await shift(world, slot, 0, "all", hours=24)
    await world.slots.delete(*of_day(slot, 8))
    world.google.fault("answer", method="PATCH", status=500, reason="backendError")
    assert await shown(world) == ["03-03T08 Class", "03-17T08 Class", "03-24T08 Class"]


async def test_each_new_date_on_which_a_waiting_instance_is_tried_again_is_told(world: World):
    slot, _ = await weekly_class(world)
    world.google.fault("answer", method="PATCH", status=400, times=20)
    await shift(world, slot, 2, "all", hours=1)
    late = SlotAddress(slot.id, START + timedelta(days=7, hours=1))
    exception = (await world.slots.edit(USER, late, titled("Exam"))).entry.slot
    told = set()
    for _ in range(4):
        await world.settle(within=timedelta(minutes=30))
        waiting = await world.slot(exception.id)
        assert waiting.failure is not None
        told.add((waiting.seq, waiting.failure.next_attempt_at))
        world.clock.advance(timedelta(minutes=30))
    assert len({date for _, date in told}) > 1
    assert len({seq for seq, _ in told}) == len(told)
