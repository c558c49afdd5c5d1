"""The server is killed at every call that it makes to Google, before and after Google carries it out.

A driver plays a user's session. Whenever the service dies, the driver does what any client has to: it waits
for the service to be back, and looks before it repeats what may have happened.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.e2e.google import START
from tests.e2e.killing import PARTS, killed_at_each
from tests.e2e.waiting import eventually
from tests.e2e.world import Person, somebody

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.e2e.conftest import Machines
    from tests.e2e.servers import GoogleServer, Server

AT_LEAST = 10
"""How many calls the session makes, when nothing goes wrong."""


@dataclass(frozen=True, slots=True)
class Driver:
    """A session of one user that survives the death of the service."""

    person: Person
    alive: asyncio.Event

    async def session(self) -> None:
        """Link, create, edit and delete on both sides, renew the webhook channel."""
        app, google = self.person.app, self.person.google
        edited = await google.create("Google: to edit")
        deleted = await google.create("Google: to delete")
        await self.again(self.connect)
        await self.until(lambda seen: seen == ["Google: to delete", "Google: to edit"])
        await self.again(lambda: self.create("App: to edit"))
        await self.again(lambda: self.create("App: to delete"))
        await self.until_google(lambda seen: {"App: to edit", "App: to delete"} <= set(seen))
        mine = {slot["title"]: slot["id"] for slot in await self.again(app.slots)}
        await self.again(lambda: self.rename(mine["App: to edit"], "App: edited"))
        await self.again(lambda: self.delete(mine["App: to delete"]))
        await google.edit(edited["id"], summary="Google: edited")
        await google.delete(deleted["id"])
        await self.again(self.renew_channel)
        await self.again(self.sync)
        await self.until(lambda seen: seen == ["App: edited", "Google: edited"])
        await self.again(self.person.come_to_rest)

    async def again(self, step: Callable[[], Awaitable[Any]]) -> Any:
        """Do a step, once more from its beginning each time that the service died during it."""
        while True:
            await self.alive.wait()
            try:
                return await step()
            except httpx.TransportError:
                continue

    async def until(self, holds: Callable[[list[str]], object]) -> None:
        await eventually(lambda: self.again(self.person.app.titles), holds, within_s=60)

    async def until_google(self, holds: Callable[[list[str]], object]) -> None:
        await eventually(self.person.google.titles, holds, within_s=60)

    async def connect(self) -> None:
        linked = (await self.person.app.get("/auth/users/me"))["google"]["connected"]
        if not linked:
            answer = await self.person.link()
            assert answer.status_code == 200, answer.text

    async def create(self, title: str) -> None:
        if title not in await self.person.app.titles():
            await self.person.app.create(title, at=START)

    async def rename(self, slot_id: str, title: str) -> None:
        await self.person.app.edit({"id": slot_id}, title=title)

    async def delete(self, slot_id: str) -> None:
        answer = await self.person.app.call("DELETE", f"/slots/{slot_id}")
        assert answer.status_code in (200, 404), answer.text

    async def renew_channel(self) -> None:
        await self.person.app.post(f"/webhooks/setup/{self.person.app.user_id}")

    async def sync(self) -> None:
        await self.person.app.call("POST", "/sync/trigger")


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("moment", ["hold_before", "commit_then_hold"])
async def test_a_server_killed_at_any_call_loses_and_doubles_nothing(
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
    """Kill the server at its call number `spared` + 1; `False` when the session did not make so many."""
    async with somebody(server.url, google.url) as person:
        alive = asyncio.Event()
        alive.set()
        driver = Driver(person, alive)
        await person.google.fault(moment, skip=spared, anybody=True)
        session = asyncio.create_task(driver.session())
        held = asyncio.create_task(person.google.held_call(within_s=60))
        await asyncio.wait([session, held], return_when=asyncio.FIRST_COMPLETED)
        struck = held.done()
        if struck:
            alive.clear()
            server.process.kill()
            await person.google.release(await held)
            await asyncio.to_thread(server.start)
            alive.set()
        else:
            await person.google.no_more_faults()
            held.cancel()
        await session
        await _agree(driver)
        return struck


async def _agree(driver: Driver) -> None:
    """Nothing is lost, nothing is there twice, and nobody has anything left to do."""
    person = driver.person
    await person.agree_on("App: edited", "Google: edited")
    slots, events = await person.app.slots(), await person.google.events()
    assert {slot["google"]["event_id"] for slot in slots} == {event["id"] for event in events}
    assert {slot["sync"]["state"] for slot in slots} == {"synced"}
    assert len(await person.google.events(deleted=True)) == 4
    assert await person.app.conflicts() == []
    await person.google.check_answers()
