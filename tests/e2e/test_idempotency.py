"""One key from many connections, at two processes of the service that share a database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.e2e.google import START
from tests.e2e.world import somebody

if TYPE_CHECKING:
    from tests.e2e.conftest import Machines
    from tests.e2e.servers import GoogleServer

SLOT = {"title": "Once", "start": START.isoformat(), "end": START.isoformat(), "timezone": "UTC"}


async def test_one_key_from_twenty_connections_makes_one_slot(
    machines: Machines, shared_google: GoogleServer, database_url: str
) -> None:
    one, two = (machines.server(database_url, shared_google) for _ in range(2))
    async with somebody(one.url, shared_google.url) as person:
        at = (person.app, person.app.at(two.url))
        answers = await asyncio.gather(
            *(
                at[number % 2].call("POST", "/slots", json=SLOT, headers={"Idempotency-Key": "once"})
                for number in range(20)
            )
        )
        assert {each.status_code for each in answers} == {201}, [each.text for each in answers]
        assert len({each.content for each in answers}) == 1
        assert sum("idempotency-replayed" not in each.headers for each in answers) == 1
        assert await person.app.titles() == ["Once"]
