"""What others made and deleted is never made anew by the app."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.bindings import leave_account
from services.core.errors import ReadOnlySlotError
from services.core.records import SyncState
from services.slot_scopes import SlotAddress, SlotEdit
from tests.engine.test_event_types import (
    INVITED,
    KINDS,
    copy_of,
    pulled,
    world,
    writes,
)
from tests.engine.world import START, USER, World

if TYPE_CHECKING:
    from services.core.records import Slot

BOB, EVE = "bob@example.com", "eve@example.com"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)

__all__ = ["world"]


@pytest.mark.parametrize(
    "kind", ["an invitation", "an invitation that guests may modify", "birthday", "from Gmail"]
)
async def test_an_edit_of_what_others_deleted_makes_no_event_of_the_users_own(world: World, kind: str):
    slot = await pulled(world, KINDS[kind][0])
    await world.edit(slot, color="5")
    world.google.delete(copy_of(slot).event_id)
    await world.settle()
    await world.pull()
    assert world.google.events() == []
    assert (await world.slot(slot.id)).local is None


async def test_an_invitation_that_cannot_come_back_fails_and_nobody_is_invited_anew(world: World):
    slot = await pulled(world, INVITED)
    await world.delete(slot)
    await world.settle()
    world.google.call("POST", "/switches", {"revival_status": 403})
    await world.restore(slot)
    await world.settle(within=timedelta(hours=2))
    assert world.google.events() == []
    found = await world.slot(slot.id)
    assert (found.sync_state, found.failure and found.failure.next_attempt_at) == (SyncState.FAILED, None)


WEEKLY = {**INVITED, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"]}


async def declined(world: World, series: Slot) -> Slot:
    """The second instance of a series, which the user declines."""
    address = SlotAddress(series.id, START + 7 * DAY)
    change = SlotEdit(lambda content: replace(content, response="declined"))
    return (await world.slots.edit(USER, address, change)).entry.slot


@pytest.mark.parametrize("answer", ["on its way", "at Google"])
@pytest.mark.parametrize("gone", ["the series", "the instance"])
async def test_what_is_left_of_an_instance_of_others_is_no_event_of_the_users_own(
    world: World, answer: str, gone: str
):
    series = await pulled(world, WEEKLY)
    one = await declined(world, series)
    if answer == "at Google":
        await world.settle()
    if gone == "the series":
        world.google.delete(copy_of(series).event_id)
    else:
        world.google.edit(copy_of(series).event_id, recurrence=["RRULE:FREQ=WEEKLY;COUNT=1"])
    await world.settle()
    await world.pull()
    await world.list_everything()
    made = {each["id"] for each in world.google.events()} - {copy_of(series).event_id}
    assert made <= {f"{copy_of(series).event_id}_20260309T080000Z"}
    assert (await world.slot(one.id)).local is None or made
    assert [method for method, _ in writes(world) if method == "POST"] == []


async def test_an_instance_of_others_does_not_come_back_without_its_series(world: World):
    series = await pulled(world, WEEKLY)
    one = await declined(world, series)
    await world.settle()
    world.google.delete(copy_of(series).event_id)
    await world.pull()
    with pytest.raises(ReadOnlySlotError) as caught:
        await world.restore(await world.slot(one.id))
    assert caught.value.reason == "not-organizer"


async def test_what_others_made_stays_in_the_account_that_is_left(world: World):
    for kind in KINDS:
        world.google.create(kind, **KINDS[kind][0])
    await pulled(world, WEEKLY, title="weekly")
    await world.pull()
    async with world.uow() as tx:
        await tx.users.lock(USER)
        await leave_account(tx, USER, now=world.clock.now())
    assert {slot.content.title for slot in await world.all_slots()} == {
        *("plain", "with guests", "focus time", "out of office", "locked"),
        *("working location of a day", "working location of an hour"),
    }
