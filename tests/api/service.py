"""The whole service in this process, as a client and as a browser meet it."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from api.application import create_app
from composition.running import running
from sandbox import Request, Sandbox
from sandbox.asgi import Face
from services.google.transport import AsgiTransport
from services.settings import load_settings
from services.system import SystemClock, SystemIds
from tests.api.documented import Documented
from tests.google.world import NoNetwork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fastapi import FastAPI

    from composition.assembly import Parts
    from services.core.ports import Clock

ORIGIN = "http://localhost:8000"
NAVIGATION = {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-site": "none"}
"""What a browser sends when a person goes somewhere."""
ADMIN_KEY = "the administrator's key in these stories"
SLOT = {
    "title": "Review",
    "start": "2026-07-01T10:00:00+02:00",
    "end": "2026-07-01T11:00:00+02:00",
    "timezone": "Europe/Paris",
}


@dataclass
class Person:
    """A user with a key."""

    http: httpx.AsyncClient
    id: str
    email: str
    key: str

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("POST", path, **options)

    async def put(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("DELETE", path, **options)

    async def create(self, **fields: Any) -> dict[str, Any]:
        answer = await self.post("/slots", json={**SLOT, **fields})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def titles(self, **query: Any) -> list[str]:
        answer = await self.get("/slots", params=query)
        assert answer.status_code == 200, answer.text
        return [each["title"] for each in answer.json()["items"]]


@dataclass
class Service:
    """The running application."""

    app: FastAPI
    http: httpx.AsyncClient
    parts: Parts

    async def register(self, email: str = "ada@example.com", name: str | None = None) -> Person:
        answer = await self.http.post("/auth/users", json={"email": email, "name": name})
        assert answer.status_code == 201, answer.text
        return Person(self.http, answer.json()["id"], email, answer.json()["api_key"])

    def administrator(self) -> Person:
        return Person(self.http, "", "", ADMIN_KEY)

    async def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        """Arrange Google's side."""
        answer = await self.http.request(method, f"/sandbox/_control{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def consent(self, person: Person, *, return_to: str | None = None, **choice: Any) -> httpx.Response:
        """A person links a Google account; returns what the callback answers."""
        asked = {"return_to": return_to} if return_to else {}
        answer = await person.get("/auth/google/authorize", params=asked)
        opened = await self.http.get(answer.json()["authorization_url"])
        await self.sandbox("POST", "/accounts", {"email": person.email})
        decision = {"url": opened.headers["location"], "account": person.email, **choice}
        back = await self.sandbox("POST", "/consent", decision)
        return await self.http.get(back["location"])

    async def sign_in(self, account: str, *, return_to: str | None = None, **choice: Any) -> httpx.Response:
        """A person without a key goes to the service with a browser; what the callback answers."""
        asked = {"return_to": return_to} if return_to else {}
        opened = await self.http.get("/auth/google/authorize", params=asked, headers=NAVIGATION)
        assert opened.status_code == 302, opened.text
        await self.sandbox("POST", "/accounts", {"email": account})
        decision = {"url": opened.headers["location"], "account": account, **choice}
        return await self.http.get((await self.sandbox("POST", "/consent", decision))["location"])

    async def connect(self, person: Person) -> None:
        answer = await self.consent(person)
        assert answer.status_code == 200, answer.text


class LaterClock(SystemClock):
    """The time, or later when it is told so."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self._ahead

    def advance(self, by: timedelta) -> None:
        self._ahead += by


PUBLIC_ORIGIN = "https://calendar.example.com"
_GOOGLE = "http://google.localhost"


@dataclass
class PublicService(Service):
    """The same as others reach it over the internet, with a Google of its own beside it."""

    google: Sandbox

    async def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.google.handle(Request(method, f"/_control{path}", {}, json.dumps(body).encode()))
        assert answer.status == 200, answer.body
        return answer.json()


@asynccontextmanager
async def public_service(database_url: str, **settings: Any) -> AsyncIterator[PublicService]:
    """The service at a public address."""
    values = {
        "public_base_url": PUBLIC_ORIGIN,
        "secret_key": "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
        "google_client_id": "the-service",
        "google_client_secret": "a client secret of these stories only",
        "google_auth_uri": f"{_GOOGLE}/o/oauth2/v2/auth",
        "google_token_uri": f"{_GOOGLE}/token",
        "google_revoke_uri": f"{_GOOGLE}/revoke",
        "google_userinfo_uri": f"{_GOOGLE}/v1/userinfo",
        "google_api_root": _GOOGLE,
        **settings,
    }
    app = create_app(lambda _: None)  # type: ignore[arg-type, return-value]  # the lifespan is driven below
    loaded = load_settings(None, database_url=database_url, admin_api_key=ADMIN_KEY, **values)
    clock = SystemClock()
    google = Sandbox(now=clock.now, seed=7, base_url=_GOOGLE)
    inner = AsgiTransport(Face(google), prefix=_GOOGLE, fallback=NoNetwork())
    async with running(app, loaded, clock=clock, ids=SystemIds(), transport=inner) as parts:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_ORIGIN) as http:
            yield PublicService(app, http, parts, google)


@asynccontextmanager
async def running_service(
    database_url: str, clock: Clock | None = None, /, **settings: Any
) -> AsyncIterator[Service]:
    """The service over a migrated database; `settings` override its defaults."""
    values = {"secret_key": "a secret key for these stories only", "admin_api_key": ADMIN_KEY, **settings}
    # All users of these stories ask from one address, and quicker than people do.
    values.setdefault("rate_limit_per_minute", 0)
    app = create_app(lambda _: None)  # type: ignore[arg-type, return-value]  # the lifespan is driven below
    loaded = load_settings(None, database_url=database_url, **values)
    async with running(app, loaded, ids=SystemIds(), clock=clock) as parts:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        hooks: dict[str, list[Callable[..., Any]]] = {"response": [Documented(app)]}
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, event_hooks=hooks) as http:
            yield Service(app, http, parts)


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem document, which must be this one."""
    body = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"https://calendar-sync.example/problems/{slug}", body
    assert body["status"] == status
    assert body["instance"] == answer.headers["x-request-id"]
    return dict(body)


def refused(answer: httpx.Response, pointer: str) -> str:
    """The detail of a validation problem at this pointer."""
    errors = problem(answer, 422, "validation-failed")["errors"]
    assert [each["pointer"] for each in errors] == [pointer], errors
    return str(errors[0]["detail"])
