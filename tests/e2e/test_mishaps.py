"""What goes wrong between the service and Google, and that nothing is lost or doubled by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.app import is_at_rest
from tests.e2e.world import somebody

if TYPE_CHECKING:
    from tests.e2e.conftest import Machines
    from tests.e2e.world import Person


@pytest.mark.parametrize("kind", ["commit_then_drop", "drop_before", "truncate", "html_503", "not_json"])
async def test_calls_whose_answers_are_lost_happen_exactly_once(ada: Person, kind: str):
    edited = await ada.app.create("Before", wait=True)
    deleted = await ada.app.create("Gone", wait=True)
    await ada.come_to_rest()
    for method in ("POST", "PATCH", "DELETE"):
        await ada.google.fault(kind, method=method, path="/events")
    await ada.app.create("Once")
    await ada.app.edit(edited, title="After")
    await ada.app.delete(deleted)
    await ada.agree_on("After", "Once")
    assert await ada.app.conflicts() == []
    assert len(await ada.google.events(deleted=True)) == 3


async def test_a_refused_sync_token_costs_no_pending_edit(ada: Person):
    slots = [await ada.app.create(f"Slot {number}", wait=True) for number in range(3)]
    await ada.come_to_rest()
    await ada.google.fault("answer", times=1000, status=503, reason="backendError")
    await ada.app.edit(slots[0], title="Edited in the app")
    await ada.app.delete(slots[1])
    await ada.app.create("New in the app")
    await ada.google.edit(slots[2]["google"]["event_id"], summary="Edited in Google")
    await ada.google.edit(slots[0]["google"]["event_id"], location="Put there in Google")
    await ada.google.create("New in Google")
    await ada.google.control("POST", "/sync-tokens/invalidate", {"account": ada.google.email})
    await ada.app.calendar_becomes(lambda seen: seen["state"] == "backing_off")
    since = await ada.google.request_count()
    await ada.google.no_more_faults()
    await ada.app.calendar_becomes(is_at_rest)
    await ada.agree_on("Edited in the app", "Edited in Google", "New in Google", "New in the app")
    assert (await ada.app.slot(slots[0]))["location"] == "Put there in Google"
    assert 410 in [each["status"] for each in await ada.google.requests(since)]


async def test_ten_thousand_events_arrive_once_each(ada: Person):
    await ada.google.create_many(10_000)
    await ada.google.has_told_everything(ada.app.user_id)
    await ada.app.comes_to_rest(within_s=60)
    slots = await ada.app.slots()
    assert len(slots) == 10_000
    assert len({slot["id"] for slot in slots}) == 10_000
    events = {event["id"] for event in await ada.google.events()}
    assert {slot["google"]["event_id"] for slot in slots} == events
    assert slots == sorted(slots, key=lambda slot: slot["start"])


async def test_what_the_app_does_not_change_it_never_touches(ada: Person):
    carried: dict[str, Any] = {
        "attendees": [{"email": "guest@example.com", "responseStatus": "accepted", "comment": "with cake"}],
        "conferenceData": {
            "conferenceId": "abc-defg-hij",
            "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
            "entryPoints": [{"entryPointType": "video", "uri": "https://meet.google.com/abc-defg-hij"}],
        },
        "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 7}]},
        "attachments": [{"fileUrl": "https://drive.google.com/open?id=1", "title": "Slides"}],
        "extendedProperties": {"private": {"theirs": "kept"}, "shared": {"also": "kept"}},
        "aFieldOfTheFuture": {"deep": [1, 2, 3]},
    }
    event = await ada.google.create("Meeting", **carried)
    before = await ada.google.event(event["id"])
    await ada.app.shows("Meeting")
    since = await ada.google.request_count()
    await ada.app.edit(await ada.app.called("Meeting"), title="Meeting (renamed)", wait=True)
    after = await ada.google.event(event["id"])
    moved = {"summary", "etag", "updated", "sequence"}
    assert after["summary"] == "Meeting (renamed)"
    assert {name: after[name] for name in after.keys() - moved} == {
        name: before[name] for name in before.keys() - moved
    }
    assert carried.items() <= after.items()
    [patch] = [each for each in await ada.google.requests(since) if each["method"] == "PATCH"]
    assert patch["body"] == {"summary": "Meeting (renamed)"}
    assert patch["headers"]["if-match"] == before["etag"]


async def test_lost_webhooks_are_healed_by_the_fallback(machines: Machines, sqlite_url: str):
    google = machines.google()
    server = machines.server(sqlite_url, google, FALLBACK_SYNC_MINUTES="0.02")
    async with somebody(server.url, google.url) as ada:
        await ada.connect()
        kept = await ada.app.create("Kept", wait=True)
        await ada.google.lose_notifications(1000)
        await ada.google.create("Never told of")
        await ada.google.edit(kept["google"]["event_id"], location="There")
        await ada.app.shows("Kept", "Never told of")
        await ada.app.becomes(kept, lambda seen: seen["location"] == "There")
        assert (await ada.app.calendar())["webhook"]["mode"] == "push"
        await ada.google.check_answers()


async def test_webhooks_that_come_twice_late_and_out_of_order_change_nothing(bob: Person):
    for kind in ("duplicate", "reorder", "delay"):
        order = {"kind": kind, "times": 2, "seconds": 0.2}
        await bob.google.control("POST", "/notifications/faults", order)
        for number in range(2):
            await bob.google.create(f"{kind} {number}")
    await bob.app.shows(
        *(f"{kind} {number}" for kind in ("duplicate", "reorder", "delay") for number in (0, 1))
    )
    await bob.come_to_rest()
    assert {slot["version"] for slot in await bob.app.slots()} == {1}
