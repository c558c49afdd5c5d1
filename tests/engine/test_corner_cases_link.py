"""Linking, unlinking and listing again, whatever is under way and whatever breaks off."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.bindings import unbound
from services.core.accounts import AccountStatus
from services.core.calendars import CalendarStatus
from services.core.event_ids import event_id_for
from tests.engine.interruptions import die_at
from tests.engine.series_stories import cancel, change, google_class, instance_id, shift, shown, weekly_class
from tests.engine.world import EMAIL, USER, World, make_world
from tests.judges.series_sides import in_google

if TYPE_CHECKING:
    from services.core.records import Slot
    from services.google.transport import HttpRequest


@pytest.fixture
async def world() -> World:
    world = await make_world()
    await world.settle()
    return world


async def test_what_was_removed_here_on_disconnecting_is_back_after_reconnecting(world: World):
    world.google.create("Dentist")
    await world.create("Mine")
    await world.pull()
    await world.connections.disconnect(USER, remote="keep", local="delete")
    assert [slot.content.title for slot in await world.all_slots()] == ["Mine"]
    await relink(world)
    assert sorted(slot.content.title for slot in await world.all_slots()) == ["Dentist", "Mine"]
    assert sorted(event["summary"] for event in world.google.events()) == ["Dentist", "Mine"]


async def test_a_slot_that_was_removed_here_on_disconnecting_is_not_doubled_by_restoring_it(world: World):
    world.google.create("Dentist")
    await world.pull()
    [slot] = await world.all_slots()
    await world.connections.disconnect(USER, remote="keep", local="delete")
    assert await world.all_slots() == []
    world.clock.advance(timedelta(seconds=5))
    await world.edit(await world.restore(slot), location="Main Street")
    await relink(world)
    assert [each.id for each in await world.all_slots()] == [slot.id]
    [event] = world.google.events()
    assert (event["summary"], event["location"]) == ("Dentist", "Main Street")


async def test_an_exception_that_google_never_got_hides_nothing_after_reconnecting(world: World):
    slot, event_id = await google_class(world)
    await change(world, slot, 1, "this", title="Exam")
    # The instance is looked at, and before it can be changed, the person leaves.
    world.google.fault("answer", method="PATCH", path=event_id, status=503, reason="backendError")
    await world.run_once()
    await world.connections.disconnect(USER, remote="keep", local="delete")
    await relink(world)
    assert await shown(world) == ["03-02T08 Class", "03-09T08 Class", "03-16T08 Class", "03-23T08 Class"]


@pytest.mark.parametrize("kind", ["commit_then_drop", "truncate", "drop_before", "html_503"])
async def test_a_purge_whose_answer_is_lost_costs_no_slot_after_reconnecting(world: World, kind: str):
    slot, _ = await world.linked("Mine")
    world.google.fault(kind, method="DELETE")
    await world.connections.disconnect(USER, remote="delete", local="keep")
    await relink(world)
    assert (await world.slot(slot.id)).local is not None
    assert [event["summary"] for event in world.google.events()] == ["Mine"]


@pytest.mark.parametrize("step", range(1, 30))
@pytest.mark.parametrize("cancel", [True, False])
async def test_a_purge_that_is_broken_off_costs_no_slot_after_reconnecting(step: int, *, cancel: bool):
    world = await make_world()
    await world.settle()
    slot, _ = await world.linked("Mine")
    world.uow.waits = True
    await die_at(world.connections.disconnect(USER, remote="delete", local="keep"), step, cancel=cancel)
    world.uow.waits = False
    await relink(world)
    await world.settle(within=timedelta(hours=1))
    assert (await world.slot(slot.id)).local is not None
    assert [event["summary"] for event in world.google.events()] == ["Mine"]


async def test_an_instance_of_a_series_that_was_purged_is_as_it_was_after_reconnecting(world: World):
    slot, event_id = await weekly_class(world)
    world.google.edit(instance_id(event_id, 1), scope="this", summary="Exam")
    await world.pull()
    await change(world, slot, 2, "this", title="Test")
    await world.settle()
    await world.connections.disconnect(USER, remote="delete", local="keep")
    assert in_google(world.google) == []
    await relink(world)
    assert await shown(world) == ["03-02T08 Class", "03-09T08 Exam", "03-16T08 Test", "03-23T08 Class"]


async def test_an_instance_that_the_app_changed_stays_in_the_series_of_google_s_when_the_app_leaves(
    world: World,
):
    slot, _ = await google_class(world)
    await change(world, slot, 1, "this", title="Exam")
    await world.settle()
    await world.connections.disconnect(USER, remote="delete", local="keep")
    await relink(world)
    assert await shown(world) == ["03-02T08 Class", "03-09T08 Exam", "03-16T08 Class", "03-23T08 Class"]


async def test_an_edit_survives_a_purge_and_a_reconnection(world: World):
    slot, _ = await world.linked("Mine")
    await world.edit(slot, title="Mine, edited")
    await world.connections.disconnect(USER, remote="delete", local="keep")
    assert world.google.events() == []
    await relink(world)
    assert [event["summary"] for event in world.google.events()] == ["Mine, edited"]


async def test_disconnecting_with_a_dead_grant_still_disconnects(world: World):
    await world.linked("Mine")
    world.google.call("POST", "/grants/revoke", {"account": EMAIL})
    await world.connections.disconnect(USER, remote="delete", local="keep")
    async with world.uow.reading() as tx:
        account = await tx.accounts.find(USER)
    assert account is not None
    assert account.status is AccountStatus.DISCONNECTED


async def test_a_calendar_whose_account_is_gone_is_left_alone(world: World):
    """Whatever order of linking and unlinking led there."""
    async with world.uow() as tx:
        await tx.calendars.set_status(USER, CalendarStatus.ACTIVE, now=world.clock.now())
    await world.connections.disconnect(USER, remote="keep", local="keep")
    async with world.uow() as tx:
        await tx.calendars.set_status(USER, CalendarStatus.ACTIVE, now=world.clock.now())
    world.transport.before = None
    runs = await world.settle(within=timedelta(minutes=1))
    assert runs <= 2


async def test_disconnecting_in_the_middle_of_a_run_stores_nothing_of_it(world: World):
    slot, event_id = await world.linked()
    once = iter([True])

    async def disconnects(request: HttpRequest) -> None:
        if request.method == "PATCH" and next(once, False):
            await world.connections.disconnect(USER, remote="keep", local="keep")

    world.transport.after = disconnects
    await world.edit(slot, title="Renamed")
    await world.settle()
    world.transport.after = None
    await world.edit(slot, title="Renamed again")
    await relink(world)
    assert world.google.event(event_id)["summary"] == "Renamed again"
    assert await world.review.conflicts(USER, after=None, limit=10) == []


async def test_listing_everything_again_in_the_middle_of_a_run_loses_nothing(world: World):
    slot, event_id = await world.linked()
    once = iter([True])

    async def initializes(request: HttpRequest) -> None:
        if request.method == "PATCH" and next(once, False):
            await world.connections.initialize(USER)

    world.transport.before = initializes
    world.google.create("New")
    await world.edit(slot, title="Renamed")
    await world.settle()
    assert world.google.event(event_id)["summary"] == "Renamed"
    assert len(await world.all_slots()) == len(world.google.events()) == 2


async def test_a_look_of_before_a_removal_does_not_bind_the_slot_to_what_was_removed(world: World):
    slot, event_id = await world.linked()

    async def is_removed(request: HttpRequest) -> None:
        if request.method == "GET" and event_id in request.url:
            world.transport.after = None
            world.google.delete(event_id)
            async with world.uow() as tx:
                await tx.users.lock(USER)
                await tx.slots.save([unbound(await world.slot(slot.id))])

    async with world.uow() as tx:
        await tx.users.lock(USER)
        await tx.slots.save([replace(await world.slot(slot.id), refetch=True)])
    world.transport.after = is_removed
    await world.notified()
    await world.settle()
    assert world.transport.after is None
    [event] = world.google.events()
    assert event["summary"] == slot.content.title
    assert (await world.slot(slot.id)).deleted_at is None


async def test_what_a_slow_disconnect_removes_comes_back_although_a_link_was_made_meanwhile(world: World):
    world.google.create("Dentist")
    await world.linked("Mine")
    once = iter([True])

    async def links(request: HttpRequest) -> None:
        if request.method == "DELETE" and next(once, False):
            await relink(world)

    world.transport.before = links
    await world.connections.disconnect(USER, remote="delete", local="delete")
    assert "Dentist" not in [slot.content.title for slot in await world.all_slots()]
    await relink(world)
    assert "Dentist" in [slot.content.title for slot in await world.all_slots()]


async def test_a_cancelled_instance_stays_so_after_a_disconnect_that_removed_its_series_from_google(
    world: World,
):
    slot, _ = await weekly_class(world)
    await cancel(world, slot, 1)
    await world.settle()
    await world.connections.disconnect(USER, remote="delete", local="keep")
    assert world.google.events() == []
    await relink(world)
    assert await shown(world) == ["03-02T08 Class", "03-16T08 Class", "03-23T08 Class"]


async def test_an_instance_edited_in_google_outlives_a_move_without_an_answer_and_a_purge_that_was_refused(
    world: World,
):
    slot, event_id = await weekly_class(world)
    await shift(world, slot, 0, "all", hours=1)
    world.google.edit(instance_id(event_id, 2), scope="this", summary="Exam")
    world.google.fault("commit_then_drop", method="PATCH", path=event_id)
    await world.notified()
    await world.run_once()
    assert (await world.slot(slot.id)).sent is not None
    await world.connections.disconnect(USER, remote="delete", local="keep")
    assert world.google.events() != []
    await relink(world)
    assert "03-16T08 Exam" in await shown(world)


@pytest.mark.parametrize("mishap", [{"kind": "drop_before"}, {"status": 401}, {"status": 403}])
async def test_an_edit_outlives_an_older_one_without_an_answer_and_a_purge_that_did_nothing(
    world: World, mishap: dict[str, Any]
):
    slot, event_id = await world.linked("Mine")
    await world.edit(slot, location="Room 1")
    world.google.fault("commit_then_drop", method="PATCH")
    await world.run_once()
    world.google.fault(**({"kind": "answer"} | mishap), method="DELETE", times=2)
    await world.connections.disconnect(USER, remote="delete", local="keep")
    await world.edit(slot, location="Room 2")
    world.clock.advance(timedelta(minutes=1))
    world.google.edit(event_id, description="Bring paper")
    await relink(world)
    [event] = world.google.events()
    assert (event["location"], event["description"]) == ("Room 2", "Bring paper")
    assert await world.review.conflicts(USER, after=None, limit=10) == []


async def test_what_is_deleted_in_google_after_a_purge_was_refused_stays_deleted(world: World):
    slot, event_id = await world.linked("Mine")
    world.google.fault("answer", method="DELETE", status=403, reason="forbidden")
    await world.connections.disconnect(USER, remote="delete", local="keep")
    world.google.delete(event_id)
    await relink(world)
    assert world.google.events() == []
    assert (await world.slot(slot.id)).deleted_at is not None


async def let_go(world: World, slot: Slot) -> None:
    """What a disconnect does with a slot whose event it has removed from Google."""
    async with world.uow() as tx:
        await tx.users.lock(USER)
        await tx.slots.save([unbound(slot)])


async def test_an_event_that_a_slot_has_let_go_of_and_that_is_there_is_no_second_slot(world: World):
    slot, event_id = await world.linked("Mine")
    await let_go(world, slot)
    await world.list_everything()
    assert [(event["id"], event["summary"]) for event in world.google.events()] == [(event_id, "Mine")]
    assert [each.id for each in await world.all_slots()] == [slot.id]


async def test_a_removed_series_that_somebody_brings_back_in_google_has_its_exceptions_once(world: World):
    _, event_id = await weekly_class(world)
    world.google.edit(instance_id(event_id, 1), summary="Exam")
    await world.pull()
    await world.connections.disconnect(USER, remote="delete", local="keep")
    world.google.edit(event_id, status="confirmed")
    await relink(world)
    assert await shown(world) == ["03-02T08 Class", "03-09T08 Exam", "03-16T08 Class", "03-23T08 Class"]


async def test_a_slot_whose_former_and_present_events_are_listed_at_once_keeps_the_present_one(world: World):
    slot, _ = await world.linked("Mine")
    await let_go(world, slot)
    present = event_id_for(slot.id, 1)
    world.google.create("Mine", id=present)
    await world.list_everything()
    google = (await world.slot(slot.id)).google
    assert google is not None
    assert google.event_id == present
    assert len(await world.all_slots()) == len(world.google.events()) == 2


async def test_a_page_that_was_read_before_an_event_was_removed_makes_no_second_slot(world: World):
    slot, event_id = await world.linked("Mine")
    await let_go(world, slot)
    once = iter([True])

    async def removed(request: HttpRequest) -> None:
        if request.method == "GET" and request.url.split("?")[0].endswith("/events") and next(once, False):
            world.google.delete(event_id)

    world.transport.after = removed
    await world.list_everything()
    assert [event["summary"] for event in world.google.events()] == ["Mine"]
    assert [(each.id, each.content.title) for each in await world.all_slots()] == [(slot.id, "Mine")]


async def relink(world: World) -> None:
    """The same account is linked again."""
    async with world.uow() as tx:
        account = await tx.accounts.find(USER)
        assert account is not None
        await tx.accounts.save(
            replace(
                account, status=AccountStatus.CONNECTED, refresh_token="sealed", version=account.version + 1
            )
        )
    await world.connections.connected(USER)
    await world.settle()
    await world.pull()
