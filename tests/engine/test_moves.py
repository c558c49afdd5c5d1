"""Slots that move from one calendar of the user to another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.core.errors import InvalidSlotError, ReadOnlySlotError, SlotMovingError
from services.core.records import SyncState
from services.core.scopes import EditScope
from services.slot_scopes import SlotAddress, SlotEdit
from tests.engine.interruptions import Pausable
from tests.engine.test_several_calendars import (
    HOLIDAYS,
    WORK,
    events,
    put,
    select,
    titles,
    two_calendars,
    world,
)
from tests.engine.world import EMAIL, START, USER, World

if TYPE_CHECKING:
    from services.core.records import Slot

__all__ = ["world"]
LOST = ["commit_then_drop", "drop_before", "truncate", "html_503"]


@pytest.fixture
async def moved(world: World) -> tuple[World, Slot, str]:
    """A world with a second calendar, and a slot of the app that Google has in the first."""
    await world.settle()
    await select(world, WORK)
    slot, event_id = await world.linked()
    world.google.edit(event_id, attendees=[{"email": "bob@example.com", "comment": "With cake"}])
    await world.pull()
    return world, slot, event_id


def live(world: World, calendar_id: str) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in events(world, calendar_id) if each["status"] != "cancelled"}


async def rest(world: World) -> None:
    """Everything has settled, also what each calendar learns of the other's end of the move."""
    await world.settle()
    await world.pull()
    await world.settle()


async def half_moved(world: World, slot: Slot, kind: str) -> None:
    """Google was asked to move the slot, and its answer was lost."""
    await world.move(slot, WORK)
    world.google.fault(kind, path="/move")
    world.google.forget_requests()
    while not any("/move" in call["path"] for call in world.google.requests()):
        await world.run_once()


async def only_there(world: World, slot: Slot, event_id: str, title: str = "Talk") -> None:
    assert live(world, "primary") == {}
    assert {key: each["summary"] for key, each in live(world, WORK).items()} == {event_id: title}
    [seen] = await world.all_slots()
    assert (seen.id, seen.calendar_id, seen.moving_to) == (slot.id, WORK, None)
    assert seen.sync_state is SyncState.SYNCED


async def test_a_slot_moves_with_all_that_google_knows_of_it(moved: tuple[World, Slot, str]):
    world, slot, event_id = moved
    shown = await world.move(slot, WORK)
    assert (shown.wanted_calendar_id, shown.sync_state) == (WORK, SyncState.PENDING)
    world.google.forget_requests()
    await rest(world)
    assert [call["method"] for call in world.google.requests()].count("POST") == 1
    await only_there(world, slot, event_id)
    assert live(world, WORK)[event_id]["attendees"][0]["comment"] == "With cake"
    [entry] = [
        each
        for each in await world.reader.history(USER, SlotAddress(slot.id))
        if "calendar_id" in each.fields
    ]
    assert entry.fields == {"calendar_id": {"before": "primary", "after": WORK}}


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("path", ["/move", "/events/[^/]+$"])
async def test_a_move_whose_answer_is_lost_happens_once(moved: tuple[World, Slot, str], kind: str, path: str):
    world, slot, event_id = moved
    await world.move(slot, WORK)
    world.google.fault(kind, path=path)
    await rest(world)
    await only_there(world, slot, event_id)


@pytest.mark.parametrize("kind", LOST)
async def test_the_new_calendar_may_hear_of_the_event_first(moved: tuple[World, Slot, str], kind: str):
    world, slot, event_id = moved
    await half_moved(world, slot, kind)
    await world.pull(WORK)
    await rest(world)
    await only_there(world, slot, event_id)


@pytest.mark.parametrize("kind", LOST)
async def test_what_the_move_left_behind_is_not_taken_for_a_deletion(
    moved: tuple[World, Slot, str], kind: str
):
    world, slot, event_id = moved
    await half_moved(world, slot, kind)
    await world.notified()
    await world.run_once()
    assert (await world.slot(slot.id)).deleted_at is None
    await rest(world)
    await only_there(world, slot, event_id)


async def test_a_full_listing_in_the_middle_takes_nothing_for_deleted(moved: tuple[World, Slot, str]):
    world, slot, event_id = moved
    await half_moved(world, slot, "commit_then_drop")
    world.google.call("POST", "/sync-tokens/invalidate", {})
    await world.notified()
    await world.run_once()
    assert (await world.slot(slot.id)).deleted_at is None
    await rest(world)
    await only_there(world, slot, event_id)


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "notFound"), (409, "conflict"), (412, "conditionNotMet")]
)
async def test_one_refused_look_at_the_other_end_brings_nothing_back(
    moved: tuple[World, Slot, str], status: int, reason: str
):
    world, slot, event_id = moved
    await world.move(slot, WORK, title="Renamed")
    at_the_end = "group.calendar.google.com/events/[^/]+$"
    world.google.fault("answer", method="GET", path=at_the_end, status=status, reason=reason)
    await rest(world)
    await only_there(world, slot, event_id, "Renamed")
    assert await world.review.conflicts(USER, after=None, limit=10) == []


