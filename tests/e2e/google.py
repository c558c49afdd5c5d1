"""Google's side, as the person who owns the calendar sees it and as a story arranges it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.e2e.waiting import eventually
from tests.sandbox.discovery_schema import check

if TYPE_CHECKING:
    import httpx

START = datetime(2026, 7, 6, 8, tzinfo=UTC)
OUTBOUND = "^/(token|revoke|v1/userinfo|calendar/v3/)"
"""Paths that only the service under test calls, not its user's browser."""


class Google:
    """One Google account."""

    def __init__(self, http: httpx.AsyncClient, url: str, email: str) -> None:
        self.http = http
        self.url = url
        self.email = email
        self._events = f"/calendars/{quote(email)}/primary/events"

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control API."""
        answer = await self.http.request(method, f"{self.url}/_control{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def open(self) -> None:
        await self.control("POST", "/accounts", {"email": self.email, "time_zone": "UTC"})

    async def create(self, summary: str, *, at: datetime = START, **more: Any) -> dict[str, Any]:
        """The person adds an event."""
        end = at + timedelta(hours=1)
        times = {"start": {"dateTime": at.isoformat()}, "end": {"dateTime": end.isoformat()}}
        event = {"summary": summary, **times, **more}
        return dict(await self.control("POST", self._events, event))

    async def create_many(self, count: int, **order: Any) -> None:
        await self.control("POST", f"{self._events}/bulk", {"count": count, "summary": "Event", **order})

    async def edit_many(self, changes: list[dict[str, Any]]) -> None:
        """The person changes many events, each named by its `id`."""
        await self.control("POST", f"{self._events}/bulk", {"events": changes})

    async def edit(self, event_id: str, *, scope: str | None = None, **changes: Any) -> dict[str, Any]:
        """The person changes an event; of a series, as much as the scope says."""
        path = self._events if scope is None else f"{self._events}?scope={scope}"
        return dict(await self.control("POST", path, {"id": event_id, **changes}))

    async def delete(self, event_id: str, *, scope: str | None = None) -> None:
        """The person deletes an event; of a series, as much as the scope says."""
        asked = "" if scope is None else f"?scope={scope}"
        await self.control("DELETE", f"{self._events}/{event_id}{asked}")

    async def event(self, event_id: str) -> dict[str, Any]:
        """An event with everything in it, deleted or not."""
        return dict(await self.control("GET", f"{self._events}/{event_id}"))

    async def events(self, *, deleted: bool = False) -> list[dict[str, Any]]:
        items = (await self.control("GET", self._events))["events"]
        return [each for each in items if deleted or each["status"] != "cancelled"]

    async def titles(self) -> list[str]:
        return sorted(each["summary"] for each in await self.events())

    async def expanded(self, **window: str) -> list[dict[str, Any]]:
        """Events with series unrolled by Google itself, in the order of their start, all pages of them."""
        tokens = await self.control("POST", "/tokens", {"account": self.email, "client_id": "onlooker"})
        params = {"singleEvents": "true", "orderBy": "startTime", "maxResults": "2500", **window}
        found: list[dict[str, Any]] = []
        while True:
            answer = await self.http.get(
                f"{self.url}/calendar/v3/calendars/primary/events",
                params=params,
                headers={"authorization": f"Bearer {tokens['access_token']}"},
            )
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            if "nextPageToken" not in answer.json():
                return found
            params["pageToken"] = answer.json()["nextPageToken"]

    async def called(self, summary: str) -> dict[str, Any]:
        """The one event of this title."""
        [event] = [each for each in await self.events() if each["summary"] == summary]
        return event

    async def fault(
        self,
        kind: str,
        *,
        method: str | None = None,
        path: str = OUTBOUND,
        anybody: bool = False,
        **order: Any,
    ) -> None:
        """Order a mishap for calls about this account, or about whatever account."""
        times, skip = order.pop("times", 1), order.pop("skip", 0)
        match = {"path_regex": path} | ({"method": method} if method else {})
        match |= {} if anybody else {"account": self.email}
        action = {"kind": kind, **order}
        await self.control(
            "POST", "/faults", {"match": match, "times": times, "skip": skip, "action": action}
        )

    async def no_more_faults(self) -> None:
        await self.control("DELETE", "/faults")

    async def held_call(self, *, within_s: int = 20) -> dict[str, Any]:
        """The call that waits at Google; comes as soon as there is one."""
        holds = (await self.control("GET", f"/holds?wait={within_s}"))["holds"]
        assert len(holds) == 1, holds
        return dict(holds[0])

    async def release(self, hold: dict[str, Any]) -> None:
        await self.control("POST", f"/holds/{hold['id']}/release")

    async def lose_notifications(self, times: int = 1) -> None:
        await self.control("POST", "/notifications/faults", {"kind": "drop", "times": times})

    async def has_told_everything(self, user_id: str) -> None:
        """Every notification for this user has arrived, or never will."""

        async def on_their_way() -> list[dict[str, Any]]:
            sent = (await self.control("GET", "/notifications"))["notifications"]
            mine = [each for each in sent if each["channel_id"].startswith(user_id.replace("-", ""))]
            return [each for each in mine if each["state"] in ("waiting", "flying")]

        await eventually(on_their_way, lambda seen: not seen)

    async def channels(self) -> list[dict[str, Any]]:
        """Push channels that are open for this account."""
        found = (await self.control("GET", "/state"))["channels"]
        return [each for each in found if self.email in each.values() and not each["expired"]]

    async def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """What the service asked for about this account."""
        asked = (await self.control("GET", f"/requests?since={since}"))["requests"]
        return [each for each in asked if each["account"] == self.email]

    async def request_count(self) -> int:
        return int((await self.control("GET", "/state"))["requests"])

    async def check_answers(self, *, carried: frozenset[str] = frozenset()) -> None:
        """Every answer that the service got, and a listing of everything, judged by Google's own schemas."""
        tokens = await self.control("POST", "/tokens", {"account": self.email})
        path = f"/calendar/v3/calendars/{quote(self.email)}/events"
        answer = await self.http.get(
            f"{self.url}{path}",
            params={"showDeleted": "true", "maxResults": "250"},
            headers={"authorization": f"Bearer {tokens['access_token']}"},
        )
        assert answer.status_code == 200, answer.text
        check("GET", path, 200, answer.content, passed_through=carried)
        for asked in await self.requests():
            if _is_googles_own(asked):
                check(
                    asked["method"], asked["path"], asked["status"], asked["answer"], passed_through=carried
                )


def _is_googles_own(asked: dict[str, Any]) -> bool:
    """Whether an answer is to have Google's shape; a front end in trouble sends HTML or hangs up."""
    if "answer" not in asked:
        return False
    answer = asked["answer"].lstrip()
    return not answer.startswith("<") and (answer != "" or asked["status"] < 500)
