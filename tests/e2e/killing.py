"""The server is killed at one call after the other that it makes to Google."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.e2e.conftest import Machines
    from tests.e2e.servers import GoogleServer, Server

PARTS = 2
"""The calls are dealt out to so many tests, so that these can run side by side."""


async def killed_at_each(
    machines: Machines,
    database_url: str,
    killed_at: Callable[[Server, GoogleServer, int], Awaitable[bool]],
    *,
    first: int,
    step: int,
    at_least: int,
) -> None:
    """One story after the other, each killed some calls later than the last, until one has no such call.

    Args:
        machines: Where the processes run.
        database_url: Of the server.
        killed_at: Kills the server once so many calls were spared; `False` when there is no such call.
        first: How many calls the first story spares.
        step: How many more each further one does.
        at_least: How many calls the story makes when nothing goes wrong.
    """
    google = machines.google()
    server = machines.server(database_url, google, SYNC_LEASE_SECONDS="2", WORKER_POLL_SECONDS="0.5")
    spared = first
    while await killed_at(server, google, spared):
        spared += step
    assert spared >= at_least
