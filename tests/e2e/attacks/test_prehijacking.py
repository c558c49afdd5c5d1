"""Whoever registers somebody else's address first gets nothing once its owner links the Google account."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.e2e.app import App, problem_of
from tests.e2e.attacks.flows import decided, ticket_url, to_google
from tests.e2e.browser import Browser
from tests.e2e.public import HOST, PUBLIC_URL, public_client
from tests.e2e.servers import ADMIN_KEY
from tests.e2e.world import Person, somebody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.e2e.servers import GoogleServer, Server

HOOK = "https://attacker.example/hook"
SLOT = {"title": "Mine", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T11:00:00Z"}


@asynccontextmanager
async def registered(server: Server, google: GoogleServer) -> AsyncIterator[tuple[Person, Browser]]:
    """An address, in the hands of who registered it first, and the browser of its owner."""
    via = partial(public_client, server)
    async with somebody(PUBLIC_URL, google.url, "victim", via=via) as attacker, via() as http:
        yield attacker, Browser(http)


async def owner_links(attacker: Person, owner: Browser) -> dict[str, object]:
    """The owner follows a link that the attacker sent, and consents with the account of that address."""
    answer = await owner.consent(await ticket_url(attacker), account=attacker.google.email)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_prehijacking_leaves_no_credential_to_who_came_first(
    public_service: Server, shared_google: GoogleServer
) -> None:
    async with registered(public_service, shared_google) as (attacker, owner):
        app = attacker.app
        spare = await app.post("/auth/keys", {"name": "spare"}, status=201)
        feed = (await app.post("/slots/feed", status=201))["url"]
        hook = await app.post("/webhooks/subscriptions", {"url": HOOK}, status=201)
        tickets = [await ticket_url(attacker) for _ in range(2)]
        opened = await decided(attacker.google, await to_google(attacker.browser, tickets.pop()))

        linked = await owner_links(attacker, owner)
        assert linked["earlier_credentials_ended"]
        assert linked["user_id"] == app.user_id

        for key in (app.key, spare["api_key"]):
            problem_of(
                await App(app._http, PUBLIC_URL, key, "").call("GET", "/slots"), 401, "unauthenticated"
            )
        problem_of(await app._http.get(feed), 404, "not-found")
        for left_open in (*tickets, opened):
            problem_of(await attacker.browser.go(left_open), 400, "oauth-state-invalid")
        assert attacker.browser.cookies.keys() <= {"__Host-google-flow"}
        # What changes from now on is told to nobody but the owner.
        for path in ("/webhooks/subscriptions", "/auth/keys"):
            answer = await owner.fetch("GET", f"{PUBLIC_URL}{path}", page=PUBLIC_URL)
            assert answer.json()["items"] == [], path
        gone = await owner.fetch("GET", f"{PUBLIC_URL}/webhooks/subscriptions/{hook['id']}", page=PUBLIC_URL)
        problem_of(gone, 404, "not-found")
        assert not (await owner.fetch("GET", f"{PUBLIC_URL}/slots/feed", page=PUBLIC_URL)).json()["active"]


async def test_prehijacking_by_a_stream_that_stays_open(
    public_service: Server, shared_google: GoogleServer
) -> None:
    async with registered(public_service, shared_google) as (attacker, owner):
        headers = {"authorization": f"Bearer {attacker.app.key}"}
        request = attacker.app._http.build_request("GET", f"{PUBLIC_URL}/slots/stream", headers=headers)
        async with AsyncExitStack() as stack:
            stream = await attacker.app._http.send(request, stream=True)
            stack.push_async_callback(stream.aclose)
            lines = stream.aiter_lines()
            assert (await anext(lines)).startswith("retry:")
            await owner_links(attacker, owner)
            made = await owner.fetch("POST", f"{PUBLIC_URL}/slots", page=PUBLIC_URL, body=SLOT)
            assert made.status_code == 201, made.text
            async with asyncio.timeout(30):
                rest = [line async for line in lines]
        assert "Mine" not in "\n".join(rest)


async def test_the_owner_goes_on_and_loses_nothing_by_linking_again(
    public_service: Server, shared_google: GoogleServer
) -> None:
    async with registered(public_service, shared_google) as (attacker, owner):
        await owner_links(attacker, owner)
        made = await owner.fetch("POST", f"{PUBLIC_URL}/auth/keys", page=PUBLIC_URL, body={"name": "mine"})
        app = App(attacker.app._http, PUBLIC_URL, made.json()["api_key"], attacker.app.user_id)
        await app.post("/webhooks/subscriptions", {"url": "https://app.example.com/hook"}, status=201)
        await app.create("Mine", wait=True)
        again = Person(app, attacker.google, owner)
        assert not (await owner_links(again, owner))["earlier_credentials_ended"]
        assert await app.titles() == ["Mine"]
        assert len((await app.get("/webhooks/subscriptions"))["items"]) == 1


async def test_who_the_administrator_registered_keeps_the_key(
    public_service: Server, shared_google: GoogleServer
) -> None:
    async with registered(public_service, shared_google) as (other, browser):
        email = f"school-{urlsplit(public_service.url).port}-{HOST}@example.com"
        administrator = App(other.app._http, PUBLIC_URL, ADMIN_KEY, "")
        made = await administrator.post("/auth/users", {"email": email}, status=201)
        await other.google.control("POST", "/accounts", {"email": email})
        pupil = App(other.app._http, PUBLIC_URL, made["api_key"], made["id"])
        url = (await pupil.get("/auth/google/authorize"))["authorization_url"]
        linked = await browser.consent(url, account=email)
        assert not linked.json()["earlier_credentials_ended"]
        assert await pupil.slots() == []
