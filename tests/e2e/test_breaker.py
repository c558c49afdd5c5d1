"""Two programs that overwrite each other, one over REST and one in Google, are cut off; nobody else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.app import problem_of
from tests.e2e.fights import fight
from tests.e2e.world import somebody

if TYPE_CHECKING:
    from tests.e2e.conftest import Machines

LIMIT = 4
COOLDOWN_S = 2


async def test_two_bots_are_cut_off_while_other_slots_go_on_and_it_heals(machines: Machines, sqlite_url: str):
    google = machines.google()
    server = machines.server(
        sqlite_url,
        google,
        LOOP_BREAKER_LIMIT=str(LIMIT),
        LOOP_BREAKER_WINDOW_SECONDS="600",
        LOOP_BREAKER_COOLDOWN_SECONDS=str(COOLDOWN_S),
    )
    async with somebody(server.url, google.url) as ada:
        await ada.connect()
        fought = await ada.app.create("Fought over", wait=True)
        calm = await ada.app.create("Calm", wait=True)
        event_id = fought["google"]["event_id"]

        since = await ada.google.request_count()
        await fight(ada, fought, "first", limit=LIMIT)
        cut_off = await ada.app.slot(fought)
        assert cut_off["sync"]["reason"] == "overwritten-in-turns"
        assert cut_off["sync"]["next_attempt_at"] is not None
        assert (await ada.app.calendar())["quarantined"] == 1
        patches = [each for each in await ada.google.requests(since) if each["method"] == "PATCH"]
        assert len(patches) <= LIMIT

        await ada.app.edit(calm, title="Calm, edited", wait=True)
        assert (await ada.google.event(calm["google"]["event_id"]))["summary"] == "Calm, edited"

        # The cool-down is over by itself, and then both sides agree again.
        await ada.app.becomes(fought, lambda seen: seen["sync"]["state"] in ("synced", "conflict"))
        await ada.come_to_rest()
        healed = await ada.app.slot(fought)
        assert healed["title"] == (await ada.google.event(event_id))["summary"]
        assert (await ada.app.calendar())["quarantined"] == 0

        # The next fight is cut off sooner, and a person may end it.
        await fight(ada, fought, "second", limit=LIMIT)
        released = await ada.app.post(f"/sync/quarantine/{fought['id']}/release")
        assert released["sync"]["state"] != "quarantined"
        await ada.come_to_rest()
        assert (await ada.app.slot(fought))["title"] == (await ada.google.event(event_id))["summary"]
        again = await ada.app.call("POST", f"/sync/quarantine/{fought['id']}/release")
        problem_of(again, 404, "not-found")
        await ada.google.check_answers()
