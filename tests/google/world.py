"""Our side and Google's, wired together in one process."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import orjson

from sandbox import Request, Sandbox
from sandbox.asgi import Face
from services.calendar_service import CalendarService
from services.core.accounts import AccountStatus, GoogleAccount, User
from services.core.calendars import CalendarSync
from services.core.slots import AllDay, Schedule, SlotContent, Timed
from services.google.oauth_endpoints import OAuthConfig, OAuthEndpoints
from services.google.quota import NoPacing
from services.google.transport import (
    AsgiTransport,
    GuardedTransport,
    HttpRequest,
    HttpResponse,
    Transport,
)
from services.google_oauth import GoogleOAuth
from services.token_service import REFRESH_TOKEN, TokenService
from services.token_vault import TokenVault
from tests.google.storage import Storage

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
EMAIL = "ada@example.com"
CLIENT_ID = "client.apps.example.com"
REDIRECT_URI = "http://localhost:8000/auth/google/callback"
ROOT = "http://google.localhost"
CALENDAR_SCOPES = "openid email https://www.googleapis.com/auth/calendar.events"


class ManualClock:
    """Time that moves when it is told to, or when somebody sleeps."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - NOW).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(timedelta(seconds=seconds))

    def advance(self, by: timedelta) -> None:
        self._now += by


class CountingIds:
    """Ids and secrets in a row, the same in each run."""

    def __init__(self) -> None:
        self._count = 0

    def uuid(self) -> UUID:
        self._count += 1
        return UUID(int=self._count)

    def secret(self, nbytes: int = 32) -> str:
        self._count += 1
        return hashlib.sha256(f"secret {self._count}".encode()).hexdigest()[: 2 * nbytes]

    def jitter(self) -> float:
        return 0.5


