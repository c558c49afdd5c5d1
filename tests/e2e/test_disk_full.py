"""There is no room left: writes are refused and say so, reads go on, and all goes on once there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from tests.e2e.app import problem_of
from tests.e2e.disk import no_file_grows_beyond
from tests.e2e.postgres import StoppablePostgres, running_postgres
from tests.e2e.world import client, somebody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.e2e.conftest import Machines
    from tests.e2e.servers import Server
    from tests.e2e.world import Person

SLOT = {"title": "During", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T11:00:00Z"}
KIB, MIB = 1024, 1024 * 1024
QUICK = {"WORKER_POLL_SECONDS": "0.5", "SYNC_LEASE_SECONDS": "2"}
"""A run that could not store its results leaves its lease to run out."""


async def refuses_and_shows(server: Server, ada: Person) -> None:
    """What everybody sees while there is no room."""
    [slot] = await ada.app.slots()
    edit = {"title": "During", "description": "long " * 100}
    for method, path, body in (
        ("POST", "/slots", SLOT | {"description": "long " * 100}),
        ("PATCH", f"/slots/{slot['id']}", edit),
        ("POST", "/slots/batch", {"items": [{"action": "create", "slot": SLOT | edit}] * 2}),
    ):
        answer = await ada.app.call(method, path, json=body)
        problem_of(answer, 503, "database-unavailable")
        assert int(answer.headers["retry-after"]) > 0
    assert await ada.app.titles() == ["Before"]
    assert (await ada.app.slot(slot))["version"] == slot["version"]
    assert await ada.app.conflicts() == []
    async with client() as http:
        assert (await http.get(f"{server.url}/health")).status_code == 200


async def goes_on(ada: Person) -> None:
    """What everybody sees once there is room again."""
    [slot] = [each for each in await ada.app.slots() if each["title"] == "Before"]
    await ada.app.edit(slot, title="After", wait=True)
    await ada.app.create("Another")
    await ada.app.shows("After", "Another", "Made in Google meanwhile")
    await ada.agree_on("After", "Another", "Made in Google meanwhile")
    assert await ada.app.conflicts() == []
    await ada.google.check_answers()


async def test_with_a_full_disk_under_sqlite_nothing_acknowledged_is_lost(
    machines: Machines, sqlite_url: str
):
    machines.expected = "DatabaseUnavailableError"
    google = machines.google()
    server = machines.server(sqlite_url, google, **QUICK)
    async with somebody(server.url, google.url) as ada:
        await ada.connect()
        await ada.app.create("Before", wait=True)
        await ada.come_to_rest()
        with no_file_grows_beyond(KIB, lambda: [server.process.pid]):
            await ada.google.create("Made in Google meanwhile")
            await refuses_and_shows(server, ada)
        await goes_on(ada)


@pytest.fixture
async def small_postgres() -> AsyncIterator[StoppablePostgres]:
    # Its log is written in files of one MiB, so that tables are what a limit above that strikes.
    async with running_postgres("--wal-segsize=1") as postgres:
        yield postgres


async def repeat_for_ever(connection: asyncpg.Connection, statement: str) -> None:
    while True:
        await connection.execute(statement)


async def fill(url: str, others: str) -> None:
    """Others use up what room there is, down to the last corner of the tables that a write needs."""
    connection = await asyncpg.connect(url)
    try:
        for table, key in (("slot_history", "slot_id"), ("fixed_slots", "id")):
            columns = "SELECT column_name FROM information_schema.columns WHERE table_name = $1"
            names = [row["column_name"] for row in await connection.fetch(columns, table)]
            values = {f'"{name}"': f'"{name}"' for name in names}
            values |= {'"user_id"': f"'{others}'", f'"{key}"': "gen_random_uuid()"}
            if '"event_id"' in values:
                values['"event_id"'] = "gen_random_uuid()::text"
            text = '"fields"' if table == "slot_history" else '"description"'
            for length in (1500, 200, 1):
                values[text] = f"'{'x' * length}'"
                statement = (
                    f"INSERT INTO {table} ({', '.join(values)}) "  # noqa: S608
                    f"SELECT {', '.join(values.values())} FROM {table} WHERE user_id <> '{others}'"
                )
                with pytest.raises(asyncpg.InternalServerError, match="File too large"):
                    await repeat_for_ever(connection, statement)
    finally:
        await connection.close()


async def test_with_a_full_disk_under_postgresql_nothing_acknowledged_is_lost(
    machines: Machines, small_postgres: StoppablePostgres
):
    machines.expected = "DatabaseUnavailableError"
    google = machines.google()
    server = machines.server(small_postgres.url, google, **QUICK)
    async with somebody(server.url, google.url) as ada, somebody(server.url, google.url, "bob") as bob:
        await ada.connect()
        slot = await ada.app.create("Before", wait=True)
        await ada.app.edit(slot, location="So that there is history", wait=True)
        await ada.come_to_rest()
        with no_file_grows_beyond(MIB, lambda: small_postgres.processes):
            await fill(small_postgres.url, bob.app.user_id)
            await ada.google.create("Made in Google meanwhile")
            await refuses_and_shows(server, ada)
        await goes_on(ada)
