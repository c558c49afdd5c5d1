"""Google is away, the database is away, the grant is gone: nothing is lost, and it is said plainly."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import pytest

from tests.e2e.app import problem_of
from tests.e2e.google import Google
from tests.e2e.postgres import StoppablePostgres, running_postgres
from tests.e2e.world import Person, client, somebody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.e2e.conftest import Machines
    from tests.e2e.servers import GoogleServer


async def test_while_google_is_down_saves_are_kept_and_arrive_once_it_is_back(
    machines: Machines, database_url: str, tmp_path: Path
):
    google = machines.google(state=tmp_path / "google.db")
    server = machines.server(database_url, google)
    async with somebody(server.url, google.url) as ada:
        await ada.connect()
        edited = await ada.app.create("To edit", wait=True)
        deleted = await ada.app.create("To delete", wait=True)
        await ada.come_to_rest()
        google.process.kill()
        created = [await ada.app.create(f"Offline {number}") for number in range(3)]
        assert {slot["sync"]["state"] for slot in created} <= {"pending", "failed"}
        await ada.app.edit(edited, title="Edited offline")
        await ada.app.delete(deleted)
        calendar = await ada.app.calendar_becomes(lambda seen: seen["last_error"] is not None)
        assert calendar["state"] in ("backing_off", "syncing")
        assert (await ada.app.slot(edited))["title"] == "Edited offline"

        await asyncio.to_thread(google.start)
        await ada.agree_on("Edited offline", "Offline 0", "Offline 1", "Offline 2")
        assert len(await ada.google.events(deleted=True)) == 5
        assert await ada.app.conflicts() == []
        await ada.google.check_answers()


@pytest.fixture
async def stoppable_postgres() -> AsyncIterator[StoppablePostgres]:
    async with running_postgres() as postgres:
        yield postgres


async def test_while_the_database_is_down_everything_says_so_and_nothing_is_lost(
    machines: Machines, stoppable_postgres: StoppablePostgres
):
    machines.expected = "DatabaseUnavailableError"
    google = machines.google()
    server = machines.server(stoppable_postgres.url, google, WORKER_POLL_SECONDS="0.5")
    async with somebody(server.url, google.url) as ada, client() as http:
        await ada.connect()
        slot = await ada.app.create("Before", wait=True)
        await ada.come_to_rest()
        [channel] = await ada.google.channels()
        await stoppable_postgres.stop()

        body = {"title": "During", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T11:00:00Z"}
        for method, path, sent in (
            ("GET", "/slots", None),
            ("GET", f"/slots/{slot['id']}", None),
            ("POST", "/slots", body),
            ("PATCH", f"/slots/{slot['id']}", {"title": "During"}),
            ("DELETE", f"/slots/{slot['id']}", None),
            ("POST", "/sync/trigger", None),
            ("GET", "/sync/status", None),
        ):
            answer = await ada.app.call(method, path, json=sent)
            problem_of(answer, 503, "database-unavailable")
            assert int(answer.headers["retry-after"]) > 0
        notification = {
            "x-goog-channel-id": channel["id"],
            "x-goog-channel-token": channel["token"],
            "x-goog-resource-id": channel["resource_id"],
            "x-goog-resource-state": "exists",
        }
        answer = await http.post(f"{server.url}/webhooks/google-calendar", headers=notification)
        problem_of(answer, 503, "database-unavailable")
        assert (await http.get(f"{server.url}/health")).status_code == 200
        ready = await http.get(f"{server.url}/ready")
        assert (ready.status_code, ready.json()["problems"]) == (503, {"database": "does not answer"})
        await ada.google.create("Made in Google meanwhile")

        await stoppable_postgres.start()
        assert (await http.get(f"{server.url}/ready")).status_code == 200
        assert await ada.app.titles() == ["Before"]
        await ada.app.edit(slot, title="After", wait=True)
        # Google repeats a notification that was answered with 503.
        await ada.agree_on("After", "Made in Google meanwhile")
        await ada.google.check_answers()


async def test_a_sqlite_file_that_somebody_else_keeps_locked_is_an_outage_for_writes_only(
    machines: Machines, sqlite_url: str
):
    machines.expected = "DatabaseUnavailableError"
    google = machines.google()
    server = machines.server(sqlite_url, google)
    async with somebody(server.url, google.url) as ada:
        await ada.connect()
        slot = await ada.app.create("Before", wait=True)
        await ada.come_to_rest()
        stranger = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        try:
            stranger.execute("BEGIN IMMEDIATE")
            refused = asyncio.create_task(
                ada.app.call("PATCH", f"/slots/{slot['id']}", json={"title": "During"})
            )
            assert await ada.app.titles() == ["Before"]
            problem_of(await refused, 503, "database-unavailable")
            stranger.execute("ROLLBACK")
        finally:
            stranger.close()
        await ada.app.edit(slot, title="After", wait=True)
        await ada.agree_on("After")


async def test_a_grant_that_was_revoked_in_google_keeps_edits_until_the_account_is_linked_again(ada: Person):
    edited = await ada.app.create("Before", wait=True)
    await ada.come_to_rest()
    await ada.google.control("POST", "/grants/revoke", {"account": ada.google.email})
    await ada.app.edit(edited, title="Edited without a grant")
    await ada.app.calendar_becomes(lambda seen: seen["state"] == "reauthorisation_required")
    me = await ada.app.get("/auth/users/me")
    assert (me["google"]["connected"], me["google"]["status"]) == (False, "reauthorisation_required")
    created = await ada.app.create("Created without a grant")
    assert (created["sync"]["state"], created["sync"]["reason"]) == ("pending", "reauthorisation-required")
    problem = await ada.app.call("POST", "/sync/trigger")
    problem_of(problem, 409, "google-not-connected")
    await ada.google.create("Created in Google meanwhile")

    await ada.connect()
    await ada.agree_on("Created in Google meanwhile", "Created without a grant", "Edited without a grant")
    assert len(await ada.google.events(deleted=True)) == 3


@pytest.mark.parametrize("local", ["keep", "delete"])
@pytest.mark.parametrize("remote", ["keep", "delete"])
async def test_disconnecting_and_linking_the_same_account_again_doubles_nothing(
    ada: Person, remote: str, local: str
):
    mine = await ada.app.create("Made in the app", wait=True)
    await ada.google.create("Made in Google")
    await ada.app.shows("Made in Google", "Made in the app")
    await ada.come_to_rest()
    answer = await ada.app.post("/auth/google/disconnect", {"remote": remote, "local": local})
    assert answer["google"]["status"] == "disconnected"
    here = ["Made in the app"] + (["Made in Google"] if local == "keep" else [])
    there = ["Made in Google"] + (["Made in the app"] if remote == "keep" else [])
    assert await ada.app.titles() == sorted(here)
    assert await ada.google.titles() == sorted(there)
    assert await ada.google.channels() == []
    state = await ada.google.control("GET", "/state")
    assert [each for each in state["grants"] if each["account"] == ada.google.email] == []

    edited = await ada.app.edit(mine, title="Made and edited in the app")
    assert edited["sync"]["state"] == "local_only"
    since = await ada.google.request_count()
    await ada.app.create("Made while disconnected")
    assert await ada.google.requests(since) == []

    await ada.connect()
    await ada.agree_on("Made and edited in the app", "Made in Google", "Made while disconnected")
    assert await ada.app.conflicts() == []


async def test_a_consent_that_is_denied_links_nothing_and_can_be_repeated(ada: Person):
    await ada.app.post("/auth/google/disconnect", {"remote": "keep", "local": "keep"})
    problem_of(await ada.link(decision="deny"), 403, "google-consent-denied")
    assert (await ada.app.get("/auth/users/me"))["google"]["connected"] is False
    await ada.connect()


async def test_an_account_of_somebody_else_is_refused_and_links_nothing(
    bob: Person, shared_google: GoogleServer
):
    await bob.app.post("/auth/google/disconnect", {"remote": "keep", "local": "keep"})
    other = Google(bob.google.http, shared_google.url, f"other-{bob.google.email}")
    await other.open()
    await other.create("Not for Bob")
    problem_of(await Person(bob.app, other, bob.browser).link(), 403, "google-account-mismatch")
    assert (await bob.app.get("/auth/users/me"))["google"]["connected"] is False
    assert await bob.app.titles() == []
    await bob.connect()
