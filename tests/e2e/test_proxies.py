"""Whose word counts for the address of a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.app import problem_of
from tests.e2e.world import client

if TYPE_CHECKING:
    from tests.e2e.conftest import Machines

LIMIT = 4


async def test_nobody_is_believed_who_forwards_unless_the_settings_say_so(machines: Machines):
    server = machines.server(None, None, RATE_LIMIT_PER_MINUTE=str(LIMIT))
    async with client() as http:
        for number in range(LIMIT):
            forwarded = {"x-forwarded-for": f"203.0.113.{number}", "x-forwarded-proto": "https"}
            assert (await http.get(f"{server.url}/openapi.json", headers=forwarded)).status_code == 200
        answer = await http.get(f"{server.url}/openapi.json", headers={"x-forwarded-for": "203.0.113.99"})
        problem_of(answer, 429, "too-many-requests")


async def test_behind_a_trusted_proxy_each_client_counts_for_itself(machines: Machines):
    server = machines.server(None, None, RATE_LIMIT_PER_MINUTE=str(LIMIT), TRUSTED_PROXIES="127.0.0.0/8")
    async with client() as http:

        async def ask(forwarded: str) -> int:
            headers = {"x-forwarded-for": forwarded}
            return (await http.get(f"{server.url}/openapi.json", headers=headers)).status_code

        assert [await ask("203.0.113.1") for _ in range(LIMIT + 1)] == [200] * LIMIT + [429]
        assert await ask("203.0.113.2") == 200
        # What a client writes into the header itself stands before what the proxy adds.
        assert await ask("198.51.100.9, 203.0.113.1") == 429
