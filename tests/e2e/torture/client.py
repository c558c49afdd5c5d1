"""A client that repeats what it got no answer to, at whichever door is open."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from services.system import SystemClock

if TYPE_CHECKING:
    import random

    from tests.e2e.torture.house import House

PATIENCE_S = 4.0
_CLOCK = SystemClock()


class Client:
    """One user of the service, who knows the addresses of all replicas."""

    def __init__(self, house: House, http: httpx.AsyncClient, key: str, dice: random.Random) -> None:
        self._house = house
        self._http = http
        self._key = key
        self._dice = dice
        self.lost = 0
        """Requests without an answer that says what became of them."""

    async def once(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        """One request; `None`: nobody knows whether it was carried out."""
        headers = {"authorization": f"Bearer {self._key}", **options.pop("headers", {})}
        url = f"{self._dice.choice(self._house.urls)}{path}"
        try:
            answer = await self._http.request(method, url, headers=headers, timeout=PATIENCE_S, **options)
        except httpx.TransportError:
            self.lost += 1
            await _CLOCK.sleep(self._dice.random() / 5)
            return None
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            assert answer.json()["type"].endswith("/database-unavailable"), answer.text
            self.lost += 1
            await _CLOCK.sleep(self._dice.random() / 5)
            return None
        assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, answer.text
        return answer

    async def until_answered(self, method: str, path: str, **options: Any) -> tuple[httpx.Response, bool]:
        """The first answer, and whether an earlier request went unanswered."""
        lost = False
        while True:
            answer = await self.once(method, path, **options)
            if answer is not None:
                return answer, lost
            lost = True

    async def get(self, path: str, **query: Any) -> Any:
        """What a reading request answers."""
        answer, _ = await self.until_answered("GET", path, params=query)
        assert answer.status_code == HTTPStatus.OK, answer.text
        return answer.json()

    async def pages(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All items of a list."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, limit=200, **query, **cursor)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}
