"""A Google in virtual time, and the handful of things that a test does with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import orjson

from sandbox import Notification, Request, Response, Sandbox, Store
from tests.sandbox.discovery_schema import check

if TYPE_CHECKING:
    from collections.abc import Mapping

ANN = "ann@example.com"
BOB = "bob@example.org"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CALENDAR = "https://www.googleapis.com/auth/calendar"
EVENTS = "/calendar/v3/calendars/primary/events"


class Clock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class Google:
    """The simulator with one account, seen by one client; every Calendar answer is checked."""

    def __init__(self, *, seed: int = 7, base_url: str = "http://localhost:9090", store: Store | None = None):
        self.clock = Clock()
        self.sandbox = Sandbox(now=self.clock, seed=seed, base_url=base_url, store=store)
        self.passed_through: set[str] = set()
        self.tokens: dict[str, str] = {}

    def open_account(self, email: str = ANN, **facts: Any) -> None:
        self.control("POST", "/accounts", {"email": email, **facts})
        self.sign_in(email, client_id="driver")

    def sign_in(self, email: str, scope: str = CALENDAR, client_id: str = "app") -> dict[str, Any]:
        body = {"account": email, "scope": scope, "client_id": client_id}
        tokens = self.control("POST", "/tokens", body)
        self.tokens[email] = tokens["access_token"]
        return tokens

    def send(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        return self.sandbox.handle(Request(method, url, dict(headers or {}), raw))

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        as_: str = ANN,
        headers: Mapping[str, str] | None = None,
        **params: Any,
    ) -> Response:
        """A Calendar API call with the account's token; its answer is checked by the schemas."""
        query = "?" + urlencode(params, doseq=True) if params else ""
        sent = {"authorization": f"Bearer {self.tokens.get(as_, '')}", **(headers or {})}
        response = self.send(method, path + query, body, sent)
        check(method, path, response.status, response.body, passed_through=self.passed_through)
        assert "Date" in response.headers
        return response

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        response = self.api(method, path, body, **options)
        assert response.status in {200, 204}, response.body
        return response.json() if response.body else None

    def control(self, method: str, path: str, body: Any = None) -> Any:
        response = self.send(method, "/_control" + path, body)
        assert response.status == 200, response.body
        return response.json()

    def person(self, fields: Mapping[str, Any], *, account: str = ANN, calendar: str = "primary") -> Any:
        """The person edits Google by hand."""
        return self.control("POST", f"/calendars/{account}/{quote(calendar, safe='')}/events", fields)

    def insert(self, summary: str = "Lunch", **fields: Any) -> Any:
        return self.ok("POST", EVENTS, {**timed(), "summary": summary, **fields})

    def pages(self, path: str = EVENTS, **params: Any) -> list[Any]:
        """All pages of a listing."""
        pages = [self.ok("GET", path, **params)]
        while "nextPageToken" in pages[-1]:
            assert "nextSyncToken" not in pages[-1]
            pages.append(self.ok("GET", path, **params, pageToken=pages[-1]["nextPageToken"]))
        return pages

    def listing(self, **params: Any) -> tuple[list[Any], str]:
        """Everything a listing shows, and its sync token."""
        pages = self.pages(**params)
        return [item for page in pages for item in page["items"]], pages[-1]["nextSyncToken"]

    def messages(self) -> list[Notification]:
        """The push messages that are due now."""
        return self.sandbox.due_notifications(self.clock.now)


def timed(
    start: str = "2026-03-03T10:00:00", hours: int = 1, zone: str = "Europe/Amsterdam"
) -> dict[str, Any]:
    """Start and end of an event at a wall-clock time."""
    end = (datetime.fromisoformat(start) + timedelta(hours=hours)).isoformat()
    return {
        "start": {"dateTime": start, "timeZone": zone},
        "end": {"dateTime": end, "timeZone": zone},
    }


def all_day(first: str = "2026-03-03", after: str = "2026-03-04") -> dict[str, Any]:
    """Start and end of an all-day event; the end is exclusive."""
    return {"start": {"date": first}, "end": {"date": after}}


def reason(response: Response) -> tuple[int, str]:
    """Status and reason of a refusal."""
    return response.status, response.json()["error"]["errors"][0]["reason"]


def query_of(url: str) -> dict[str, str]:
    """The query of a URL."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