class NoNetwork:
    """Where in-process requests go that nobody in process answers: nowhere."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        raise AssertionError(f"a request for the network: {request.method} {request.url}")


@dataclass
class Recording:
    """Remembers what passes."""

    inner: Transport
    requests: list[HttpRequest] = field(default_factory=list)

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return await self.inner.send(request)

    def sent(self, method: str) -> list[HttpRequest]:
        return [each for each in self.requests if each.method == method]

    def last_body(self, method: str) -> Any:
        return orjson.loads(self.sent(method)[-1].body)


class World:
    """Everything, with one user whose account can be linked."""

    def __init__(self, *, root: str = ROOT, transport: Transport | None = None, pacer: Any = None) -> None:
        self.clock, self.ids, self.storage = ManualClock(), CountingIds(), Storage()
        self.sandbox = Sandbox(now=self.clock.now, seed=7, base_url=root)
        self.wire = Recording(
            transport or AsgiTransport(Face(self.sandbox), prefix=root, fallback=NoNetwork())
        )
        self.transport = GuardedTransport(self.wire)
        self.box = TokenVault.from_secrets("a secret of tests", ids=self.ids)
        self.config = OAuthConfig(
            client_id=CLIENT_ID,
            client_secret="the client's secret",
            redirect_uri=REDIRECT_URI,
            public_base_url="http://localhost:8000",
            auth_uri=f"{root}/o/oauth2/v2/auth",
            token_uri=f"{root}/token",
            revoke_uri=f"{root}/revoke",
            userinfo_uri=f"{root}/v1/userinfo",
        )
        self.endpoints = OAuthEndpoints(transport=self.transport, clock=self.clock, config=self.config)
        self.tokens = TokenService(
            uow=self.storage.uow, endpoints=self.endpoints, clock=self.clock, box=self.box
        )
        self.calendars = CalendarService(
            transport=self.transport,
            tokens=self.tokens,
            clock=self.clock,
            pacer=pacer or NoPacing(),
            api_root=root,
        )
        self.oauth = self.oauth_with(self.config)
        self.user_id = self.add_user(EMAIL)
        self.control("POST", "/accounts", {"email": EMAIL})

    def oauth_with(self, config: OAuthConfig) -> GoogleOAuth:
        return GoogleOAuth(
            uow=self.storage.uow,
            endpoints=OAuthEndpoints(transport=self.transport, clock=self.clock, config=config),
            tokens=self.tokens,
            clock=self.clock,
            ids=self.ids,
            box=self.box,
            config=config,
        )

    def add_user(self, email: str) -> UUID:
        user_id = self.ids.uuid()
        self.storage.users[user_id] = User(user_id, email, None, NOW)
        self.storage.add_calendar(user_id, CalendarSync(user_id=user_id, calendar_id="primary"))
        return user_id

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Arrange Google's side."""
        raw = b"" if body is None else orjson.dumps(body)
        answer = self.sandbox.handle(Request(method, f"/_control{path}", {}, raw))
        assert answer.status == 200, answer.body
        return answer.json()

    def fault(self, action: dict[str, Any], **rule: Any) -> None:
        self.control("POST", "/faults", {"action": action, **rule})

    async def held(self) -> str:
        """The id of the call that Google holds, once it does."""
        holding = asyncio.Event()
        stop_listening = self.sandbox.on_change(holding.set)
        try:
            while not (holds := self.control("GET", "/holds")["holds"]):
                holding.clear()
                await holding.wait()
        finally:
            stop_listening()
        return str(holds[0]["id"])

    def google_event(self, event_id: str, calendar: str = "primary") -> Any:
        return self.control("GET", f"/calendars/{EMAIL}/{calendar}/events/{event_id}")

    def put_event(self, fields: dict[str, Any], calendar: str = "primary") -> Any:
        return self.control("POST", f"/calendars/{EMAIL}/{calendar}/events", fields)

    def served(self, path: str) -> list[dict[str, Any]]:
        """What Google was asked at a path."""
        log = self.control("GET", "/requests")["requests"]
        return [each for each in log if each["path"] == path]

    def link(self, scope: str = CALENDAR_SCOPES) -> GoogleAccount:
        """An account as if it had been linked."""
        granted = self.control("POST", "/tokens", {"account": EMAIL, "client_id": CLIENT_ID, "scope": scope})
        sealed = self.box.seal(granted["refresh_token"], purpose=REFRESH_TOKEN, user_id=self.user_id)
        known = self.storage.accounts.get(self.user_id)
        account = GoogleAccount(
            user_id=self.user_id,
            subject=self.subject(EMAIL),
            email=EMAIL,
            scopes=tuple(scope.split()),
            status=AccountStatus.CONNECTED,
            refresh_token=sealed,
            linked_at=NOW,
            version=known.version + 1 if known else 1,
        )
        self.storage.accounts[self.user_id] = account
        return account

    def subject(self, email: str) -> str:
        accounts = self.control("GET", "/state")["accounts"]
        return str(next(each["sub"] for each in accounts if each["email"] == email))

    def consent(self, google_url: str, account: str = EMAIL, **choice: Any) -> dict[str, str]:
        """A person on Google's page; returns the query that the browser comes back with."""
        body = {"url": google_url, "account": account, **choice}
        location = self.control("POST", "/consent", body)["location"]
        assert location.startswith(REDIRECT_URI)
        return query_of(location)

    def account(self) -> GoogleAccount:
        stored = self.storage.accounts[self.user_id]
        assert isinstance(stored, GoogleAccount)
        return stored


def query_of(url: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}


def timed(title: str = "Standup", *, zone: str = "Europe/Paris", hour: int = 9) -> SlotContent:
    start = datetime(2026, 11, 23, hour, tzinfo=UTC)
    return SlotContent(title, Schedule(Timed(start, start + timedelta(minutes=30), zone)))


def all_day(title: str = "Holiday") -> SlotContent:
    return SlotContent(title, Schedule(AllDay(date(2026, 11, 23), date(2026, 11, 25))))
