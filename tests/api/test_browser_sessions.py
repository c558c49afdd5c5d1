"""Browsers that are signed in: the cookie, how long it counts, and who cannot use it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
import pytest

from tests.api.service import (
    NAVIGATION,
    ORIGIN,
    PUBLIC_ORIGIN,
    SLOT,
    LaterClock,
    Person,
    problem,
    public_service,
    running_service,
)

if TYPE_CHECKING:
    from services.core.accounts import Session
    from tests.api.service import Service

APP = "https://app.example.com"


def session_of(service: Service, name: str = "session") -> str:
    """The session cookie that the browser has."""
    return str(service.http.cookies[name])


def another_browser(service: Service, **cookies: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=str(service.http.base_url), cookies=cookies)


async def test_who_comes_back_from_google_is_signed_in(any_service: Service, bob: Person) -> None:
    answer = await any_service.consent(bob)
    [cookie] = [each for each in answer.headers.get_list("set-cookie") if each.startswith("session=gcw_")]
    parts = cookie.lower().split("; ")
    assert {"httponly", "samesite=lax", "path=/", "max-age=604800"} <= set(parts)
    # On http://localhost not every browser takes a Secure cookie.
    assert "secure" not in parts
    own = await any_service.http.get("/auth/users/me")
    assert (own.status_code, own.json()["id"]) == (200, bob.id)
    created = await any_service.http.post("/slots", json=SLOT)
    assert created.status_code == 201
    assert await bob.titles() == ["Review"]
    made = await any_service.http.post("/auth/keys", json={"name": "made by a browser"})
    assert made.status_code == 201
    assert not any(key["current"] for key in (await any_service.http.get("/auth/keys")).json()["items"])


async def test_nothing_that_is_stored_opens_a_session(database_url: str) -> None:
    async with running_service(database_url) as service:
        await service.connect(await service.register())
        token = session_of(service)
        _, session_id, secret = token.split("_", 2)
        stored = await _stored(service, session_id)
        assert secret not in str(stored)
        for stolen in (stored.secret_hash, f"gcw_{session_id}_{stored.secret_hash}", session_id):
            async with another_browser(service, session=stolen) as thief:
                problem(await thief.get("/slots"), 401, "unauthenticated")


async def _stored(service: Service, session_id: str) -> Session:
    async with service.parts.container.sessions._uow.reading() as tx:
        found = await tx.sessions.find(UUID(session_id))
    assert found is not None
    return found


async def test_a_key_in_the_header_counts_alone(any_service: Service, bob: Person) -> None:
    await any_service.connect(bob)
    eve = await any_service.register("eve@example.com")
    assert (await eve.get("/auth/users/me")).json()["id"] == eve.id
    for wrong in ("Bearer x", "Basic eDp5", "Bearer"):
        answer = await any_service.http.get("/slots", headers={"authorization": wrong})
        problem(answer, 401, "unauthenticated")
    cookie = session_of(any_service)
    problem(
        await any_service.http.get("/slots", headers={"authorization": f"Bearer {cookie}"}),
        401,
        "unauthenticated",
    )
    async with another_browser(any_service, session=bob.key) as http:
        problem(await http.get("/slots"), 401, "unauthenticated")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": ORIGIN},
        {"sec-fetch-site": "same-site", "origin": APP},
        {"origin": ORIGIN},
        {"origin": APP},
    ],
)
async def test_our_own_pages_may_act_by_the_cookie(sqlite_url: str, headers: dict[str, str]) -> None:
    async with running_service(sqlite_url, cors_origins=APP) as service:
        ada = await service.register()
        await service.connect(ada)
        assert (await service.http.post("/slots", json=SLOT, headers=headers)).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": ORIGIN},
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "same-site", "origin": "https://app.example.com.evil.example"},
        {"sec-fetch-site": "nonsense"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:8001"},
        {"origin": "http://localhost:8000.evil.example"},
        {"origin": ""},
    ],
)
async def test_a_post_from_another_sites_page_has_no_effect_by_the_cookie(
    sqlite_url: str, headers: dict[str, str]
) -> None:
    """Cross-site request forgery."""
    async with running_service(sqlite_url, cors_origins=APP) as service:
        ada = await service.register()
        await service.connect(ada)
        slot = await ada.create()
        browser = service.http
        tried = [
            await browser.post("/slots", json=SLOT, headers=headers),
            await browser.put(f"/slots/{slot['id']}", json=SLOT, headers=headers),
            await browser.delete(f"/slots/{slot['id']}", headers=headers),
            await browser.post("/sync/trigger", headers=headers),
            await browser.post("/auth/keys", json={"name": "theirs"}, headers=headers),
            await browser.post("/auth/google/disconnect", headers=headers),
            await browser.post("/auth/logout", headers=headers),
            await browser.delete("/auth/users/me", headers=headers),
        ]
        for answer in tried:
            problem(answer, 403, "cross-site-request")
        assert (await ada.get(f"/slots/{slot['id']}")).json() == slot
        assert len((await ada.get("/auth/keys")).json()["items"]) == 1
        assert (await browser.get("/auth/users/me", headers=headers)).json()["google"]["connected"]
        # Nobody makes a browser send a header, so a key counts from everywhere.
        assert (await ada.post("/slots", json=SLOT, headers=headers)).status_code == 201


async def test_a_form_cannot_pose_as_json(service: Service, ada: Person) -> None:
    await service.connect(ada)
    forms = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "")
    for form in forms:
        headers = {"content-type": form, "sec-fetch-site": "same-origin"}
        answer = await service.http.post("/slots", content=b'{"title": "x"}', headers=headers)
        problem(answer, 415, "unsupported-media-type")


async def test_a_session_that_was_ended_is_over_on_every_replica(database_url: str) -> None:
    async with running_service(database_url) as one, running_service(database_url) as other:
        await one.connect(await one.register())
        token = session_of(one)
        async with (
            another_browser(other, session=token) as there,
            another_browser(one, session=token) as here,
        ):
            assert (await there.get("/slots")).status_code == 200
            ended = await one.http.post("/auth/logout")
            assert ended.status_code == 204
            assert "session" not in one.http.cookies
            problem(await there.get("/slots"), 401, "unauthenticated")
            problem(await here.get("/slots"), 401, "unauthenticated")
        problem(await one.http.post("/auth/logout"), 401, "unauthenticated")


async def test_signing_out_everywhere_and_what_it_leaves(any_service: Service, bob: Person) -> None:
    await any_service.connect(bob)
    first = session_of(any_service)
    any_service.http.cookies.clear()
    assert (await any_service.sign_in(bob.email)).status_code == 200
    async with another_browser(any_service, session=first) as phone:
        assert (await phone.get("/slots")).status_code == 200
        assert (await any_service.http.post("/auth/logout?everywhere=true")).status_code == 204
        problem(await phone.get("/slots"), 401, "unauthenticated")
    assert (await bob.get("/slots")).status_code == 200
    assert (await bob.post("/auth/logout")).status_code == 204
    assert (await bob.get("/slots")).status_code == 200


async def test_a_session_ends_when_nobody_uses_it_and_when_it_is_old(database_url: str) -> None:
    clock = LaterClock()
    async with running_service(database_url, clock) as service:
        ada = await service.register()
        await service.connect(ada)
        clock.advance(timedelta(hours=12))
        problem(await service.http.get("/slots"), 401, "unauthenticated")
        await service.sign_in(ada.email)
        for _ in range(15):
            clock.advance(timedelta(hours=11))
            assert (await service.http.get("/slots")).status_code == 200
        clock.advance(timedelta(hours=3))
        problem(await service.http.get("/slots"), 401, "unauthenticated")


async def test_the_cookie_is_replaced_and_one_that_was_copied_ends_the_session(database_url: str) -> None:
    clock = LaterClock()
    async with running_service(database_url, clock) as service:
        await service.connect(await service.register())
        first = session_of(service)
        await service.http.get("/slots")
        assert session_of(service) == first
        clock.advance(timedelta(hours=1))
        async with another_browser(service, session=first) as on_its_way:
            assert (await service.http.get("/slots")).status_code == 200
            second = session_of(service)
            assert second != first
            late = await on_its_way.get("/slots")
            assert late.status_code == 200
            assert "set-cookie" not in late.headers
        assert (await service.http.get("/slots")).status_code == 200
        clock.advance(timedelta(minutes=1))
        async with another_browser(service, session=first) as thief:
            problem(await thief.get("/slots"), 401, "unauthenticated")
        problem(await service.http.get("/slots"), 401, "unauthenticated")


async def test_signing_out_wins_over_the_replacement_of_the_cookie(sqlite_url: str) -> None:
    clock = LaterClock()
    async with running_service(sqlite_url, clock) as service:
        await service.connect(await service.register())
        clock.advance(timedelta(hours=1))
        assert (await service.http.post("/auth/logout")).status_code == 204
        assert "session" not in service.http.cookies


async def test_a_session_that_was_planted_is_not_the_one_that_is_signed_in(
    any_service: Service, bob: Person
) -> None:
    """Session fixation: what an attacker knows beforehand is worth nothing afterwards."""
    eve = await any_service.register("eve@example.com")
    await any_service.connect(eve)
    planted = session_of(any_service)
    # Eve's cookie is in Bob's browser when he links his account.
    await any_service.connect(bob)
    signed_in = session_of(any_service)
    assert signed_in.split("_")[1] != planted.split("_")[1]
    assert (await any_service.http.get("/auth/users/me")).json()["id"] == bob.id
    async with another_browser(any_service, session=planted) as attacker:
        problem(await attacker.get("/auth/users/me"), 401, "unauthenticated")
    invented = f"gcw_{'1' * 32}_{'a' * 43}"
    any_service.http.cookies.clear()
    any_service.http.cookies.set("session", invented, domain="localhost.local", path="/")
    await any_service.sign_in(bob.email)
    assert session_of(any_service) != invented
    async with another_browser(any_service, session=invented) as attacker:
        problem(await attacker.get("/auth/users/me"), 401, "unauthenticated")


async def test_over_https_the_cookie_belongs_to_this_host_alone(sqlite_url: str) -> None:
    async with public_service(sqlite_url) as service:
        made = await service.administrator().post("/auth/users", json={"email": "ada@example.com"})
        signed_in = await _linked(service, made.json()["api_key"])
        cookies = signed_in.headers.get_list("set-cookie")
        [cookie] = [each for each in cookies if each.startswith("__Host-session=")]
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= set(cookie.lower().split("; "))
        assert "domain" not in cookie.lower()
        assert (await service.http.get("/slots", headers={"origin": PUBLIC_ORIGIN})).status_code == 200
        token = session_of(service, "__Host-session")
        # A cookie that a neighbouring subdomain can plant has no such prefix.
        async with another_browser(service, session=token) as tossed:
            problem(await tossed.get("/slots"), 401, "unauthenticated")


async def _linked(service: Service, key: str) -> httpx.Response:
    answer = await service.consent(Person(service.http, "", "ada@example.com", key))
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_cookie_that_is_over_keeps_nobody_out(service: Service) -> None:
    service.http.cookies.set("session", f"gcw_{'1' * 32}_{'a' * 43}")
    assert (await service.http.post("/auth/users", json={"email": "ada@example.com"})).status_code == 201
    assert (await service.http.get("/health")).status_code == 200
    again = await service.http.get("/auth/google/authorize", headers=NAVIGATION)
    assert again.status_code == 302


async def test_a_neighbouring_frontend_may_send_the_cookie_and_read_the_answer(sqlite_url: str) -> None:
    async with running_service(sqlite_url, cors_origins=APP) as service:
        await service.connect(await service.register())
        answer = await service.http.get("/slots", headers={"origin": APP, "sec-fetch-site": "same-site"})
        assert answer.headers["access-control-allow-origin"] == APP
        assert answer.headers["access-control-allow-credentials"] == "true"
        other = await service.http.get("/slots", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