@pytest.mark.parametrize("listings", [1, 2, 3])
async def test_listings_of_the_former_calendar_tell_nothing_of_the_new_one(
    moved: tuple[World, Slot, str], listings: int
):
    world, slot, event_id = moved
    for _ in range(listings):
        world.google.call("POST", "/sync-tokens/invalidate", {"account": EMAIL, "calendar": "primary"})
        await world.pull()
    await world.move(slot, WORK)
    await rest(world)
    put(world, WORK, id=event_id, status="cancelled")
    world.google.call("POST", "/sync-tokens/invalidate", {"account": EMAIL, "calendar": WORK})
    await world.pull(WORK)
    assert await world.all_slots() == []


async def test_an_edit_goes_along(moved: tuple[World, Slot, str]):
    world, slot, event_id = moved
    await world.move(slot, WORK, title="Renamed")
    await rest(world)
    await only_there(world, slot, event_id, "Renamed")


async def test_edits_of_both_sides_meet_in_the_new_calendar(moved: tuple[World, Slot, str]):
    world, slot, event_id = moved
    await world.move(slot, WORK)
    world.google.edit(event_id, location="Hall")
    await world.edit(slot, title="Renamed")
    await rest(world)
    await only_there(world, slot, event_id, "Renamed")
    assert live(world, WORK)[event_id]["location"] == "Hall"


@pytest.mark.parametrize("fault", [None, "commit_then_drop"])
async def test_a_slot_that_is_deleted_on_its_way_is_gone_everywhere(
    moved: tuple[World, Slot, str], fault: str | None
):
    world, slot, _ = moved
    if fault:
        await half_moved(world, slot, fault)
    else:
        await world.move(slot, WORK)
    await world.delete(slot)
    await rest(world)
    assert (live(world, "primary"), live(world, WORK), await world.all_slots()) == ({}, {}, [])


async def test_what_google_deletes_on_its_way_goes_nowhere_until_it_is_back(moved: tuple[World, Slot, str]):
    world, slot, event_id = moved
    await world.move(slot, WORK)
    world.google.delete(event_id)
    assert await world.settle() < 10
    assert (live(world, "primary"), live(world, WORK), await world.all_slots()) == ({}, {}, [])
    assert not (await world.slot(slot.id)).needs_attention
    await world.restore(slot)
    await rest(world)
    await only_there(world, slot, event_id)


async def test_what_google_does_not_have_moves_at_once(world: World):
    await world.settle()
    await select(world, WORK)
    slot = await world.create("Fresh")
    shown = await world.move(slot, WORK)
    assert (shown.calendar_id, shown.moving_to) == (WORK, None)
    await rest(world)
    assert (titles(world, "primary"), titles(world, WORK)) == ([], ["Fresh"])


async def test_there_and_back(moved: tuple[World, Slot, str]):
    world, slot, event_id = moved
    for calendar_id in (WORK, "primary", WORK):
        await world.move(slot, calendar_id)
        await rest(world)
    await only_there(world, slot, event_id)


async def test_a_series_takes_its_exceptions_along(world: World):
    await world.settle()
    await select(world, WORK)
    series = world.google.create("Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"])
    world.google.edit(series["id"] + "_20260309T080000Z", summary="Weekly, moved")
    world.google.delete(series["id"] + "_20260316T080000Z")
    await world.pull()
    before = {each.id: each.content.title for each in await world.all_slots(deleted=True)}
    master = next(each for each in await world.all_slots() if each.is_series)
    await world.move(master, WORK)
    await rest(world)
    after = await world.all_slots(deleted=True)
    assert {each.id: each.content.title for each in after} == before
    assert {each.calendar_id for each in after} == {WORK}
    assert {each.sync_state for each in after} == {SyncState.SYNCED}
    assert titles(world, "primary") == []
    assert titles(world, WORK) == ["Weekly", "Weekly, moved"]


