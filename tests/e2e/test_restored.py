"""A backup is made while the service runs, an hour goes by on both sides, and the backup is restored.

Google goes on with what it knows; what only the lost database knew is lost, and nothing else: nothing is
doubled, nothing that was deleted comes back, and no client mistakes what it has for what there is now.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.app import problem_of
from tests.e2e.backups import PostgresBackups, SqliteBackups
from tests.e2e.postgres import StoppablePostgres
from tests.e2e.world import client, somebody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.e2e.backups import Backups
    from tests.e2e.conftest import Machines
    from tests.e2e.servers import Server
    from tests.e2e.world import Person

HOUR_S = 3600


class Drill:
    """One person's hour that the database forgets."""

    def __init__(self, server: Server, backups: Backups, ada: Person) -> None:
        self.server = server
        self.backups = backups
        self.ada = ada

    async def an_hour_later(self) -> None:
        await self.ada.google.control("POST", "/clock", {"offset_s": HOUR_S})

    async def restore(self) -> None:
        """By the book."""
        await asyncio.to_thread(self.server.process.stop)
        await asyncio.to_thread(self.backups.restore)
        done = await asyncio.to_thread(self.server.run, "after-restore")
        assert (done.returncode, done.stderr) == (0, ""), done
        assert done.stdout.startswith("Users: 1. Calendars, each listed")
        await asyncio.to_thread(self.server.start)


@asynccontextmanager
async def drilling(machines: Machines, backups: Backups) -> AsyncIterator[Drill]:
    google = machines.google()
    server = machines.server(backups.url, google, WORKER_POLL_SECONDS="0.5")
    async with somebody(server.url, google.url) as ada:
        await ada.connect()
        yield Drill(server, backups, ada)


@pytest.fixture
async def drill(machines: Machines, sqlite_url: str) -> AsyncIterator[Drill]:
    async with drilling(machines, SqliteBackups(Path(sqlite_url.removeprefix("sqlite:///")))) as made:
        yield made


@pytest.fixture
async def postgres_drill(machines: Machines, tmp_path: Path) -> AsyncIterator[Drill]:
    # Not under pytest's own folder, which only its owner may enter.
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="calendar-sync-postgres-"))
    postgres = StoppablePostgres(folder)
    try:
        await postgres.start()
        async with drilling(machines, PostgresBackups(postgres, tmp_path)) as made:
            yield made
    finally:
        postgres.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["drill", "postgres_drill"])
def any_drill(request: pytest.FixtureRequest) -> Drill:
    made = request.getfixturevalue(request.param)
    assert isinstance(made, Drill)
    return made


async def make_and_wait(ada: Person, *titles: str) -> list[dict[str, Any]]:
    return [await ada.app.create(title, wait=True) for title in titles]


async def test_what_google_has_got_since_the_backup_comes_back_and_nothing_is_doubled(any_drill: Drill):
    drill, ada = any_drill, any_drill.ada
    app = ada.app
    edited, deleted, others, gone = await make_and_wait(ada, "To edit", "To delete", "Others'", "To go")
    await ada.come_to_rest()
    await asyncio.to_thread(drill.backups.make)

    await drill.an_hour_later()
    await app.edit(edited, title="Edited since", wait=True)
    await app.delete(deleted, wait=True)
    await ada.google.edit(others["google"]["event_id"], location="Put there since")
    await ada.google.delete(gone["google"]["event_id"])
    [made] = await make_and_wait(ada, "Made since")
    await app.edit(made, location="Twice", wait=True)
    await ada.google.create("Made in Google since")
    [series] = [await app.create("Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"], wait=True)]
    await ada.come_to_rest()
    titles = ("Edited since", "Others'", "Made since", "Made in Google since", "Weekly")
    await ada.agree_on(*titles)
    before = {event["id"]: event for event in await ada.google.events(deleted=True)}

    await drill.restore()
    await app.shows(*titles)
    await ada.agree_on(*titles)
    assert {event["id"]: event for event in await ada.google.events(deleted=True)} == before
    assert (await app.slot(others))["location"] == "Put there since"
    again = await app.slot(made)
    assert (again["source"], again["location"]) == ("app", "Twice")
    assert (await app.slot(series))["recurrence"] == ["RRULE:FREQ=WEEKLY;COUNT=4"]
    assert await app.conflicts() == []
    problem_of(await app.call("GET", f"/slots/{gone['id']}"), 404, "not-found")
    await ada.google.check_answers()


async def test_what_google_never_got_is_lost_up_to_the_backup(drill: Drill):
    ada = drill.ada
    [slot] = await make_and_wait(ada, "Before")
    await ada.come_to_rest()
    await asyncio.to_thread(drill.backups.make)
    await ada.google.fault("answer", times=1000, status=503, reason="backendError")
    await ada.app.edit(slot, title="Edited and never sent")
    await ada.app.create("Made and never sent")

    await drill.restore()
    await ada.google.no_more_faults()
    await ada.agree_on("Before")


