"""Both sides change something before they meet: the webhook is lost, or our own call is on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.world import Person


async def test_edits_of_different_fields_are_both_kept(ada: Person):
    slot = await ada.app.create("Lecture", wait=True)
    event_id = slot["google"]["event_id"]
    await ada.edit_unnoticed(event_id, location="Hall B")
    await ada.app.edit(slot, title="Lecture (new)", wait=True)
    await ada.agree_on("Lecture (new)")
    slot, event = await ada.app.slot(slot), await ada.google.event(event_id)
    assert slot["location"] == event["location"] == "Hall B"
    assert await ada.app.conflicts() == []


@pytest.mark.parametrize("keep", ["winner", "loser"])
@pytest.mark.parametrize("later", ["app", "google"])
async def test_of_two_edits_of_one_field_the_later_wins_and_the_other_can_be_restored(
    ada: Person, later: str, keep: str
):
    slot = await ada.app.create("Original", wait=True)
    event_id = slot["google"]["event_id"]
    if later == "app":
        await ada.edit_unnoticed(event_id, summary="by google")
        await ada.app.edit(slot, title="by app")
    else:
        await ada.come_to_rest()
        await ada.google.fault("hold_before", method="PATCH")
        await ada.app.edit(slot, title="by app")
        hold = await ada.google.held_call()
        await ada.google.edit(event_id, summary="by google")
        await ada.google.release(hold)
    winner, loser = ("by app", "by google") if later == "app" else ("by google", "by app")
    await ada.app.becomes(slot, lambda seen: seen["sync"]["state"] == "conflict")
    await ada.agree_on(winner)

    [conflict] = await ada.app.conflicts()
    assert (conflict["field"], conflict["slot_id"], conflict["winner"]) == ("title", slot["id"], later)
    assert (conflict["winning_value"], conflict["losing_value"]) == (winner, loser)
    assert (await ada.app.calendar())["conflicts"] == 1
    await ada.app.post(f"/sync/conflicts/{conflict['id']}/resolve", {"keep": keep})
    await ada.app.becomes(slot, lambda seen: seen["sync"]["state"] == "synced")
    await ada.agree_on(winner if keep == "winner" else loser)
    assert await ada.app.conflicts() == []


async def test_an_edit_in_the_app_beats_a_deletion_in_google_that_had_not_seen_it(ada: Person):
    slot = await ada.app.create("Exam", wait=True)
    await ada.delete_unnoticed(slot["google"]["event_id"])
    await ada.app.edit(slot, title="Exam (moved)")
    await ada.app.becomes(slot, lambda seen: seen["sync"]["state"] == "conflict")
    await ada.agree_on("Exam (moved)")
    [conflict] = await ada.app.conflicts()
    assert conflict["field"] == "deleted"
    await ada.app.post(f"/sync/conflicts/{conflict['id']}/resolve", {"keep": "loser"})
    await ada.agree_on()


async def test_an_edit_in_google_beats_a_deletion_in_the_app_that_had_not_seen_it(ada: Person):
    slot = await ada.app.create("Exam", wait=True)
    await ada.edit_unnoticed(slot["google"]["event_id"], summary="Exam (moved)")
    await ada.app.delete(slot)
    await ada.app.shows("Exam (moved)")
    await ada.agree_on("Exam (moved)")
    assert [each["field"] for each in await ada.app.conflicts()] == ["deleted"]


async def test_both_delete_the_same_and_nothing_comes_back(ada: Person):
    slot = await ada.app.create("Twice gone", wait=True)
    await ada.delete_unnoticed(slot["google"]["event_id"])
    await ada.app.delete(slot)
    await ada.agree_on()
    assert await ada.app.conflicts() == []


async def test_an_edit_made_while_an_older_one_is_on_its_way_arrives_as_well(ada: Person):
    slot = await ada.app.create("First", wait=True)
    await ada.google.fault("commit_then_hold", method="PATCH")
    await ada.app.edit(slot, title="Second")
    hold = await ada.google.held_call()
    await ada.app.edit(slot, title="Third", location="Here")
    await ada.google.release(hold)
    await ada.agree_on("Third")
    assert (await ada.google.called("Third"))["location"] == "Here"
    assert await ada.app.conflicts() == []


async def test_a_slot_deleted_while_it_is_being_created_in_google_is_gone_from_both(ada: Person):
    await ada.google.fault("commit_then_hold", method="POST", path="/events$")
    slot = await ada.app.create("Short-lived")
    hold = await ada.google.held_call()
    await ada.app.delete(slot)
    await ada.google.release(hold)
    await ada.agree_on()
