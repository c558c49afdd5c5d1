"""Who asks too often is told when to come back, and nobody else suffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from services.rate_limits import FEED, FORGED, OAUTH, REFUSED, REGISTRATION
from tests.api.service import ADMIN_KEY, ORIGIN, SLOT, problem, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.api.service import Service

LIMIT = 1000
"""More than any single limit, so that a story meets the one it is about."""


@pytest.fixture
async def limited(sqlite_url: str) -> AsyncIterator[Service]:
    async with running_service(sqlite_url, rate_limit_per_minute=LIMIT) as started:
        yield started


def from_address(service: Service, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(service.app, raise_app_exceptions=False, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN)


async def until_refused(http: httpx.AsyncClient, count: int, method: str, path: str, **options: Any) -> None:
    """`count` requests pass, the next one does not."""
    for _ in range(count):
        answer = await http.request(method, path, **options)
        assert answer.status_code != 429, answer.text
    told(await http.request(method, path, **options))


def told(answer: httpx.Response, status: int = 429) -> None:
    body = problem(answer, status, "too-many-requests")
    assert 1 <= body["retry_after"] <= 60
    assert answer.headers["retry-after"] == str(body["retry_after"])


async def test_a_user_has_so_many_requests_wherever_they_come_from(sqlite_url: str) -> None:
    async with running_service(sqlite_url, rate_limit_per_minute=6) as service:
        ada, bob = await service.register("ada@example.com"), await service.register("bob@example.com")
        for number in range(6):
            ada.http = from_address(service, f"203.0.113.{number}")
            assert (await ada.get("/slots")).status_code == 200
        told(await ada.post("/slots", json=SLOT))
        ada.http, same_address = service.http, bob
        told(await ada.get("/slots"))
        assert (await same_address.get("/slots")).json()["items"] == []


async def test_an_address_without_a_credential_has_so_many_requests(sqlite_url: str) -> None:
    async with running_service(sqlite_url, rate_limit_per_minute=6) as service:
        async with from_address(service, "203.0.113.7") as http:
            await until_refused(http, 6, "GET", "/openapi.json")
            told(await http.get("/openapi.json", headers={"cookie": "google-flow=guessed"}))
            assert (await http.get("/health")).status_code == 200
            assert (await http.get("/ready")).status_code == 200
        async with from_address(service, "203.0.113.8") as http:
            assert (await http.get("/openapi.json")).status_code == 200


async def test_an_address_registers_few_users_and_the_administrator_many(limited: Service) -> None:
    for number in range(REGISTRATION.per_minute):
        await limited.register(f"{number}@example.com")
    told(await limited.http.post("/auth/users", json={"email": "one-more@example.com"}))
    header = {"authorization": f"Bearer {ADMIN_KEY}"}
    for number in range(REGISTRATION.per_minute + 1):
        body = {"email": f"school-{number}@example.com"}
        answer = await limited.http.post("/auth/users", json=body, headers=header)
        assert answer.status_code == 201, answer.text


async def test_guessed_credentials_are_counted_and_do_not_lock_out_the_neighbours(limited: Service) -> None:
    ada = await limited.register()
    for number in range(REFUSED.per_minute):
        answer = await limited.http.get("/slots", headers={"authorization": f"Bearer guess-{number}"})
        assert answer.status_code == 401
    told(await limited.http.get("/slots", headers={"authorization": "Bearer one-more"}))
    told(await limited.http.get("/slots"))
    assert (await ada.get("/slots")).status_code == 200


async def test_the_way_to_google_and_back_is_narrow(limited: Service) -> None:
    await until_refused(limited.http, OAUTH.per_minute, "GET", "/auth/google/callback?state=x&code=y")
    told(await limited.http.get("/auth/google/authorize?ticket=guessed"))


async def test_a_feed_has_a_limit_of_its_own_and_guessed_keys_are_counted(limited: Service) -> None:
    ada = await limited.register()
    path = (await ada.post("/slots/feed")).json()["url"].removeprefix(ORIGIN)
    await until_refused(limited.http, FEED.per_minute, "GET", path)
    other = await limited.register("bob@example.com")
    url = (await other.post("/slots/feed")).json()["url"]
    for number in range(REFUSED.per_minute):
        assert (await limited.http.get(f"/slots/feed.ics?key=guess-{number}")).status_code == 404
    told(await limited.http.get("/slots/feed.ics?key=one-more"))
    assert (await limited.http.get(url)).status_code == 200


async def test_no_notification_of_google_is_lost_to_a_limit(limited: Service) -> None:
    """Google sends again after 503 and never after 429; and what has a channel is not counted at all."""
    ada = await limited.register()
    await limited.connect(ada)
    opened = (await ada.post(f"/webhooks/setup/{ada.id}")).json()["channels"][0]["channel_id"]
    channels = (await limited.sandbox("GET", "/state"))["channels"]
    [genuine] = [each for each in channels if each["id"] == opened]
    headers = {
        "x-goog-channel-id": opened,
        "x-goog-channel-token": genuine["token"],
        "x-goog-resource-id": genuine["resource_id"],
        "x-goog-resource-state": "exists",
    }
    forged = {**headers, "x-goog-channel-token": "guessed"}
    for _ in range(FORGED.per_minute):
        answer = await limited.http.post("/webhooks/google-calendar", headers=forged)
        assert answer.status_code == 404
    told(await limited.http.post("/webhooks/google-calendar", headers=forged), 503)
    for _ in range(3):
        answer = await limited.http.post("/webhooks/google-calendar", headers=headers)
        assert answer.status_code == 204, answer.text