async def test_what_waited_for_google_when_the_backup_was_made_is_sent_once(drill: Drill):
    ada = drill.ada
    [slot] = await make_and_wait(ada, "Before")
    await ada.come_to_rest()
    await ada.google.fault("answer", times=1000, status=503, reason="backendError")
    await ada.app.edit(slot, title="Edited")
    made = await ada.app.create("Made")
    await asyncio.to_thread(drill.backups.make)
    await ada.google.no_more_faults()
    await ada.agree_on("Edited", "Made")
    await ada.app.edit(made, location="Added later", wait=True)
    await ada.come_to_rest()

    await drill.restore()
    await ada.agree_on("Edited", "Made")
    assert (await ada.app.slot(made))["location"] == "Added later"
    assert len(await ada.google.events(deleted=True)) == 2


async def test_readers_of_the_feed_begin_anew_however_far_the_restored_one_has_come(drill: Drill):
    ada = drill.ada
    app = ada.app
    [slot] = await make_and_wait(ada, "Before")
    await ada.come_to_rest()
    await asyncio.to_thread(drill.backups.make)
    for number in range(3):
        await app.edit(slot, title=f"Edit {number}", wait=True)
    await ada.come_to_rest()
    cursor = (await app.get("/slots/changes"))["next_cursor"]
    seq = max(item["seq"] for item in (await app.get("/slots/changes"))["items"])

    await drill.restore()
    await ada.agree_on("Edit 2")
    # The numbers of the lost database would be given again by now.
    for number in range(5):
        await app.edit(await app.slot(slot), title=f"Other edit {number}", wait=True)
    problem_of(await app.call("GET", "/slots/changes", params={"cursor": cursor}), 410, "cursor-expired")
    headers = {"last-event-id": str(seq)}
    problem_of(await app.call("GET", "/slots/stream", headers=headers), 410, "cursor-expired")
    page = await app.get("/slots/changes")
    assert [item["slot"]["title"] for item in page["items"]] == ["Other edit 4"]
    assert (await app.get("/slots/changes", cursor=page["next_cursor"]))["items"] == []


async def test_a_version_that_a_client_knows_from_before_is_never_given_again(drill: Drill):
    ada = drill.ada
    app = ada.app
    [slot] = await make_and_wait(ada, "Before")
    await ada.come_to_rest()
    await asyncio.to_thread(drill.backups.make)
    seen = await app.edit(slot, title="Seen by a client", wait=True)
    [made] = await make_and_wait(ada, "Made since")
    await ada.come_to_rest()

    await drill.restore()
    await ada.agree_on("Seen by a client", "Made since")
    for known in (seen, made):
        tag = f'"{known["version"]}"'
        now = await app.edit(known, location="Changed by somebody else")
        assert now["version"] > known["version"] + 1000
        stale = await app.call(
            "PATCH", f"/slots/{known['id']}", json={"title": "Blind"}, headers={"if-match": tag}
        )
        problem_of(stale, 412, "stale-edit")
        fresh = await app.call("GET", f"/slots/{known['id']}", headers={"if-none-match": tag})
        assert fresh.status_code == 200


async def test_no_channel_of_the_backup_is_relied_on_and_a_new_one_works(drill: Drill):
    ada = drill.ada
    older = {each["id"] for each in await ada.google.channels()}
    await asyncio.to_thread(drill.backups.make)
    await ada.app.post(f"/webhooks/setup/{ada.app.user_id}")
    [newer] = [each for each in await ada.google.channels() if each["id"] not in older]

    await drill.restore()
    stale = {
        "x-goog-channel-id": newer["id"],
        "x-goog-channel-token": newer["token"],
        "x-goog-resource-id": newer["resource_id"],
        "x-goog-resource-state": "exists",
    }
    async with client() as http:
        answer = await http.post(f"{drill.server.url}/webhooks/google-calendar", headers=stale)
    problem_of(answer, 404, "not-found")
    assert (await ada.app.calendar())["webhook"]["mode"] == "polling"
    # As the next tick does, which comes every minute.
    [channel] = (await ada.app.post(f"/webhooks/setup/{ada.app.user_id}"))["channels"]
    assert channel["channel_id"] not in {*older, newer["id"]}
    await ada.come_to_rest()
    await ada.google.create("Told of at once")
    await ada.app.shows("Told of at once")


async def test_after_restore_may_be_repeated_and_says_what_it_did(drill: Drill):
    await make_and_wait(drill.ada, "Before")
    await asyncio.to_thread(drill.backups.make)
    for _ in range(2):
        await drill.restore()
        await drill.ada.agree_on("Before")
