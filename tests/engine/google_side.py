"""Google in the same process: the way there, what a person does in it, and the keys to it."""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import orjson

from sandbox import Request
from services.core.accounts import AccountStatus
from services.core.errors import GoogleNotConnectedError, ReauthorisationRequiredError
from services.google.transport import HttpRequest, HttpResponse, no_answer
from tests.sandbox.discovery_schema import check

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from sandbox import Sandbox
    from services.core.storage import UnitOfWork

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
GOOGLE = "http://google.test"
EMAIL = "ada@example.com"


class SandboxTransport:
    """Hands requests to the simulator in process; a hook may act between commit and answer."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.before: Callable[[HttpRequest], Awaitable[None]] | None = None
        self.after: Callable[[HttpRequest], Awaitable[None]] | None = None
        self.answered: Callable[[HttpRequest, HttpResponse], HttpResponse] | None = None
        """May put another answer in the place of one."""
        self.page_size = 2500
        """Events per page of a listing, whatever is asked for."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        request = replace(request, url=request.url.replace("maxResults=2500", f"maxResults={self.page_size}"))
        await asyncio.sleep(0)  # noqa: TID251  # a process may die before the call, and after it
        if self.before is not None:
            await self.before(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._sandbox.handle(Request(request.method, request.url, headers, request.body))
        await asyncio.sleep(0)  # noqa: TID251
        if self.after is not None:
            await self.after(request)
        if answer.fault.drop or answer.fault.truncate:
            raise no_answer("connection-lost")
        if answer.body.startswith(b"{"):
            path = urlsplit(request.url).path
            check(request.method, path, answer.status, answer.body, passed_through=("aFieldOfTheFuture",))
        given = HttpResponse(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.body
        )
        return given if self.answered is None else self.answered(request, given)


class Google:
    """Google's side, as a person and as a test arranges it."""

    def __init__(self, sandbox: Sandbox, email: str = EMAIL) -> None:
        self.sandbox = sandbox
        self.email = email
        self.calendar = "primary"
        self.call("POST", "/accounts", {"email": email})

    def in_calendar(self, calendar_id: str) -> Google:
        """The same person in another calendar."""
        there = copy(self)
        there.calendar = calendar_id
        return there

    @property
    def _events(self) -> str:
        return f"/calendars/{quote(self.email)}/{quote(self.calendar, safe='')}/events"

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of the control API."""
        answer = self.sandbox.handle(
            Request(method, f"{GOOGLE}/_control{path}", {}, orjson.dumps(body) if body is not None else b"")
        )
        assert answer.status == 200, answer.body
        return answer.json()

    def create(self, summary: str, *, at: datetime = START, **more: Any) -> dict[str, Any]:
        """A person adds an event."""
        event = {
            "summary": summary,
            "start": {"dateTime": at.isoformat(), "timeZone": "UTC"},
            "end": {"dateTime": (at + timedelta(hours=1)).isoformat(), "timeZone": "UTC"},
            **more,
        }
        return self.call("POST", self._events, event)

    def edit(self, event_id: str, *, scope: str | None = None, **changes: Any) -> dict[str, Any]:
        """A person changes an event, or with an instance of a series as much of it as the scope says."""
        return self.call("POST", f"{self._events}{_asking(scope)}", {"id": event_id, **changes})

    def delete(self, event_id: str, *, scope: str | None = None) -> None:
        """A person deletes an event, or with an instance of a series as much of it as the scope says."""
        self.call("DELETE", f"{self._events}/{event_id}{_asking(scope)}")

    def event(self, event_id: str) -> dict[str, Any]:
        """An event with everything in it, deleted or not."""
        return self.call("GET", f"{self._events}/{event_id}")

    def events(self, *, deleted: bool = False) -> list[dict[str, Any]]:
        """All events."""
        items = self.call("GET", self._events)["events"]
        return [each for each in items if deleted or each["status"] != "cancelled"]

    def fault(
        self,
        kind: str,
        *,
        method: str | None = None,
        path: str = "",
        times: int = 1,
        skip: int = 0,
        **action: Any,
    ) -> None:
        """Order a mishap for calls of the calendar whose path contains a match of `path`."""
        match = {"path_regex": f"/calendar/v3/.*{path}", **({"method": method} if method else {})}
        self.call(
            "POST",
            "/faults",
            {"match": match, "times": times, "skip": skip, "action": {"kind": kind, **action}},
        )

    def requests(self) -> list[dict[str, Any]]:
        """Calendar calls so far."""
        calls = self.call("GET", "/requests")["requests"]
        return [each for each in calls if each["path"].startswith("/calendar/v3/")]

    def forget_requests(self) -> None:
        """Start counting calls anew."""
        self.call("DELETE", "/requests")


def _asking(scope: str | None) -> str:
    return "" if scope is None else f"?scope={scope}"


class SandboxTokens:
    """Access tokens straight from the simulator, for as long as the account is connected."""

    def __init__(self, google: Google, uow: UnitOfWork) -> None:
        self._google = google
        self._uow = uow
        self._token: str | None = None

    async def access_token(self, user_id: UUID) -> str:
        async with self._uow.reading() as tx:
            account = await tx.accounts.find(user_id)
        if account is None or account.status is AccountStatus.DISCONNECTED:
            raise GoogleNotConnectedError(user_id, AccountStatus.DISCONNECTED.value)
        if account.status is AccountStatus.REAUTHORISATION_REQUIRED:
            raise ReauthorisationRequiredError(user_id, "the account has to be linked again")
        if self._token is None:
            answer = self._google.call("POST", "/tokens", {"account": EMAIL})
            self._token = str(answer["access_token"])
        return self._token

    async def address(self, user_id: UUID) -> str:
        del user_id
        return EMAIL

    def invalidate(self, user_id: UUID, token: str) -> None:
        del user_id, token
        self._token = None

    def are_of_one_grant(self, user_id: UUID, token: str, other: str) -> bool:
        del user_id, token, other
        return True

    async def refuse_grant(self, user_id: UUID, token: str, reason: str) -> None:
        raise AssertionError(f"nothing in these stories loses a scope: {user_id} {token} {reason}")
