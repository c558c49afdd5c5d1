"""The wiring of production, over a store in memory, a simulated Google and a clock that a story moves."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from composition.assembly import Parts, assemble
from persistence.memory import MemoryStore, MemoryUnitOfWork
from sandbox import Sandbox
from services.core.slots import Schedule, SlotContent, Timed
from services.google.requests import CalendarRequests
from services.google.transport import HttpRequest, HttpResponse
from services.google_oauth import Returned
from services.settings import Settings, load_settings
from services.slot_service import SlotDraft
from services.token_vault import TokenVault
from tests.engine.google_side import EMAIL, START, Google, SandboxTransport
from tests.engine.world import ManualClock, SeededIds

ROOT = "http://google.localhost"
HOOK = "https://app.example.com/hook"


def settings() -> Settings:
    return load_settings(
        None,
        google_client_id="the-service",
        google_client_secret="a client secret of these stories only",
        google_auth_uri=f"{ROOT}/o/oauth2/v2/auth",
        google_token_uri=f"{ROOT}/token",
        google_revoke_uri=f"{ROOT}/revoke",
        google_userinfo_uri=f"{ROOT}/v1/userinfo",
        google_api_root=ROOT,
    )


class Memory(MemoryUnitOfWork):
    """A store that is always there."""

    async def ping(self) -> None:
        return


class Receivers:
    """The web, as a list of what was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.told.append(request.url)
        return HttpResponse(204)


class Replicas:
    """Processes over one store, which know of each other by nothing else."""

    def __init__(self) -> None:
        self.clock, self.ids, self.web = ManualClock(), SeededIds(7), Receivers()
        sandbox = Sandbox(now=self.clock.now, seed=7, base_url=ROOT)
        self.google = Google(sandbox)
        self._transport = SandboxTransport(sandbox)
        self._uow = Memory(MemoryStore())
        self._box = TokenVault.from_secrets("a secret of these stories", ids=self.ids)

    def another(self, requests: CalendarRequests | None = None) -> Parts:
        return assemble(
            settings(),
            uow=self._uow,
            database=self._uow,
            clock=self.clock,
            ids=self.ids,
            box=self._box,
            transport=self._transport,
            web=self.web,
            requests=requests,
        )


async def linked(parts: Parts, google: Google) -> Any:
    """A user who came back from Google's consent page."""
    user, _ = await parts.container.users.register(EMAIL, None, email_proven=True)
    flow = await parts.container.oauth.start_here(user.id)
    consent = google.call("POST", "/consent", {"url": flow.google_url, "account": EMAIL})
    back = {name: values[-1] for name, values in parse_qs(urlsplit(consent["location"]).query).items()}
    given = {name: back.get(name) for name in ("state", "code", "error", "scope")}
    await parts.container.oauth.finish(Returned(**given, browser_secret=flow.browser_secret))
    await parts.container.connections.connected(user.id)
    return user.id


def test_wiring_needs_no_event_loop_and_touches_nobody() -> None:
    replicas = Replicas()
    before = replicas.google.call("GET", "/state")
    parts = replicas.another()
    assert {tick.name for tick in parts.ticks} > {"renew channels", "look for due calendars"}
    assert replicas.google.call("GET", "/state") == before
    assert replicas.web.told == []


async def test_what_one_replica_is_told_another_brings_to_google_and_to_receivers() -> None:
    replicas, client = Replicas(), CalendarRequests.load(ROOT)
    one, two = replicas.another(client), replicas.another(client)
    user_id = await linked(one, replicas.google)
    await one.container.subscriptions.create(user_id, HOOK, "")
    span = Timed(START, START + timedelta(hours=1), "UTC")
    await one.container.slots.create(user_id, SlotDraft(SlotContent("Talk", Schedule(span))))

    while (claim := await two.engine.claim()) is not None:
        await two.engine.run(claim)
    while (claimed := await two.delivery.claim()) is not None:
        await two.delivery.run(claimed)

    assert [event["summary"] for event in replicas.google.events()] == ["Talk"]
    assert set(replicas.web.told) == {HOOK}


async def test_nothing_is_ready_that_was_not_started() -> None:
    parts = Replicas().another()
    assert await parts.readiness.check() == {"scheduler": "is not running", "worker": "is not running"}


async def test_every_tick_finds_nothing_to_do_in_an_empty_store() -> None:
    parts = Replicas().another()
    for tick in parts.ticks:
        await tick.run()
    async with asyncio.timeout(5):
        await parts.signals.wait_until_due(60)  # As the last of them asks for.
