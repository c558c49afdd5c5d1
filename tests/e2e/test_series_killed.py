"""The server is killed at every call of an edit of "this and following" that takes exceptions along."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.e2e.killing import PARTS, killed_at_each
from tests.e2e.recurring import LECTURE, Instance, agree, hours, instance, lectures
from tests.e2e.waiting import eventually
from tests.e2e.world import Person, somebody

if TYPE_CHECKING:
    from tests.e2e.conftest import Machines
    from tests.e2e.servers import GoogleServer, Server

AT_LEAST = 6
"""How many calls the edit makes: it shortens, adds, and for each exception finds and changes."""


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("moment", ["hold_before", "commit_then_hold"])
async def test_a_split_of_a_series_survives_the_death_of_the_server_at_any_call(
    machines: Machines, sqlite_url: str, moment: str, part: int
):
    kill = partial(_killed_at, moment)
    await killed_at_each(machines, sqlite_url, kill, first=part, step=PARTS, at_least=AT_LEAST)


@pytest.mark.parametrize(("moment", "first"), [("hold_before", 0), ("commit_then_hold", 1)])
async def test_the_same_holds_on_postgresql_for_every_third_call(
    machines: Machines, postgres_url: str, moment: str, first: int
):
    kill = partial(_killed_at, moment)
    await killed_at_each(machines, postgres_url, kill, first=first, step=3, at_least=AT_LEAST)


async def _killed_at(moment: str, server: Server, google: GoogleServer, spared: int) -> bool:
    """Kill the server at call number `spared` + 1 of the edit; `False` when it makes no such call."""
    async with somebody(server.url, google.url) as ada:
        await _prepared(ada)
        await ada.google.fault(moment, skip=spared)
        rest = await instance(ada, "03-30")
        await ada.app.edit(rest, scope="following", title="Seminar", **hours("03-31"))
        settled = asyncio.create_task(ada.come_to_rest())
        held = asyncio.create_task(ada.google.held_call(within_s=60))
        await asyncio.wait([settled, held], return_when=asyncio.FIRST_COMPLETED)
        struck = held.done()
        if struck:
            settled.cancel()
            await asyncio.wait([settled])
            server.process.kill()
            await ada.google.release(await held)
            await asyncio.to_thread(server.start)
        else:
            held.cancel()
            await ada.google.no_more_faults()
        await _agreed(ada)
        return struck


async def _prepared(ada: Person) -> None:
    """A series with an exception before the split, and two and a cancelled instance behind it."""
    await ada.connect()
    await ada.app.create("Lecture", **LECTURE)
    await ada.app.edit(await instance(ada, "03-16"), title="Exam")
    await ada.app.edit(await instance(ada, "04-06"), title="Test")
    await ada.app.delete(await instance(ada, "04-13"))
    await ada.come_to_rest()


async def _agreed(ada: Person) -> None:
    """Both sides show the same, nothing is there twice, and nobody has anything left to do."""
    seminar, test = Instance("03-31", "14:00", "Seminar"), Instance("04-07", "14:00", "Test")
    exam = Instance("03-16", "09:00", "Exam")
    await eventually(ada.app.calendar, lambda seen: seen["pending"] == seen["failed"] == 0, within_s=60)
    await agree(ada, *lectures("03-09", "03-23"), exam, seminar, test)
    series = [each for each in await ada.google.events() if "recurrence" in each]
    assert sorted(each["summary"] for each in series) == ["Lecture", "Seminar"]
    assert {each["sync"]["state"] for each in await ada.app.slots()} == {"synced"}
    assert await ada.app.conflicts() == []
    await ada.google.check_answers()
