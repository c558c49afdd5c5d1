"""What an instance looks like: an exception, or what its series has there, which Google answers alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.series_stories import (
    bring_back,
    cancel,
    change,
    google_class,
    in_the_app,
    instance_id,
    shift,
    shown,
    weekly_class,
)
from tests.engine.world import USER, World, make_world

if TYPE_CHECKING:
    from services.core.records import Slot
    from services.google.transport import HttpRequest

CLASSES = ["03-02T08 Class", "03-09T08 Class", "03-16T08 Class", "03-23T08 Class"]
SEMINARS = [each.replace("Class", "Seminar") for each in CLASSES]
LATE_CLASS = [SEMINARS[0], "03-09T10 Class", *SEMINARS[2:]]
REFUSED: dict[str, Any] = {"kind": "answer", "status": 403, "reason": "rateLimitExceeded"}
UNANSWERED: dict[str, Any] = {"kind": "drop_before"}


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


def later(world: World) -> None:
    world.clock.advance(timedelta(seconds=1))


async def only_looked_up(world: World, slot: Slot) -> Slot:
    """The exception of a series, of which Google took no change yet, though it was asked for it."""
    await world.run_once()
    [found] = [each for each in await world.all_slots(deleted=True) if each.series]
    assert found.series is not None
    assert found.series.series_id == slot.id
    assert found.google is not None
    return found


@pytest.mark.parametrize("mishap", [REFUSED, UNANSWERED])
async def test_an_exception_stays_as_it_is_when_all_are_edited(world: World, mishap: dict[str, Any]):
    slot, _ = await weekly_class(world)
    await shift(world, slot, 1, "this", hours=2)
    world.google.fault(**mishap, method="PATCH")
    await only_looked_up(world, slot)
    await change(world, slot, 2, "all", title="Seminar")
    assert await in_the_app(world) == LATE_CLASS
    assert await shown(world) == LATE_CLASS


async def test_an_instance_that_is_back_where_it_was_follows_when_all_are_edited(world: World):
    slot, _ = await weekly_class(world)
    await shift(world, slot, 1, "this", hours=2)
    world.google.fault(**REFUSED, method="PATCH")
    await only_looked_up(world, slot)
    await shift(world, slot, 1, "this", hours=0)
    await change(world, slot, 2, "all", title="Seminar")
    assert await in_the_app(world) == SEMINARS
    assert await shown(world) == SEMINARS


async def test_an_instance_that_was_to_be_cancelled_follows_once_it_is_back(world: World):
    slot, _ = await weekly_class(world)
    await cancel(world, slot, 1)
    world.google.fault(**REFUSED, method="DELETE")
    await only_looked_up(world, slot)
    await bring_back(world, slot, 1)
    await change(world, slot, 2, "all", title="Seminar")
    assert await in_the_app(world) == SEMINARS
    assert await shown(world) == SEMINARS


async def test_an_exception_that_all_are_edited_to_be_like_follows_from_then_on(world: World):
    slot, _ = await weekly_class(world)
    await change(world, slot, 1, "this", title="Lecture")
    world.google.fault(**REFUSED, method="PATCH")
    await only_looked_up(world, slot)
    await change(world, slot, 2, "all", title="Lecture")
    await change(world, slot, 2, "all", title="Seminar")
    assert await in_the_app(world) == SEMINARS
    assert await shown(world) == SEMINARS


async def test_what_somebody_made_of_the_instance_in_google_meanwhile_stays_one(world: World):
    slot, event_id = await weekly_class(world)
    exception = await shift(world, slot, 1, "this", hours=2)
    world.google.fault(**REFUSED, method="PATCH")
    await only_looked_up(world, slot)
    world.google.edit(instance_id(event_id, 1), description="Bring a pen")
    await shown(world)
    await shift(world, slot, 1, "this", hours=0)
    await change(world, slot, 2, "all", title="Seminar")
    assert await shown(world) == [SEMINARS[0], CLASSES[1], *SEMINARS[2:]]
    assert (await world.slot(exception.id)).content.description == "Bring a pen"


async def test_a_full_listing_lacks_nothing_where_an_instance_is_like_the_others(world: World):
    slot, _ = await weekly_class(world)
    exception = await shift(world, slot, 1, "this", hours=2)
    world.google.fault(**REFUSED, method="PATCH")
    await only_looked_up(world, slot)
    await world.list_everything()
    await change(world, slot, 2, "all", title="Seminar")
    assert await shown(world) == LATE_CLASS
    assert (await world.slot(exception.id)).series is not None


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


@pytest.mark.parametrize("status", [400, 429, 503])
async def test_an_instance_that_is_edited_back_while_its_edit_fails_follows_its_series(
    world: World, status: int
):
    slot, _ = await google_class(world)
    world.google.fault("answer", method="PATCH", status=status, reason="backendError")
    edited: list[str] = []

    async def meanwhile(request: HttpRequest) -> None:
        if request.method == "PATCH" and not edited:
            edited.append(request.url)
            await change(world, slot, 1, "this", title="Class")

    world.transport.before = meanwhile
    await change(world, slot, 1, "this", title="Exam")
    assert await shown(world) == CLASSES
    await change(world, slot, None, title="Course")
    assert await shown(world) == [each.replace("Class", "Course") for each in CLASSES]


async def seminar_in_quarantine(world: World, slot: Slot, event_id: str) -> None:
    """A series that Google has changed, and that is not looked at for an hour."""
    async with world.uow() as tx:
        await tx.users.lock(USER)
        await tx.slots.save([replace(slot, quarantined_until=world.clock.now() + timedelta(hours=1))])
    later(world)
    world.google.edit(event_id, summary="Seminar")
    await world.pull()


async def test_an_instance_of_a_quarantined_series_is_cancelled_when_that_is_over(
    world: World,
):
    slot, event_id = await google_class(world)
    await seminar_in_quarantine(world, slot, event_id)
    await cancel(world, slot, 1)
    world.google.forget_requests()
    await world.settle()
    assert len(world.google.requests()) == 2  # a listing and a look
    world.clock.advance(timedelta(hours=1))
    assert await shown(world) == [SEMINARS[0], *SEMINARS[2:]]


async def test_an_instance_of_a_quarantined_series_that_google_edited_meanwhile_stays(world: World):
    slot, event_id = await google_class(world)
    await seminar_in_quarantine(world, slot, event_id)
    await cancel(world, slot, 1)
    world.google.edit(instance_id(event_id, 1), scope="this", summary="Exam")
    await world.settle()
    world.clock.advance(timedelta(hours=1))
    assert await shown(world) == [SEMINARS[0], "03-09T08 Exam", *SEMINARS[2:]]
