"""Once both sides agree, nobody writes anything: no call but those that look, no row that changes."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from persistence.models import NOBODYS, metadata
from tests.e2e.waiting import eventually
from tests.e2e.world import somebody

if TYPE_CHECKING:
    from tests.e2e.conftest import Machines
    from tests.e2e.world import Person

ROUNDS = 10
LOOKS = 3
BOOKKEEPING = {
    "due_at",
    "pull_due_at",
    "dirty_seq",
    "done_seq",
    "lease_owner",
    "lease_until",
    "epoch",
    "last_success_at",
    "wake_at",
}
"""Columns of a calendar's sync state that say when it was looked at last and when it will be next."""


async def dump(database_url: str, user_id: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of a user, without the bookkeeping, in a stable order."""
    tables = {}
    for table in metadata.sorted_tables:
        if table.name in NOBODYS:
            continue
        key = "id" if table.name == "users" else "user_id"
        columns = [each.name for each in table.columns]
        names = ", ".join(f'"{name}"' for name in columns)
        query = f'SELECT {names} FROM "{table.name}" WHERE {key} = '  # noqa: S608
        rows = [dict(zip(columns, row, strict=True)) for row in await _fetch(database_url, query, user_id)]
        kept = [
            {name: value for name, value in row.items() if not _is_bookkeeping(table.name, name)}
            for row in rows
        ]
        tables[table.name] = sorted(kept, key=repr)
    return tables


def _is_bookkeeping(table: str, column: str) -> bool:
    return table == "calendar_sync_states" and column in BOOKKEEPING


async def _fetch(database_url: str, query: str, user_id: str) -> list[Any]:
    if database_url.startswith("sqlite"):
        connection = sqlite3.connect(database_url.removeprefix("sqlite:///"))
        try:
            return connection.execute(f"{query} ?", [UUID(user_id).bytes]).fetchall()
        finally:
            connection.close()
    postgres = await asyncpg.connect(database_url)
    try:
        return list(await postgres.fetch(f"{query} $1", UUID(user_id)))
    finally:
        await postgres.close()


async def _life(person: Person) -> None:
    """A bit of everything, until both sides agree."""
    kept = await person.app.create("Kept", wait=True)
    gone = await person.app.create("Gone", wait=True)
    await person.app.edit(kept, title="Kept and edited", wait=True)
    await person.app.delete(gone, wait=True)
    event = await person.google.create("From Google", attendees=[{"email": "guest@example.com"}])
    await person.google.create("All day", start={"date": "2026-07-07"}, end={"date": "2026-07-08"})
    await person.google.create("Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"])
    await person.google.edit(event["id"], location="Somewhere")
    await person.app.edit(await person.app.called("Kept and edited"), location="Else", wait=True)
    await person.agree_on("All day", "From Google", "Kept and edited", "Weekly")


async def test_ten_more_rounds_write_nothing_anywhere(machines: Machines, database_url: str):
    google = machines.google()
    server = machines.server(database_url, google)
    async with somebody(server.url, google.url) as ada:
        await ada.connect()
        await _life(ada)
        await ada.app.sync()
        await ada.come_to_rest()
        before = await dump(database_url, ada.app.user_id)
        events, since = await ada.google.events(deleted=True), await ada.google.request_count()
        assert len(before["fixed_slots"]) == 5
        for _ in range(ROUNDS):
            outcome = await ada.app.sync()
            assert {outcome[name] for name in ("pulled", "pushed", "deleted", "conflicts", "failed")} == {0}
        await ada.come_to_rest()
        assert await dump(database_url, ada.app.user_id) == before
        assert await ada.google.events(deleted=True) == events
        asked = await ada.google.requests(since)
        assert [each["method"] for each in asked] == ["GET"] * ROUNDS
        assert all("syncToken" in each["query"] for each in asked)


async def test_with_a_healthy_channel_nobody_is_called(bob: Person):
    await _life(bob)
    await bob.come_to_rest()
    since = await bob.google.request_count()
    for _ in range(100):
        assert len(await bob.app.slots()) == 4
        calendar = await bob.app.calendar()
        assert calendar["webhook"]["mode"] == "push"
    assert await bob.google.requests(since) == []


async def test_without_a_channel_each_look_is_a_single_reading_call(machines: Machines, sqlite_url: str):
    google = machines.google()
    server = machines.server(sqlite_url, google, FALLBACK_SYNC_MINUTES="0.01")
    async with somebody(server.url, google.url) as ada:
        await ada.google.control("POST", f"/calendars/{ada.google.email}/primary", {"push_supported": False})
        await ada.link()
        await ada.google.create("Found by looking")
        await ada.app.shows("Found by looking")
        # A channel is asked for once, and refused.
        await eventually(ada.google.requests, lambda asked: any("/watch" in each["path"] for each in asked))
        since = await ada.google.request_count()
        moments: set[str] = set()

        async def looks() -> int:
            moments.add((await ada.app.calendar())["last_success_at"])
            return len(moments)

        await eventually(looks, lambda seen: seen > LOOKS)
        looked = await ada.app.calendar()
        assert looked["webhook"]["mode"] == "polling"
        asked = await ada.google.requests(since)
        assert {each["method"] for each in asked} == {"GET"}
        # The first look may have asked just before the counting began.
        assert len(asked) >= LOOKS - 1
