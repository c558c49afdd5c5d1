"""A person with an account in the service and a calendar at Google."""

from __future__ import annotations

import itertools
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from tests.e2e.app import App
from tests.e2e.browser import Browser
from tests.e2e.google import Google

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_BARE = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Everything here is plain http on this machine; loading certificates for each client would take long."""
_numbers = itertools.count(1)


def client() -> httpx.AsyncClient:
    """An HTTP client that keeps cookies and follows no redirect by itself."""
    return httpx.AsyncClient(timeout=60, trust_env=False, verify=_BARE)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, in the service and at Google."""

    app: App
    google: Google
    browser: Browser

    async def link(self, *, decision: str = "allow") -> httpx.Response:
        """Walk through the consent page; returns what the service says at the end."""
        url = (await self.app.get("/auth/google/authorize"))["authorization_url"]
        return await self.browser.consent(url, account=self.google.email, decision=decision)

    async def connect(self) -> dict[str, Any]:
        """Link the account, and see the first sync and the webhook channel through."""
        answer = await self.link()
        assert answer.status_code == 200, answer.text
        body = dict(answer.json())
        assert body["status"] == "connected"
        assert body["google_email"] == self.google.email
        await self.app.calendar_becomes(lambda seen: seen["state"] == "idle" and seen["webhook"]["active"])
        await self.come_to_rest()
        return body

    async def come_to_rest(self) -> None:
        """Nothing is under way on either side or between them."""
        await self.google.has_told_everything(self.app.user_id)
        await self.app.comes_to_rest()

    async def agree_on(self, *titles: str) -> None:
        """Both sides have exactly these, and rest."""
        await self.come_to_rest()
        assert await self.app.titles() == sorted(titles)
        assert await self.google.titles() == sorted(titles)

    async def edit_unnoticed(self, event_id: str, **changes: Any) -> None:
        """A change in Google of which the service is not told."""
        await self.come_to_rest()
        await self.google.lose_notifications()
        await self.google.edit(event_id, **changes)

    async def delete_unnoticed(self, event_id: str) -> None:
        """A deletion in Google of which the service is not told."""
        await self.edit_unnoticed(event_id, status="cancelled")


@asynccontextmanager
async def somebody(
    server_url: str,
    google_url: str,
    name: str = "ada",
    *,
    via: Callable[[], httpx.AsyncClient] = client,
) -> AsyncIterator[Person]:
    """A new person: registered with the service, known to Google, not linked yet."""
    email = f"{name}-{next(_numbers)}@example.com"
    async with via() as http, via() as browsing:
        google = Google(http, google_url, email)
        await google.open()
        answer = await http.post(f"{server_url}/auth/users", json={"email": email, "name": name})
        assert answer.status_code == 201, answer.text
        user = answer.json()
        yield Person(App(http, server_url, user["api_key"], user["id"]), google, Browser(browsing))
