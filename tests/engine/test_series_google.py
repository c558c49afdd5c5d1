"""Google edits series, alone or against the app: both sides show the same, and nothing written is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from services.core.errors import InvalidSlotError
from services.core.records import SyncState
from services.core.slots import Schedule, SlotContent, Timed
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
    times,
    weekly_class,
)
from tests.engine.world import USER, World, make_world

if TYPE_CHECKING:
    from services.core.records import Slot
    from services.google.transport import HttpRequest

CLASSES = ["03-02T08 Class", "03-09T08 Class", "03-16T08 Class", "03-23T08 Class"]


@pytest.fixture(params=["cancelled", "gone"])
async def world(request: pytest.FixtureRequest) -> World:
    """Google cancels exceptions that lose their place, or forgets them."""
    world = await make_world()
    world.google.call("POST", "/switches", {"orphaned_exceptions": request.param})
    await world.settle()
    return world


async def exception_of(world: World, slot: Slot) -> Slot:
    """The only live exception of a series."""
    [found] = [each for each in await world.all_slots() if each.series and each.series.series_id == slot.id]
    return found


def later(world: World) -> None:
    world.clock.advance(timedelta(seconds=1))


# Google alone.


async def test_one_instance_is_edited_and_another_cancelled(world: World):
    _, event_id = await google_class(world)
    world.google.edit(instance_id(event_id, 1), scope="this", summary="Exam", **times(1, hours=1))
    world.google.delete(instance_id(event_id, 2), scope="this")
    assert await shown(world) == [CLASSES[0], "03-09T09 Exam", CLASSES[3]]


async def test_all_that_follow_are_moved(world: World):
    _, event_id = await google_class(world)
    world.google.edit(instance_id(event_id, 2), scope="following", **times(2, hours=1))
    assert await shown(world) == [*CLASSES[:2], "03-16T09 Class", "03-23T09 Class"]


async def test_all_are_moved_and_what_loses_its_place_is_gone_as_in_google(world: World):
    _, event_id = await google_class(world)
    world.google.edit(instance_id(event_id, 1), scope="this", summary="Exam")
    await shown(world)
    later(world)
    world.google.edit(instance_id(event_id, 2), scope="all", **times(2, hours=1))
    assert await shown(world) == [each.replace("T08", "T09") for each in CLASSES]


@pytest.mark.parametrize("scope", ["following", "all"])
async def test_they_are_deleted(world: World, scope: str):
    _, event_id = await google_class(world)
    world.google.delete(instance_id(event_id, 1), scope=scope)
    assert await shown(world) == ([] if scope == "all" else CLASSES[:1])


async def test_an_exception_before_its_series_is_bound_when_that_comes(world: World):
    event = world.google.create("Class", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    world.google.edit(instance_id(event["id"], 1), summary="Exam")
    world.google.edit(event["id"], location="Hall")
    world.transport.page_size = 1
    assert await shown(world) == [CLASSES[0], "03-09T08 Exam", *CLASSES[2:]]
    [series] = [each for each in await world.all_slots() if each.is_series]
    assert (await exception_of(world, series)).content.title == "Exam"


async def test_an_exception_of_a_series_that_nobody_sees_stands_for_itself(world: World):
    world.google.create(
        "Guest lecture",
        id="abc123_20260302T080000Z",
        recurringEventId="abc123",
        originalStartTime=times(0, hours=0)["start"],
    )
    assert await shown(world) == ["03-02T08 Guest lecture"]


async def test_an_exception_whose_series_is_deleted_before_it_is_listed_goes_with_it(world: World):
    event = world.google.create("Class", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    world.google.edit(instance_id(event["id"], 1), summary="Exam")
    world.google.edit(event["id"], location="Hall")
    world.google.create("Another")
    world.transport.page_size = 1
    pages: list[str] = []

    async def meanwhile(request: HttpRequest) -> None:
        if request.method == "GET" and request.url.split("?")[0].endswith("/events"):
            pages.append(request.url)
            if len(pages) == 1:
                world.google.delete(event["id"])

    world.transport.after = meanwhile
    assert await shown(world) == ["03-02T08 Another"]
    assert len(pages) > 1


# Against the app.


async def test_different_fields_of_one_instance_are_merged(world: World):
    slot, event_id = await google_class(world)
    await change(world, slot, 1, "this", title="Exam")
    world.google.edit(instance_id(event_id, 1), scope="this", location="Hall")
    assert await shown(world) == [CLASSES[0], "03-09T08 Exam", *CLASSES[2:]]
    assert (await exception_of(world, slot)).content.location == "Hall"
    assert await world.review.conflicts(USER, after=None, limit=10) == []


async def test_the_same_field_of_one_instance_is_a_conflict(world: World):
    slot, event_id = await google_class(world)
    await change(world, slot, 1, "this", title="Exam")
    later(world)
    world.google.edit(instance_id(event_id, 1), scope="this", summary="Excursion")
    assert await shown(world) == [CLASSES[0], "03-09T08 Excursion", *CLASSES[2:]]
    [conflict] = await world.review.conflicts(USER, after=None, limit=10)
    assert (conflict.losing_value, conflict.winning_value) == ("Exam", "Excursion")


async def test_an_instance_edited_here_outlives_the_series_that_google_deletes(world: World):
    slot, event_id = await google_class(world)
    await change(world, slot, 1, "this", title="Exam")
    world.google.delete(event_id)
    assert await shown(world) == ["03-09T08 Exam"]


async def test_an_instance_edited_here_outlives_the_series_that_google_ends_before_it(world: World):
    slot, event_id = await google_class(world)
    await change(world, slot, 2, "this", title="Exam")
    world.google.edit(event_id, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])
    assert await shown(world) == [*CLASSES[:2], "03-16T08 Exam"]


async def test_an_instance_edited_here_outlives_its_move_in_google_when_all_are_edited_here_then(
    world: World,
):
    slot, event_id = await google_class(world)
    await change(world, slot, 2, "this", title="Exam")
    later(world)
    world.google.edit(event_id, **times(0, hours=1))
    await change(world, slot, None, None, description="Room 5")
    assert "03-16T08 Exam" in await shown(world)


@pytest.mark.parametrize("scope", ["following", "all"])
async def test_an_instance_edited_in_google_outlives_its_deletion_here(world: World, scope: str):
    slot, event_id = await google_class(world)
    world.google.edit(instance_id(event_id, 2), scope="this", summary="Exam")
    await cancel(world, slot, 1, scope)
    left = CLASSES[:1] if scope == "following" else []
    assert await shown(world) == [*left, "03-16T08 Exam"]


async def test_an_instance_edited_in_google_outlives_the_move_of_all_here(world: World):
    slot, event_id = await google_class(world)
    world.google.edit(instance_id(event_id, 2), scope="this", summary="Exam")
    await shift(world, slot, 0, "all", hours=1)
    assert "03-16T08 Exam" in await shown(world)


@pytest.mark.parametrize("page_size", [1, 2500])
@pytest.mark.parametrize("scope", ["following", "all"])
@pytest.mark.parametrize("what", ["moves", "deletes"])
async def test_an_instance_edited_in_google_outlives_what_is_done_here_though_no_answer_comes(
    world: World, what: str, scope: str, page_size: int
):
    """That it is cancelled is read before anybody knows that this was our doing."""
    slot, event_id = await google_class(world)
    world.google.edit(instance_id(event_id, 2), scope="this", summary="Exam")
    if what == "moves":
        await shift(world, slot, 1, scope, hours=1)
    else:
        await cancel(world, slot, 1, scope)
    world.transport.page_size = page_size
    for method in ("PATCH", "DELETE"):
        world.google.fault("commit_then_drop", method=method, path=event_id)
    for _ in range(2):
        await world.notified()
        await world.run_once()
    assert "03-16T08 Exam" in await shown(world)


async def test_an_exception_edited_in_google_outlives_being_carried_away_here(world: World):
    slot, event_id = await weekly_class(world)
    await change(world, slot, 2, "this", title="Exam")
    await shown(world)
    later(world)
    world.google.edit(instance_id(event_id, 2), scope="this", summary="Excursion")
    await shift(world, slot, 1, "following", hours=1)
    assert {"03-16T09 Exam", "03-16T08 Excursion"} <= set(await shown(world))


async def test_an_edit_of_all_in_google_reaches_an_instance_that_was_only_looked_at_here(world: World):
    slot, event_id = await google_class(world)
    await change(world, slot, 1, "this", title="Exam")
    await change(world, slot, 1, "this", title="Class")
    later(world)
    world.google.edit(event_id, summary="Seminar")
    assert await shown(world) == [each.replace("Class", "Seminar") for each in CLASSES]


async def test_a_cancelled_instance_stays_so_while_the_app_edits_all(world: World):
    slot, event_id = await google_class(world)
    await cancel(world, slot, 1)
    await change(world, slot, 2, "all", title="Seminar")
    assert await shown(world) == ["03-02T08 Seminar", "03-16T08 Seminar", "03-23T08 Seminar"]
    later(world)
    world.google.edit(event_id, summary="Lecture")
    assert len(await shown(world)) == 3
    await bring_back(world, slot, 1)
    assert len(await shown(world)) == 4


@pytest.mark.parametrize("times_changed", [1, 2, 3])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_instance_stays_cancelled_when_google_changes_the_series_just_before_each_call_for_it(
    world: World, method: str, times_changed: int
):
    """Before it is looked at, which is then otherwise than the series was listed, or before it is deleted."""
    slot, event_id = await google_class(world)
    await cancel(world, slot, 1)
    titles = [f"Seminar {number}" for number in range(times_changed)]
    expected = titles[-1]

    async def rename(request: HttpRequest) -> None:
        is_of_instance = urlsplit(request.url).path.endswith(instance_id(event_id, 1))
        if titles and request.method == method and is_of_instance:
            later(world)
            world.google.edit(event_id, summary=titles.pop(0))

    world.transport.before = rename
    await world.settle()
    assert titles == []
    assert await shown(world) == [f"03-{day}T08 {expected}" for day in ("02", "16", "23")]
    assert await world.review.conflicts(USER, after=None, limit=10) == []


async def test_an_instance_edited_in_google_just_before_it_is_cancelled_stays(world: World):
    slot, event_id = await google_class(world)
    await cancel(world, slot, 1)

    async def rewrite(request: HttpRequest) -> None:
        if request.method == "DELETE" and urlsplit(request.url).path.endswith(instance_id(event_id, 1)):
            world.transport.before = None
            later(world)
            world.google.edit(instance_id(event_id, 1), scope="this", summary="Exam")

    world.transport.before = rewrite
    await world.settle()
    assert world.transport.before is None
    assert "03-09T08 Exam" in await shown(world)


async def test_an_exception_whose_series_moves_before_it_is_listed_is_looked_at(world: World):
    event = world.google.create("Class", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    world.google.edit(instance_id(event["id"], 1), summary="Exam")
    world.google.edit(event["id"], location="Hall")
    world.transport.page_size = 1

    async def move_it(request: HttpRequest) -> None:
        if request.method == "GET" and "syncToken" not in request.url and "/events" in request.url:
            world.transport.after = None
            later(world)
            world.google.edit(event["id"], **times(0, hours=1))

    world.transport.after = move_it
    await world.list_everything()
    assert world.transport.after is None
    assert await shown(world) == [each.replace("T08", "T09") for each in CLASSES]


async def test_an_instance_is_cancelled_in_google_while_its_series_moves_here_and_there(world: World):
    slot, event_id = await google_class(world)
    world.google.delete(instance_id(event_id, 1), scope="this")
    await shown(world)
    await shift(world, slot, 0, "all", hours=24)
    later(world)
    world.google.edit(instance_id(event_id, 3), scope="following", **times(3, hours=2))
    assert await shown(world) == [CLASSES[0], CLASSES[2], "03-23T10 Class"]


async def test_an_edit_while_the_exception_is_on_its_way_finds_its_event(world: World):
    slot, _ = await google_class(world)
    await change(world, slot, 2, "this", title="Exam")

    async def split_meanwhile(request: object) -> None:
        if getattr(request, "method", "") == "PATCH":
            world.transport.after = None
            await shift(world, slot, 1, "following", hours=1)

    world.transport.after = split_meanwhile
    assert await shown(world) == [CLASSES[0], "03-09T09 Class", "03-16T09 Exam", "03-23T09 Class"]


async def test_nothing_is_left_waiting(world: World):
    slot, event_id = await google_class(world)
    world.google.fault("html_503", method="GET", path="_2026", times=1)
    await cancel(world, slot, 2)
    await world.run_once()
    world.google.edit(event_id, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])
    await world.pull()
    assert await shown(world) == CLASSES[:2]
    assert {each.sync_state for each in await world.all_slots(deleted=True)} <= {SyncState.SYNCED}


async def test_a_call_that_fails_after_its_wish_was_taken_back_leaves_no_failure(world: World):
    slot, _ = await google_class(world)
    await cancel(world, slot, 1)

    async def come_back_meanwhile(request: object) -> None:
        if "_20260309T" in getattr(request, "url", ""):
            world.transport.after = None
            await bring_back(world, slot, 1)

    world.transport.after = come_back_meanwhile
    world.google.fault("answer", method="GET", path="_2026", status=500, reason="backendError")
    assert await shown(world) == CLASSES
    assert {each.sync_state for each in await world.all_slots(deleted=True)} == {SyncState.SYNCED}


async def test_an_instance_that_is_what_its_series_has_again_follows_it(world: World):
    """Google forgot the exception with its place, and the app's rule brought the place back."""
    slot, event_id = await weekly_class(world)
    await change(world, slot, 1, "this", title="Exam")
    await world.settle()
    world.google.edit(event_id, recurrence=["RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4"])
    later(world)
    await cancel(world, slot, 3, "following")
    await world.pull()
    await world.settle()
    world.google.edit(event_id, description="Bring a pen")
    assert {each for each in await shown(world) if "Class" in each} >= {CLASSES[0], CLASSES[2]}


