"""No secret that passes through the service stands in its output, at the level that tells most."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from tests.e2e.app import problem_of
from tests.e2e.servers import ADMIN_KEY
from tests.e2e.world import client, somebody

if TYPE_CHECKING:
    from tests.e2e.conftest import Machines
    from tests.e2e.servers import GoogleServer

CLIENT_SECRET = "canary-client-secret-8d1f0c5e"
SECRET_KEY = "canary-secret-key-4b7a9e2d6c31f805"
GOOGLES = re.compile(r"ya29\.\S{6}|1//0\S{6}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}")
"""Access, refresh and ID tokens, which go between the service and Google only."""


class Overheard:
    """Everything that a client's wire carries which must not be written down."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}

    def note(self, name: str, secret: str) -> None:
        assert len(secret) >= 16, name
        self.secrets[name] = secret

    async def answered(self, answer: httpx.Response) -> None:
        for name, value in answer.cookies.items():
            if value:
                self.note(f"cookie {name}", value)
        for url in (str(answer.request.url), answer.headers.get("location", "")):
            asked = parse_qs(urlsplit(url).query)
            for name in ("state", "code", "ticket", "code_challenge", "nonce"):
                if name in asked:
                    self.note(name, asked[name][0])


@pytest.mark.parametrize("style", ["json", "text"])
async def test_no_secret_stands_in_the_log_of_a_service_that_logs_everything(
    machines: Machines, shared_google: GoogleServer, database_url: str, style: str
) -> None:
    google = shared_google
    server = machines.server(
        database_url, google, LOG_LEVEL="DEBUG", LOG_FORMAT=style,
        GOOGLE_CLIENT_SECRET=CLIENT_SECRET, SECRET_KEY=SECRET_KEY,
    )  # fmt: skip
    # Lines that are no JSON are what this style is about.
    machines.expected = "" if style == "text" else None
    overheard = Overheard()
    for name, secret in (
        ("client", CLIENT_SECRET),
        ("key at rest", SECRET_KEY),
        ("administrator", ADMIN_KEY),
    ):
        overheard.note(name, secret)
    async with somebody(server.url, google.url) as ada:
        overheard.note("api key", ada.app.key)
        ada.browser._http.event_hooks["response"].append(overheard.answered)
        await ada.connect()
        slot = await ada.app.create("Canary", wait=True)
        await ada.app.sync()
        key = await ada.app.post("/auth/keys", {"name": "another"}, status=201)
        overheard.note("another key", key["api_key"])
        feed = (await ada.app.post("/slots/feed", status=201))["url"]
        overheard.note("feed key", parse_qs(urlsplit(feed).query)["key"][0])
        hook = {"url": "http://127.0.0.1:9/hook?token=canary-in-the-address-of-a-hook"}
        made = await ada.app.post("/webhooks/subscriptions", hook, status=201)
        overheard.note("webhook secret", made["secret"])
        overheard.note("webhook address", "canary-in-the-address-of-a-hook")
        tested = await ada.app.post(f"/webhooks/subscriptions/{made['id']}/test")
        assert not tested["succeeded"]
        [channel] = await ada.google.channels()
        overheard.note("channel token", channel["token"])
        await _provoke(
            server.url,
            key=ada.app.key,
            feed=feed,
            channel=channel,
            secrets=overheard.secrets,
            slot_id=slot["id"],
        )
        await ada.app.post("/auth/google/disconnect")
        await ada.app.call("DELETE", "/auth/users/me")

    assert {"cookie google-flow", "cookie session", "state", "code", "ticket"} <= set(overheard.secrets)
    said = "\n".join([*server.process.said, *server.process.lines])
    assert "debug" in said
    told = {
        name
        for name, secret in overheard.secrets.items()
        for form in (secret, quote(secret, safe=""), secret[-24:])
        if form in said
    }
    assert told == set()
    assert GOOGLES.findall(said) == []


async def _provoke(
    url: str, *, key: str, feed: str, channel: dict[str, Any], secrets: dict[str, str], slot_id: str
) -> None:
    """What goes wrong is what services like to write down: each secret in a place where it is refused."""
    async with client() as http:
        genuine = {
            "x-goog-channel-id": channel["id"],
            "x-goog-channel-token": channel["token"],
            "x-goog-resource-id": channel["resource_id"],
            "x-goog-resource-state": "exists",
        }
        hook = f"{url}/webhooks/google-calendar"
        assert (await http.post(hook, headers=genuine)).status_code == 204
        problem_of(await http.post(hook, headers={**genuine, "x-goog-channel-id": "x"}), 404, "not-found")
        assert (await http.get(feed)).status_code == 200
        problem_of(await http.get(f"{feed}x"), 404, "not-found")
        replayed = {"state": secrets["state"], "code": secrets["code"]}
        assert (await http.get(f"{url}/auth/google/callback", params=replayed)).status_code == 400
        again = await http.get(f"{url}/auth/google/authorize", params={"ticket": secrets["ticket"]})
        assert again.status_code == 400
        for secret in secrets.values():
            for header in (f"Bearer {secret}x", f"Basic {secret}", secret):
                answer = await http.get(f"{url}/slots", headers={"authorization": header})
                assert answer.status_code in (200, 401, 403)
            bearer = {"authorization": f"Bearer {key}"}
            await http.get(f"{url}/slots/{slot_id}", headers=bearer, params={"instance": secret[:40]})
            await http.get(f"{url}/slots", headers=bearer, params={"cursor": secret, "q": secret})
            await http.post(f"{url}/slots", headers=bearer, json={"title": 1, "api_key": secret})
            await http.get(f"{url}/{quote(secret, safe='')}", headers={"cookie": f"session={secret}"})
        with suppress(httpx.HTTPError):
            await http.get(f"{url}/slots", headers={"x-request-id": f"id {key}", "host": key})
