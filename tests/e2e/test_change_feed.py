"""Readers of the change feed beside many writers, at two processes over each database."""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx

from services.system import SystemClock
from tests.e2e.storm import THE_END, Copy, Storm
from tests.e2e.world import client, somebody

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.e2e.conftest import Machines
    from tests.e2e.world import Person

WRITERS, POLLERS, LISTENERS = 32, 4, 4
EDITS_EACH = 4
SECONDS = os.environ.get("FEED_STORM_SECONDS")
"""How long the writers go on; `None`: until each has made its edits. `make storm` sets it."""
PATIENCE_S = 60 if SECONDS is None else 300
"""A minute of writing is several minutes of what Google lets one user write (600 units each minute)."""


async def weather(ada: Person, urls: list[str], goes_on: Callable[[int], bool]) -> tuple[Storm, list[Copy]]:
    """Let everybody write and read; returns what the readers have when all is at rest."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=60, trust_env=False, limits=limits) as http:
        storm = Storm(http, [ada.app.at(url) for url in urls], random.Random(7))
        async with asyncio.TaskGroup() as people:
            readers = [people.create_task(storm.poll()) for _ in range(POLLERS)]
            readers += [people.create_task(storm.listen()) for _ in range(LISTENERS)]
            async with asyncio.TaskGroup() as writing:
                for number in range(WRITERS):
                    writing.create_task(storm.write(f"Writer {number}", goes_on))
            await ada.app.comes_to_rest(within_s=PATIENCE_S)
            await ada.app.create(THE_END, wait=True)
            await storm.tell_until(readers)
    return storm, [each.result() for each in readers]


async def test_whoever_applies_what_the_feed_tells_has_what_the_service_has(
    request: pytest.FixtureRequest, machines: Machines, database_url: str
) -> None:
    google = machines.google()
    servers = [machines.server(database_url, google, RATE_LIMIT_PER_MINUTE="0") for _ in range(2)]
    async with somebody(servers[0].url, google.url) as ada:
        await ada.connect()
        urls = [each.url for each in servers]
        storm, copies = await weather(ada, urls, until_it_is_over())
        assert storm.edits >= WRITERS * EDITS_EACH
        await agrees(ada, copies)
        told = (
            f"{storm.edits} edits by {WRITERS} writers at {len(urls)} processes, {len(copies[0].slots)} "
            f"slots up to number {max(copy.seq for copy in copies)}; {len(copies)} readers have what the "
            f"service has, after {sum(copy.cuts for copy in copies)} cuts"
        )
        # Shown by `make storm`.
        request.node.add_report_section("call", "storm", told)


def until_it_is_over() -> Callable[[int], bool]:
    """Whether a writer who has done so many edits goes on."""
    if SECONDS is None:
        return lambda done: done < EDITS_EACH
    clock = SystemClock()
    end = clock.monotonic() + float(SECONDS)
    return lambda _: clock.monotonic() < end


async def agrees(ada: Person, copies: list[Copy]) -> None:
    has = {each["id"]: each for each in await ada.app.slots()}
    for copy in copies:
        assert copy.slots == has
        assert copy.cuts > 0


async def test_open_streams_do_not_keep_a_service_from_stopping(machines: Machines, sqlite_url: str) -> None:
    google = machines.google()
    server = machines.server(sqlite_url, google)
    async with somebody(server.url, google.url) as ada, client() as http:
        headers = {"authorization": f"Bearer {ada.app.key}"}
        async with http.stream("GET", f"{server.url}/slots/stream", headers=headers) as answer:
            lines: Any = answer.aiter_lines()
            async with aclosing(lines):
                assert await anext(lines) == "retry: 2000"
                server.process.tell_to_stop()
                # To its end, and not cut off.
                assert [line async for line in lines if line] == ["id: 0"]
        assert server.process.stopped(within_s=30) in (0, -15)
        assert "graceful shutdown exceeded" not in server.process.output()
