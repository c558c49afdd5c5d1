"""Whom Google mails about an edit, and how often."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.core.records import SyncState
from services.core.slots import Attendee
from services.slot_service import SlotDraft
from tests.engine.test_guests import (
    INVITATION,
    RICH,
    app_edit,
    id_of,
    pulled,
    settled,
    with_guests,
    world,
)
from tests.engine.world import USER, World

BOB, EVE, ZOE, ROOM = "bob@example.com", "eve@example.com", "zoe@example.com", "room@resource.example.com"

__all__ = ["world"]


def mails(world: World) -> list[tuple[str, str]]:
    return sorted((each["kind"], each["to"]) for each in world.google.call("GET", "/mails")["mails"])


async def test_nobody_is_mailed_unless_asked_for(world: World):
    slot = await pulled(world, **RICH)
    await app_edit(world, slot, title="Renamed", attendees=with_guests(slot.content, Attendee(ZOE)))
    await settled(world, slot)
    await app_edit(world, slot, response="accepted")
    await settled(world, slot)
    await world.delete(slot)
    await world.settle()
    await world.restore(slot)
    await settled(world, slot)
    assert mails(world) == []


async def test_guests_are_mailed_once_where_asked_for(world: World):
    slot = await pulled(world, attendees=[{"email": BOB}])
    await app_edit(world, slot, attendees=with_guests(slot.content, Attendee(ZOE)), notify="all")
    await settled(world, slot)
    assert mails(world) == [("invitation", ZOE), ("update", BOB)]
    await app_edit(world, slot, title="Quietly")
    await settled(world, slot)
    assert len(mails(world)) == 2
    await world.delete(slot, "all")
    await world.settle()
    assert mails(world)[:2] == [("cancellation", BOB), ("cancellation", ZOE)]


@pytest.mark.parametrize("lost", ["answer", "call"])
@pytest.mark.parametrize("method", ["PATCH", "DELETE", "POST"])
async def test_a_lost_answer_brings_no_second_mail_and_a_lost_call_brings_one(
    world: World, method: str, lost: str
):
    kind = {"PATCH": "update", "DELETE": "cancellation", "POST": "invitation"}[method]
    slot = await pulled(world, attendees=[{"email": BOB}])
    world.google.fault("commit_then_drop" if lost == "answer" else "drop_before", method=method)
    if method == "PATCH":
        await app_edit(world, slot, title="Renamed", notify="all")
    elif method == "DELETE":
        await world.delete(slot, "all")
    else:
        content = replace(slot.content, title="Talk")
        slot = (await world.slots.create(USER, SlotDraft(content, notify="all"))).entry.slot
    await world.settle(within=timedelta(minutes=30))
    assert [each for each in mails(world) if each[0] == kind] == [(kind, BOB)]
    assert (await world.slot(slot.id)).sync_state is SyncState.SYNCED


async def test_a_change_that_somebody_overtook_mails_once(world: World):
    slot = await pulled(world, attendees=[{"email": BOB}])
    world.google.edit(id_of(slot), location="Elsewhere")
    await app_edit(world, slot, title="Renamed", notify="all")
    await settled(world, slot)
    assert mails(world) == [("update", BOB)]


async def test_an_answer_tells_the_organizer_only_where_asked_for(world: World):
    slot = await pulled(world, **INVITATION)
    await app_edit(world, slot, response="accepted")
    await settled(world, slot)
    assert mails(world) == []
    await app_edit(world, slot, response="declined", notify="all")
    await settled(world, slot)
    assert mails(world) == [("response", BOB)]