async def test_one_instance_cannot_move_alone(world: World):
    await world.settle()
    await select(world, WORK)
    world.google.create("Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"])
    await world.pull()
    [series] = await world.all_slots()
    change = SlotEdit(lambda content: content, calendar_id=WORK)
    for scope in (None, EditScope.THIS, EditScope.FOLLOWING):
        with pytest.raises(InvalidSlotError):
            await world.slots.edit(USER, SlotAddress(series.id, START, scope), change)
    await world.slots.edit(USER, SlotAddress(series.id, START, EditScope.ALL), change)
    await rest(world)
    assert (titles(world, "primary"), titles(world, WORK)) == ([], ["Weekly"])


async def test_what_cannot_move_is_refused_before_google_is_asked(world: World):
    await world.settle()
    await select(world, WORK)
    await select(world, HOLIDAYS)
    slot, event_id = await world.linked()
    put(world, EMAIL, id=event_id, locked=True)
    await world.pull()
    world.google.forget_requests()
    with pytest.raises(ReadOnlySlotError):
        await world.move(slot, WORK)
    with pytest.raises(InvalidSlotError):
        await world.move(await world.create("New"), "nowhere@example.com")
    assert world.google.requests() == []


async def test_a_refused_move_leaves_the_slot_where_it_is(moved: tuple[World, Slot, str]):
    world, slot, event_id = moved
    world.google.fault("answer", path="/move", status=403, reason="forbidden")
    await world.move(slot, WORK)
    with pytest.raises(SlotMovingError):
        await world.move(slot, HOLIDAYS)
    await rest(world)
    assert (titles(world, "primary"), titles(world, WORK)) == (["Talk"], [])
    seen = await world.slot(slot.id)
    assert (seen.calendar_id, seen.moving_to, seen.sync_state) == ("primary", None, SyncState.FAILED)
    assert seen.failure is not None
    assert seen.failure.reason == "forbidden"
    await world.move(replace(seen), WORK)
    await rest(world)
    await only_there(world, slot, event_id)


async def test_the_history_tells_of_a_refused_move(moved: tuple[World, Slot, str]):
    world, slot, _ = moved
    world.google.fault("answer", path="/move", status=403, reason="forbidden")
    asked = await world.move(slot, WORK)
    await rest(world)
    history = await world.reader.history(USER, SlotAddress(slot.id))
    moves = [(each.origin, each.fields["calendar_id"]) for each in history if "calendar_id" in each.fields]
    assert moves == [
        ("app", {"before": "primary", "after": WORK}),
        ("google", {"before": WORK, "after": "primary"}),
    ]
    assert (await world.slot(slot.id)).version > asked.version


async def interleaved(pause_here: int, pause_there: int) -> tuple[bool, bool]:
    """Each calendar's run stands still at some step, while the other's goes on; tells which ended before."""
    world = await two_calendars()
    await world.settle()
    await select(world, WORK)
    slot, event_id = await world.linked()
    world.clock.advance(timedelta(seconds=1))
    await world.move(slot, WORK, description="Bring the numbers")
    for calendar_id in ("primary", WORK):
        await world.notified(calendar_id)
    due = [await world.engine.claim(), await world.engine.claim()]
    claims = {claim.calendar_id: claim for claim in due if claim is not None}
    world.uow.waits = True
    here = Pausable(world.engine.run(claims["primary"]), world.uow)
    there = Pausable(world.engine.run(claims[WORK]), world.uow)
    ended_here = await here.go(steps=pause_here)
    ended_there = await there.go(steps=pause_there)
    if not ended_here:
        await here.go(steps=None)
    if not ended_there:
        await there.go(steps=None)
    await rest(world)
    await only_there(world, slot, event_id)
    assert live(world, WORK)[event_id]["description"] == "Bring the numbers"
    assert await world.review.conflicts(USER, after=None, limit=10) == []
    return ended_here, ended_there


async def test_runs_of_both_calendars_do_not_get_in_each_others_way():
    ended_here, ended_there, pause_here = False, False, 0
    while not ended_here:
        ended_there, pause_here, pause_there = False, pause_here + 2, 0
        while not ended_there:
            pause_there += 2
            ended_here, ended_there = await interleaved(pause_here, pause_there)


async def test_what_is_removed_with_its_connection_moves_nowhere_any_more(world: World):
    await world.settle()
    await select(world, WORK)
    event_id = world.google.create("Talk")["id"]
    await world.pull()
    (slot,) = await world.all_slots()
    await world.move(slot, WORK)
    await world.connections.disconnect(USER, remote="keep", local="delete")
    history = await world.reader.history(USER, SlotAddress(slot.id))
    moves = [each.fields["calendar_id"] for each in history if "calendar_id" in each.fields]
    assert moves == [{"before": "primary", "after": WORK}, {"before": WORK, "after": "primary"}]
    assert event_id in live(world, "primary")
