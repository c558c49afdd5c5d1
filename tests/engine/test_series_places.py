"""The app takes places from a series and brings them back: both sides show what is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from services.core.agenda import stands_in
from services.core.slots import Schedule, Timed
from services.slot_scopes import SlotAddress, SlotEdit
from tests.engine.series_stories import (
    bring_back,
    change,
    google_class,
    in_the_app,
    instance_id,
    shift,
    shown,
    weekly_class,
)
from tests.engine.world import START, USER, World, make_world

if TYPE_CHECKING:
    from services.core.records import Slot
    from services.google.transport import HttpRequest

DAILY = "RRULE:FREQ=DAILY;COUNT=16"
MONDAYS = "RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO"
LESSONS = ["03-02T08 Class", "03-09T08 Class", "03-16T08 Class"]
EXAMS = ["03-02T08 Exam", "03-09T08 Exam", "03-16T08 Exam", "03-23T08 Exam"]
OLD_PLACE = "20260309T080000Z"
TUESDAYS = ["03-03T08 Class", "03-10T08 Class", "03-17T08 Class"]


@pytest.fixture(params=["cancelled", "gone"])
async def world(request: pytest.FixtureRequest) -> World:
    """What Google makes of exceptions that have lost their instance is not documented; both are tried."""
    world = await make_world()
    world.google.call("POST", "/switches", {"orphaned_exceptions": request.param})
    await world.settle()
    return world


async def rename(world: World, slot: Slot, day: int, title: str) -> None:
    edit = SlotEdit(lambda content: replace(content, title=title))
    await world.slots.edit(USER, of_day(slot, day), edit)


async def have_rule(world: World, slot: Slot, rule: str) -> None:
    edit = SlotEdit(lambda content: content, recurrence=(rule,))
    await world.slots.edit(USER, SlotAddress(slot.id), edit)


def of_day(slot: Slot, day: int) -> SlotAddress:
    return SlotAddress(slot.id, START + timedelta(days=day))


async def test_an_instance_that_moves_to_where_another_had_ended_takes_place(world: World):
    slot, _ = await weekly_class(world, DAILY)
    await rename(world, slot, 8, "Exam")
    await world.settle()
    await have_rule(world, slot, MONDAYS)
    assert await shown(world) == LESSONS
    await shift(world, slot, 0, "all", hours=24)
    assert await in_the_app(world) == TUESDAYS
    assert await shown(world) == TUESDAYS


async def test_an_instance_that_moves_to_where_another_had_been_cancelled_takes_place(world: World):
    slot, _ = await weekly_class(world, DAILY)
    await world.slots.delete(USER, of_day(slot, 8))
    await world.settle()
    await have_rule(world, slot, MONDAYS)
    assert await shown(world) == LESSONS
    await shift(world, slot, 0, "all", hours=24)
    assert await in_the_app(world) == TUESDAYS
    assert await shown(world) == TUESDAYS


@pytest.mark.parametrize("known", [True, False])
async def test_an_instance_that_ends_and_comes_back_before_google_knows_is_not_cancelled(
    world: World, *, known: bool
):
    slot, _ = await weekly_class(world, DAILY)
    before = await shown(world)
    await rename(world, slot, 8, "Exam")
    if known:
        await world.settle()
    await have_rule(world, slot, MONDAYS)
    await have_rule(world, slot, DAILY)
    assert await in_the_app(world) == before
    assert await shown(world) == before


async def test_an_instance_that_was_cancelled_stays_so_when_its_place_comes_back(world: World):
    slot, _ = await weekly_class(world, DAILY)
    await world.slots.delete(USER, of_day(slot, 8))
    before = await shown(world)
    await have_rule(world, slot, MONDAYS)
    await have_rule(world, slot, DAILY)
    assert await in_the_app(world) == before
    assert await shown(world) == before


async def test_a_series_that_grows_again_has_instances_where_those_that_followed_were_taken_away(
    world: World,
):
    slot, _ = await weekly_class(world)
    await change(world, slot, 2, "this", title="Exam")
    await world.settle()
    await shift(world, slot, 1, "following", hours=1)
    assert await shown(world) == ["03-02T08 Class", "03-09T09 Class", "03-16T09 Exam", "03-23T09 Class"]
    await have_rule(world, slot, MONDAYS)
    both = sorted([*LESSONS, "03-09T09 Class", "03-16T09 Exam", "03-23T09 Class"])
    assert await in_the_app(world) == both
    assert await shown(world) == both


async def test_an_exception_that_comes_to_where_another_had_ended_unsynced_takes_place(world: World):
    slot, _ = await weekly_class(world, DAILY)
    await rename(world, slot, 8, "Exam")
    await have_rule(world, slot, MONDAYS)
    await rename(world, slot, 7, "Talk")
    await shift(world, slot, 0, "all", hours=24)
    expected = ["03-03T08 Class", "03-10T08 Talk", "03-17T08 Class"]
    assert await in_the_app(world) == expected
    assert await shown(world) == expected


@pytest.mark.parametrize("refused", [0, 1])
async def test_an_exception_that_comes_to_where_another_had_been_cancelled_takes_place(
    world: World, refused: int
):
    """Also when Google does not say at once what became of the one that was cancelled."""
    slot, _ = await weekly_class(world, DAILY)
    await world.slots.delete(USER, of_day(slot, 8))
    await world.settle()
    await have_rule(world, slot, MONDAYS)
    await rename(world, slot, 7, "Talk")
    world.google.fault(
        "answer", method="GET", path="20260310T080000Z", times=refused, status=500, reason="backendError"
    )
    await world.run_once()
    await shift(world, slot, 0, "all", hours=24)
    expected = ["03-03T08 Class", "03-10T08 Talk", "03-17T08 Class"]
    assert await in_the_app(world) == expected
    assert await shown(world) == expected


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("comes", ["Class", "Talk", None])
@pytest.mark.parametrize("ends", ["Exam", None])
async def test_an_instance_moves_to_where_another_one_ends_with_the_same_move(
    world: World, ends: str | None, comes: str | None, *, known: bool
):
    """A series that begins a day before its rule says: moved by a day, the first comes to the second."""
    slot, _ = await weekly_class(world, "RRULE:FREQ=MONTHLY;BYMONTHDAY=3;COUNT=3")
    for day, title in ((0, comes), (1, ends)):
        if title is None:
            await world.slots.delete(USER, of_day(slot, day))
        elif title != "Class":
            await rename(world, slot, day, title)
    if known:
        await world.settle()
    await move_all(world, slot, hours=24)
    expected = [f"03-03T08 {comes}"] * (comes is not None) + ["04-03T08 Class", "05-03T08 Class"]
    assert await in_the_app(world) == expected
    assert await shown(world) == expected


async def test_an_exception_that_ended_before_its_series_was_deleted_does_not_come_back_with_it(world: World):
    slot, _ = await weekly_class(world, DAILY)
    await rename(world, slot, 8, "Exam")
    await world.settle()
    await have_rule(world, slot, MONDAYS)
    await world.settle()
    await world.delete(slot)
    await world.settle()
    await bring_back(world, slot)
    assert await in_the_app(world) == LESSONS
    assert await shown(world) == LESSONS


async def test_an_instance_that_ended_came_back_and_was_cancelled_stays_so_with_its_series(world: World):
    slot, event_id = await weekly_class(world, DAILY)
    before = await shown(world)
    await rename(world, slot, 8, "Exam")
    await world.settle()
    await have_rule(world, slot, MONDAYS)
    await world.settle()
    world.clock.advance(timedelta(seconds=1))
    world.google.edit(event_id, recurrence=[DAILY])
    assert await shown(world) == before
    await world.slots.delete(USER, of_day(slot, 8))
    without = [each for each in before if each != "03-10T08 Class"]
    assert await shown(world) == without
    await world.delete(slot)
    await world.settle()
    await bring_back(world, slot)
    assert await in_the_app(world) == without
    assert await shown(world) == without


async def test_exceptions_that_left_and_came_back_are_edited_in_their_places(world: World):
    slot = await with_exams_that_left_and_came_back(world)
    for number in range(4):
        await change(world, slot, number, "this", title="Talk")
    expected = ["03-02T08 Talk", "03-09T08 Talk", "03-16T08 Talk", "03-23T08 Talk"]
    assert await in_the_app(world) == expected
    assert await shown(world) == expected


async def test_what_vanished_does_not_come_back_into_a_place_that_is_taken(world: World):
    slot = await with_exams_that_left_and_came_back(world)
    vanished = [
        each for each in await world.all_slots(deleted=True) if each.deleted_at and not stands_in(each)
    ]
    assert vanished
    for each in vanished:
        await bring_back(world, each)
    for number in range(4):
        await change(world, slot, number, "this", title="Talk")
    assert [each for each in await shown(world) if "Talk" in each] == [
        "03-02T08 Talk",
        "03-09T08 Talk",
        "03-16T08 Talk",
        "03-23T08 Talk",
    ]


async def test_exceptions_that_left_and_came_back_are_what_they_were(world: World):
    await with_exams_that_left_and_came_back(world)
    assert await shown(world) == EXAMS
    async with world.uow.reading() as tx:
        assert await tx.conflicts.page(USER, after=None, limit=10) == []


async def test_an_exception_comes_back_before_google_was_asked_what_became_of_its_event(world: World):
    slot, _ = await weekly_class(world)
    await change(world, slot, 1, "this", title="Exam")
    before = await shown(world)
    await move_all(world, slot, hours=1)
    world.google.fault("answer", method="GET", path=OLD_PLACE, status=500, reason="backendError")
    await world.run_once()
    await move_all(world, slot, hours=0)
    assert await shown(world) == before


@pytest.mark.parametrize("method", ["PATCH", "GET"])
async def test_an_exception_comes_back_while_it_is_asked_for_in_its_old_place(world: World, method: str):
    """The first call brings Google the move, the second one looks at the event that was left behind."""
    slot, event_id = await weekly_class(world)
    await change(world, slot, 1, "this", title="Exam")
    before = await shown(world)
    await move_all(world, slot, hours=1)

    async def move_back(request: HttpRequest) -> None:
        wanted = f"{event_id}_{OLD_PLACE}" if method == "GET" else event_id
        if request.method == method and urlsplit(request.url).path.endswith(wanted):
            world.transport.after = None
            await move_all(world, slot, hours=0)

    world.transport.after = move_back
    await world.settle()
    assert world.transport.after is None
    assert await shown(world) == before


async def with_exams_that_left_and_came_back(world: World) -> Slot:
    """A series all of whose instances are exceptions, which moved by an hour and back."""
    slot, _ = await weekly_class(world)
    for number in range(4):
        await change(world, slot, number, "this", title="Exam")
    await world.settle()
    for hours in (1, 0):
        await move_all(world, slot, hours=hours)
        await world.settle()
    return slot


async def move_all(world: World, slot: Slot, *, hours: int) -> None:
    """The app moves the whole series to so many hours after its first start."""
    start = START + timedelta(hours=hours)
    span = Timed(start, start + timedelta(hours=1), "UTC")
    edit = SlotEdit(lambda content: replace(content, schedule=Schedule(span, content.schedule.recurrence)))
    await world.slots.edit(USER, SlotAddress(slot.id), edit)


async def test_an_exception_that_google_took_without_an_answer_stays_when_all_are_edited(world: World):
    slot, _ = await weekly_class(world)
    world.google.fault("commit_then_drop", method="PATCH")
    await shift(world, slot, 1, "this", hours=2)
    await world.settle()
    await change(world, slot, 2, "all", title="Seminar")
    expected = ["03-02T08 Seminar", "03-09T10 Class", "03-16T08 Seminar", "03-23T08 Seminar"]
    assert await in_the_app(world) == expected
    assert await shown(world) == expected


async def test_an_exception_that_google_took_without_an_answer_moves_with_its_series(world: World):
    slot, _ = await weekly_class(world, DAILY)
    world.google.fault("commit_then_drop", method="PATCH")
    await rename(world, slot, 1, "Exam")
    await world.settle()
    await shift(world, slot, 0, "all", hours=24)
    assert (await shown(world))[:3] == ["03-03T08 Class", "03-04T08 Exam", "03-05T08 Class"]


async def test_exceptions_that_left_and_came_back_are_there_once_when_their_series_comes_back(world: World):
    slot = await with_exams_that_left_and_came_back(world)
    await world.settle()
    copy = (await world.slot(slot.id)).google
    assert copy is not None
    await change(world, slot, None, location="Hall")
    world.google.delete(copy.event_id)
    assert await shown(world) == EXAMS


async def test_an_edit_in_google_of_an_exception_that_is_carried_away_is_read_before_its_place_is_gone(
    world: World,
):
    slot, event_id = await google_class(world)
    world.google.edit(instance_id(event_id, 2), scope="this", summary="Exam")
    await shown(world)
    # Google's clock stands still, so what is listed is to be read afresh.
    world.google.edit(instance_id(event_id, 2), scope="this", description="Bring a pen")
    await change(world, slot, 1, "following", location="Hall")
    await shown(world)
    assert "Bring a pen" in [each.content.description for each in await world.all_slots()]