async def test_a_series_that_is_edited_while_its_instance_is_looked_up_leaves_the_edit_of_the_instance(
    world: World,
):
    slot, _ = await weekly_class(world)
    await change(world, slot, 1, "this", title="Exam")
    looked: list[str] = []

    async def meanwhile(request: HttpRequest) -> None:
        if request.method == "GET" and "/events/" in request.url and not looked:
            looked.append(request.url)
            later(world)
            await change(world, slot, 0, "all", title="Lecture")

    world.transport.after = meanwhile
    assert await shown(world) == [
        "03-02T08 Lecture",
        "03-09T08 Exam",
        "03-16T08 Lecture",
        "03-23T08 Lecture",
    ]
    assert looked


@pytest.mark.parametrize("seen_by", ["a look", "a listing of what was edited", "a full listing"])
async def test_what_an_instance_shows_of_its_series_is_no_proof_that_an_unanswered_edit_arrived(
    world: World, seen_by: str
):
    slot, event_id = await weekly_class(world)
    exam = await change(world, slot, 1, "this", title="Exam", location="Room 1")
    world.google.fault("drop_before", method="PATCH")
    await world.run_once()
    assert (await world.slot(exam.id)).sent is not None
    later(world)
    await change(world, slot, 0, "all", title="Exam")
    if seen_by != "a look":
        await world.run_once()
        later(world)
    if seen_by == "a listing of what was edited":
        world.google.edit(instance_id(event_id, 1), description="Bring a pen")
    if seen_by == "a full listing":
        world.google.call("POST", "/sync-tokens/invalidate", {})
    await world.notified()
    assert [each[9:] for each in await shown(world)] == ["Exam"] * 4
    assert world.google.event(instance_id(event_id, 1))["location"] == "Room 1"


