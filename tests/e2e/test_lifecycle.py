"""Starting, stopping, sharing the work, and standing on other addresses."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

from tests.e2e.world import Person, client, somebody

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Machines
    from tests.e2e.servers import GoogleServer, Server

LEASE_S = 3
UNLOCKED_S = 90
"""A process may stand still with a row locked; PostgreSQL ends its transaction after a minute."""
STOPPED = (0, -signal.SIGTERM)
"""In good order: uvicorn ends with the signal that it was sent, after everything is closed."""


async def test_a_server_told_to_stop_while_google_hangs_gives_its_lease_back(
    machines: Machines, database_url: str
):
    google = machines.google()
    server = machines.server(database_url, google, SYNC_LEASE_SECONDS="3600")
    async with somebody(server.url, google.url) as ada:
        await ada.connect()
        slot = await ada.app.create("Before", wait=True)
        await ada.come_to_rest()
        await ada.google.fault("commit_then_hold", method="PATCH")
        await ada.app.edit(slot, title="After")
        hold = await ada.google.held_call()
        server.process.tell_to_stop()
        assert await asyncio.to_thread(server.process.stopped, within_s=20) in STOPPED

        # Nobody waits for the hour that the lease would have lasted.
        await asyncio.to_thread(server.start)
        await ada.agree_on("After")
        await ada.google.release(hold)
        await ada.agree_on("After")
        assert await ada.app.conflicts() == []
        assert (await ada.app.slot(slot))["version"] == 2


async def test_a_server_with_nothing_to_do_stops_at_once_and_starts_where_it_was(
    machines: Machines, sqlite_url: str
):
    google = machines.google()
    server = machines.server(sqlite_url, google)
    async with somebody(server.url, google.url) as ada:
        await ada.connect()
        await ada.app.create("Here before", wait=True)
        await ada.come_to_rest()
        before, since = await ada.app.slots(), await ada.google.request_count()
        assert await asyncio.to_thread(server.process.stop, within_s=10) in STOPPED
        await asyncio.to_thread(server.start)
        assert await ada.app.slots() == before
        await ada.google.create("Told to the new process")
        await ada.agree_on("Here before", "Told to the new process")
        calls = [
            (each["method"], each["path"].rsplit("/", 1)[-1]) for each in await ada.google.requests(since)
        ]
        assert calls == [("POST", "token"), ("GET", "events")]


async def _two_servers(machines: Machines, google: GoogleServer, url: str) -> tuple[Server, Server]:
    settings = {"SYNC_LEASE_SECONDS": str(LEASE_S), "WORKER_POLL_SECONDS": "0.3"}
    return machines.server(url, google, **settings), machines.server(url, google, **settings)


async def test_two_servers_on_one_database_share_the_work_and_do_nothing_twice(
    machines: Machines, postgres_url: str
):
    google = machines.google()
    first, second = await _two_servers(machines, google, postgres_url)
    async with somebody(first.url, google.url) as ada, somebody(second.url, google.url, "bob") as bob:
        await asyncio.gather(ada.connect(), bob.connect())
        doors = [ada, _at(second, ada), bob, _at(first, bob)]
        await asyncio.gather(
            *(door.app.create(f"{number} of {at}") for at, door in enumerate(doors) for number in range(10))
        )
        for person in (ada, bob):
            await person.come_to_rest()
            titles = await person.google.titles()
            assert len(titles) == len(set(titles)) == 20
            assert await person.app.titles() == titles
            inserts = [each for each in await person.google.requests() if _is_insert(each)]
            assert len(inserts) == 20


async def test_a_server_killed_in_the_middle_is_replaced_by_the_other_after_the_lease(
    machines: Machines, postgres_url: str
):
    google = machines.google()
    first, second = await _two_servers(machines, google, postgres_url)
    async with somebody(first.url, google.url) as ada:
        slot = await _held_edit(ada, second)
        [hold] = (await ada.google.control("GET", "/holds"))["holds"]
        first.process.kill()
        second.process.resume()
        await ada.google.release(hold)
        survivor = _at(second, ada).app
        await survivor.comes_to_rest()
        assert await survivor.titles() == await ada.google.titles() == ["After", "Untouched"]
        assert (await survivor.slot(slot))["version"] == 2
        assert await survivor.conflicts() == []


async def test_a_server_that_stood_still_beyond_its_lease_stores_nothing(
    machines: Machines, postgres_url: str
):
    google = machines.google()
    first, second = await _two_servers(machines, google, postgres_url)
    async with somebody(first.url, google.url) as ada:
        slot = await _held_edit(ada, second)
        [hold] = (await ada.google.control("GET", "/holds"))["holds"]
        first.process.pause()
        second.process.resume()
        other = _at(second, ada)
        await other.app.becomes(slot, lambda seen: seen["sync"]["state"] == "synced", within_s=UNLOCKED_S)
        await other.app.edit(slot, title="Later still", wait=True)
        await ada.google.release(hold)
        first.process.resume()
        await asyncio.to_thread(first.process.wait_for, "lease lost")
        await ada.agree_on("Later still", "Untouched")
        await other.agree_on("Later still", "Untouched")
        assert await ada.app.conflicts() == []


async def _held_edit(person: Person, other: Server) -> dict[str, Any]:
    """An edit whose answer Google holds back from the first server, while the other stands still."""
    await person.connect()
    slot = await person.app.create("Before", wait=True)
    await person.app.create("Untouched", wait=True)
    await person.come_to_rest()
    other.process.pause()
    await person.google.fault("commit_then_hold", method="PATCH")
    edited = await person.app.edit(slot, title="After")
    await person.google.held_call()
    return edited


async def test_a_google_under_a_path_of_a_proxy_works_by_settings_alone(machines: Machines, sqlite_url: str):
    google = machines.google(path="/behind/a/proxy")
    server = machines.server(sqlite_url, google)
    async with somebody(server.url, google.url) as ada:
        await ada.connect()
        slot = await ada.app.create("From the app", wait=True)
        await ada.google.create("From Google")
        await ada.agree_on("From Google", "From the app")
        await ada.app.delete(slot, wait=True)
        await ada.agree_on("From Google")
        assert len(await ada.google.channels()) == 1


async def test_with_nothing_set_google_is_simulated_inside_and_survives_a_restart(
    machines: Machines, tmp_path: Path
):
    server = machines.server(None, None)
    sandbox = f"{server.url.replace('127.0.0.1', 'localhost')}/sandbox"
    async with client() as http:
        links = (await http.get(server.url)).json()["links"]
        assert links["google_sandbox"] == "/sandbox/"
    async with somebody(sandbox.removesuffix("/sandbox"), sandbox) as ada:
        await ada.connect()
        await ada.app.create("From the app", wait=True)
        event = await ada.google.create("From Google")
        await ada.agree_on("From Google", "From the app")
        slots = await ada.app.slots()

        server.process.kill()
        await asyncio.to_thread(server.start)
        assert await ada.app.slots() == slots
        await ada.google.edit(event["id"], summary="From Google, after the restart")
        await ada.app.create("From the app, after the restart", wait=True)
        await ada.agree_on(
            "From Google, after the restart", "From the app", "From the app, after the restart"
        )
        await ada.google.check_answers()
    files = await asyncio.to_thread(os.listdir, tmp_path)
    assert {name.split(".db")[0] for name in files} == {"calendar-sync", "calendar-sync.sandbox"}


def _at(server: Server, person: Person) -> Person:
    """The same person, served by another process."""
    return Person(person.app.at(server.url), person.google, person.browser)


def _is_insert(request: dict[str, Any]) -> bool:
    return request["method"] == "POST" and request["path"].endswith("/events") and request["status"] == 200
