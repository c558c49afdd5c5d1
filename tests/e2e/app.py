"""The service as one of its users meets it: REST with an API key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.system import SystemClock
from tests.e2e.google import START
from tests.e2e.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

_CLOCK = SystemClock()
PATIENCE = "wait=20"
PROBLEMS = "https://calendar-sync.example/problems/"


class App:
    """One user of the service."""

    def __init__(self, http: httpx.AsyncClient, url: str, key: str, user_id: str) -> None:
        self._http = http
        self.url = url
        self.key = key
        self.user_id = user_id

    def at(self, url: str) -> App:
        """The same user at another process of the service."""
        return App(self._http, url, self.key, self.user_id)

    async def call(self, method: str, path: str, *, wait: bool = False, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        if wait:
            headers["prefer"] = PATIENCE
        return await self._http.request(method, f"{self.url}{path}", headers=headers, **options)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = await self.call("POST", path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def create(
        self, title: str, *, at: datetime = START, wait: bool = False, **more: Any
    ) -> dict[str, Any]:
        """Create a slot; with `wait`, answer when Google has it."""
        body = {
            "title": title,
            "start": at.isoformat(),
            "end": (at + timedelta(hours=1)).isoformat(),
            "timezone": "UTC",
            **more,
        }
        answer = await self.call("POST", "/slots", json=body, wait=wait)
        assert answer.status_code == 201, answer.text
        return _settled(answer, wait=wait)

    async def edit(
        self, slot: dict[str, Any], *, wait: bool = False, scope: str | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Change a slot, or of a series as much as the scope says; with `wait` as `create`."""
        answer = await self.call(
            "PATCH", f"/slots/{slot['id']}", json=changes, wait=wait, params=_scope(scope)
        )
        assert answer.status_code == 200, answer.text
        return _settled(answer, wait=wait)

    async def delete(
        self, slot: dict[str, Any], *, wait: bool = False, scope: str | None = None
    ) -> dict[str, Any]:
        """Delete a slot, or of a series as much as the scope says; with `wait` as `create`."""
        answer = await self.call("DELETE", f"/slots/{slot['id']}", wait=wait, params=_scope(scope))
        assert answer.status_code == 200, answer.text
        return _settled(answer, wait=wait)

    async def slot(self, slot: dict[str, Any]) -> dict[str, Any]:
        return dict(await self.get(f"/slots/{slot['id']}"))

    async def slots(self, *, limit: int = 200, **query: Any) -> list[dict[str, Any]]:
        """Every slot, page by page."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.get("/slots", limit=limit, **query, **cursor)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    async def titles(self) -> list[str]:
        return sorted(each["title"] for each in await self.slots())

    async def called(self, title: str) -> dict[str, Any]:
        """The one slot of this title."""
        [slot] = [each for each in await self.slots() if each["title"] == title]
        return slot

    async def shows(self, *titles: str, within_s: float = 20.0) -> None:
        """These slots are visible, and no others, sooner or later."""
        await eventually(self.titles, lambda seen: seen == sorted(titles), within_s=within_s)

    async def becomes(
        self, slot: dict[str, Any], holds: Callable[[dict[str, Any]], object], *, within_s: float = 20.0
    ) -> dict[str, Any]:
        """The slot once `holds` is true of it."""
        return await eventually(lambda: self.slot(slot), holds, within_s=within_s)

    async def calendar(self) -> dict[str, Any]:
        """How the primary calendar stands."""
        [calendar] = (await self.get("/sync/status"))["calendars"]
        return dict(calendar)

    async def calendar_becomes(
        self, holds: Callable[[dict[str, Any]], object], *, within_s: float = 20.0
    ) -> dict[str, Any]:
        return await eventually(self.calendar, holds, within_s=within_s)

    async def sync(self) -> dict[str, Any]:
        """Pull and push now."""
        answer = await self.post("/sync/trigger")
        assert answer["status"] == "completed", answer
        return dict(answer)

    async def comes_to_rest(self, *, within_s: float = 20.0) -> dict[str, Any]:
        """Nothing pending, failed, running or due."""
        return await self.calendar_becomes(is_at_rest, within_s=within_s)

    async def conflicts(self) -> list[dict[str, Any]]:
        return list((await self.get("/sync/conflicts"))["items"])


def _scope(scope: str | None) -> dict[str, str]:
    return {} if scope is None else {"scope": scope}


def is_at_rest(calendar: dict[str, Any]) -> bool:
    """Whether both sides agree, nobody is at work and nothing is due."""
    return (
        calendar["state"] == "idle"
        and calendar["pending"] == calendar["failed"] == 0
        and datetime.fromisoformat(calendar["next_sync_at"]) > _CLOCK.now()
    )


def problem_of(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem document, which must be this one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = dict(answer.json())
    assert body["type"] == PROBLEMS + slug, body
    return body


def _settled(answer: httpx.Response, *, wait: bool) -> dict[str, Any]:
    slot = dict(answer.json())
    if wait:
        assert slot["sync"]["state"] == "synced", slot
    return slot