async def test_a_series_that_moves_and_moves_back_keeps_what_google_made_of_its_instance(world: World):
    slot, event_id = await weekly_class(world)
    world.google.edit(instance_id(event_id, 1), scope="this", summary="Exam")
    await world.pull()
    for days in (-1, 1):
        await move(world, slot, days=days)
    assert await shown(world) == [CLASSES[0], "03-09T08 Exam", CLASSES[2], CLASSES[3]]


async def test_an_instance_that_was_edited_back_follows_a_series_whose_insert_was_never_answered(
    world: World,
):
    world.google.fault("commit_then_drop", method="POST")
    slot = await new_class(world)
    await world.run_once()
    await change(world, slot, 1, "this", title="Exam")
    await change(world, slot, 1, "this", title="Class")
    later(world)
    [event] = world.google.events()
    world.google.edit(event["id"], summary="Seminar")
    assert await shown(world) == [each.replace("Class", "Seminar") for each in CLASSES]


@pytest.mark.parametrize("more", [{}, {"summary": "Seminar"}])
async def test_an_exception_that_google_loses_while_its_series_moves_and_moves_back_is_gone_here_too(
    world: World, more: dict[str, Any]
):
    """Of both moves nothing is to be seen when the series is listed next."""
    _, event_id = await google_class(world)
    world.google.edit(instance_id(event_id, 1), scope="this", summary="Exam")
    assert await shown(world) == [CLASSES[0], "03-09T08 Exam", CLASSES[2], CLASSES[3]]
    for hours in (1, 0):
        later(world)
        world.google.edit(event_id, **times(0, hours=hours), **more)
    assert await shown(world) == [each.replace("Class", more.get("summary", "Class")) for each in CLASSES]


async def test_an_instance_whose_series_is_deleted_does_not_recur(world: World):
    slot, event_id = await weekly_class(world)
    await change(world, slot, 1, "this", title="Exam")
    await world.settle()
    await world.delete(slot)
    world.google.fault("answer", status=500, reason="backendError", method="DELETE", times=1000)
    later(world)
    world.google.edit(instance_id(event_id, 1), scope="this", location="Room 2")
    await world.pull()
    [exam] = await world.all_slots()
    assert exam.series is not None
    with pytest.raises(InvalidSlotError):
        await world.slots.edit(
            USER, SlotAddress(exam.id), SlotEdit(lambda content: content, recurrence=("RRULE:FREQ=DAILY",))
        )
    world.google.call("DELETE", "/faults")
    await world.settle(within=timedelta(hours=1))
    assert await shown(world) == ["03-09T08 Exam"]


async def move(world: World, slot: Slot, *, days: int) -> None:
    """The app moves a series as a whole."""

    def moved(content: SlotContent) -> SlotContent:
        span = content.schedule.span
        assert isinstance(span, Timed)
        by = timedelta(days=days)
        there = Timed(span.start + by, span.end + by, span.timezone)
        return replace(content, schedule=Schedule(there, content.schedule.recurrence))

    await world.slots.edit(USER, SlotAddress(slot.id), SlotEdit(moved))


async def test_a_cancelled_instance_that_google_denies_once_by_mistake_stays_cancelled(world: World):
    world.google.call("POST", "/switches", {"orphaned_exceptions": "cancelled"})
    slot, event_id = await weekly_class(world)
    world.google.delete(instance_id(event_id, 1))
    before = await shown(world)
    world.google.fault("answer", method="GET", path="/events/.+", status=404, reason="notFound")
    edit = SlotEdit(lambda content: content, recurrence=("RRULE:FREQ=MONTHLY",))
    await world.slots.edit(USER, SlotAddress(slot.id), edit)
    await world.settle()
    world.google.edit(event_id, recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    assert await shown(world) == before
