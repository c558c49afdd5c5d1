"""Attacks on the way to Google and back: nobody links or signs in by them, and who is there stays there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from services.google_oauth import FLOW_LIFETIME, TICKET_LIFETIME
from tests.e2e.app import problem_of
from tests.e2e.attacks.flows import (
    AUTHORIZE,
    CALLBACK,
    decided,
    grow_older,
    linking,
    signing_in,
    ticket_url,
    to_google,
)
from tests.e2e.browser import NAVIGATION, Browser
from tests.e2e.world import client, somebody

if TYPE_CHECKING:
    from tests.e2e.servers import GoogleServer, Server
    from tests.e2e.world import Person

EVIL = "evil.example"


async def is_nobody(browser: Browser, url: str) -> None:
    """The browser is signed in as nobody."""
    assert "session" not in browser.cookies
    problem_of(await browser.fetch("GET", f"{url}/auth/users/me", page=url), 401, "unauthenticated")


async def test_forged_state(ada: Person) -> None:
    page = await signing_in(ada.browser, ada.app.url)
    genuine = httpx.URL(await decided(ada.google, page))
    code, state = quote(genuine.params["code"]), genuine.params["state"]
    forged = ["", "in.", "in.forged", "forged", ada.app.user_id, f"in.{'a' * 43}", "in.%00", "in.%ED%A0%80"]
    for each in [*forged, state.removeprefix("in."), f"{quote(state)}x", f"{quote(state)}&state=x"]:
        answer = await ada.browser.go(f"{ada.app.url}{CALLBACK}?code={code}&state={each}")
        problem_of(answer, 400, "oauth-state-invalid")
    problem_of(await ada.browser.go(f"{ada.app.url}{CALLBACK}?code={code}"), 400, "oauth-state-invalid")
    await is_nobody(ada.browser, ada.app.url)
    assert (await ada.browser.go(str(genuine))).json()["user_id"] == ada.app.user_id


async def test_replayed_state(ada: Person) -> None:
    """Also by who has every cookie that the browser had, and when both come at the same moment."""
    url = ada.app.url
    for begin in (linking(ada), signing_in(ada.browser, url)):
        back = await decided(ada.google, await begin)
        async with client() as http:
            thief = Browser(http)
            thief.resemble(ada.browser)
            thief.forget("session", "google-linked")
            kept = dict(thief.cookies)
            answers = await asyncio.gather(ada.browser.go(back), thief.go(back))
            assert sorted(each.status_code for each in answers) == [200, 400]
            http.cookies.clear()
            http.cookies.update(kept)
            problem_of(await thief.go(back), 400, "oauth-state-invalid")
            await is_nobody(thief, url)


async def test_foreign_browser_state(ada: Person) -> None:
    """Login CSRF: nobody is signed in as somebody else by following that person's link."""
    for begin in (linking(ada), signing_in(ada.browser, ada.app.url)):
        back = await decided(ada.google, await begin)
        async with client() as http:
            victim = Browser(http)
            problem_of(await victim.go(back), 400, "oauth-browser-mismatch")
            http.cookies.set("google-flow", "invented")
            problem_of(await victim.go(back), 400, "oauth-state-invalid")
            await is_nobody(victim, ada.app.url)


async def test_expired_state(any_service: Server, ada: Person) -> None:
    for begin in (linking(ada), signing_in(ada.browser, ada.app.url)):
        back = await decided(ada.google, await begin)
        ada.browser.forget("session")
        await grow_older(any_service, FLOW_LIFETIME)
        problem_of(await ada.browser.go(back), 400, "oauth-state-invalid")
        await is_nobody(ada.browser, ada.app.url)


async def test_a_ticket_opens_once_and_not_for_long(any_service: Server, ada: Person) -> None:
    url = await ticket_url(ada)
    async with client() as http:
        answers = await asyncio.gather(*(Browser(http).go(url) for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [302, 400, 400, 400, 400]
    late = await ticket_url(ada)
    await grow_older(any_service, TICKET_LIFETIME)
    problem_of(await ada.browser.go(late), 400, "oauth-state-invalid")
    for guessed in ("", "x", "%00", "a" * 43, "%ED%A0%80"):
        problem_of(
            await ada.browser.go(f"{ada.app.url}{AUTHORIZE}?ticket={guessed}"), 400, "oauth-state-invalid"
        )


async def test_account_swap(any_service: Server, ada: Person, shared_google: GoogleServer) -> None:
    """Neither who is led to choose another account at Google, nor who finishes a stranger's link."""
    await ada.app.create("Ada's own", wait=True)
    before = await ada.app.get("/auth/users/me")
    async with somebody(any_service.url, shared_google.url, "eve") as eve:
        await eve.connect()
        since = await eve.google.request_count()
        swapped = await decided(ada.google, await linking(ada), account=eve.google.email)
        problem_of(await ada.browser.go(swapped), 403, "google-account-mismatch")
        # Eve's link, opened and finished by Ada in her own browser, as Ada.
        theirs = await to_google(ada.browser, await ticket_url(eve))
        finished = await decided(ada.google, theirs, account=ada.google.email)
        problem_of(await ada.browser.go(finished), 403, "google-account-mismatch")
        # The same once Ada is disconnected, which is when another account could be taken for hers.
        await ada.app.post("/auth/google/disconnect")
        again = await decided(ada.google, await linking(ada), account=eve.google.email)
        problem_of(await ada.browser.go(again), 403, "google-account-mismatch")
        assert (await ada.app.get("/auth/users/me"))["google"]["status"] == "disconnected"
        assert (await ada.link()).status_code == 200
        after = await ada.app.get("/auth/users/me")
        assert {**after["google"], "since": None} == {**before["google"], "since": None}
        await ada.agree_on("Ada's own")
        await eve.agree_on()
        calls = await eve.google.requests(since)
        assert [each for each in calls if each["method"] != "GET" and "/calendar/" in each["path"]] == []


async def test_an_address_that_google_has_not_verified(ada: Person) -> None:
    """Whoever made a Google account in the name of an address need not have it."""
    await ada.app.post("/auth/google/disconnect")
    accounts = (await ada.google.control("GET", "/state"))["accounts"]
    [own] = [each for each in accounts if each["email"] == ada.google.email]
    claimed = {"sub": own["sub"], "email": own["email"], "email_verified": False}
    await ada.google.fault("answer", status=200, body=claimed, path="userinfo$", anybody=True)
    back = await decided(ada.google, await linking(ada))
    problem_of(await ada.browser.go(back), 403, "google-account-mismatch")
    assert (await ada.app.get("/auth/users/me"))["google"]["status"] == "disconnected"


async def test_a_code_that_was_injected(ada: Person, shared_google: GoogleServer) -> None:
    """PKCE and nonce: a code of the attacker's is worth nothing in the victim's browser."""
    async with somebody(ada.app.url, shared_google.url, "eve") as eve:
        await eve.connect()
        stolen = httpx.URL(await decided(eve.google, await linking(eve))).params["code"]
        for begin in (linking(ada), signing_in(ada.browser, ada.app.url)):
            own = httpx.URL(await decided(ada.google, await begin))
            ada.browser.forget("session")
            answer = await ada.browser.go(str(own.copy_set_param("code", stolen)))
            problem_of(answer, 400, "google-token-exchange-failed")
            await is_nobody(ada.browser, ada.app.url)


async def test_mix_up(ada: Person) -> None:
    """An answer in the name of another issuer is not taken for Google's (RFC 9207)."""
    back = httpx.URL(await decided(ada.google, await linking(ada)))
    since = await ada.google.request_count()
    mixed = str(back.copy_set_param("iss", f"https://{EVIL}"))
    problem_of(await ada.browser.go(mixed), 400, "google-token-exchange-failed")
    assert [each for each in await ada.google.requests(since) if each["path"].endswith("/token")] == []


async def test_a_state_of_a_link_does_not_sign_in_and_the_other_way_round(ada: Person) -> None:
    linked = httpx.URL(await decided(ada.google, await linking(ada)))
    signed = httpx.URL(await decided(ada.google, await signing_in(ada.browser, ada.app.url)))
    ada.browser.forget("session")
    for crossed in (
        linked.copy_set_param("state", f"in.{linked.params['state']}"),
        signed.copy_set_param("state", signed.params["state"].removeprefix("in.")),
    ):
        problem_of(await ada.browser.go(str(crossed)), 400, "oauth-state-invalid")
    await is_nobody(ada.browser, ada.app.url)


TARGETS = [
    f"https://{EVIL}/",
    f"//{EVIL}",
    f"/\\{EVIL}",
    f"https:{EVIL}",
    f"http://localhost@{EVIL}/",
    f"http://localhost\\@{EVIL}/",
    f"http://{EVIL}#http://localhost/",
    f"http://{EVIL}?http://localhost/",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://127.0.0.1:1/",
    "http://localhost.evil.example/",
    "http://localhost%00.evil.example/",
    "http://localhost/\r\nset-cookie: session=x",
    " http://localhost/",
    "",
]


async def test_open_redirect(ada: Person) -> None:
    """A browser is sent to places of the settings only, whatever `return_to`, `Host` and proxies say."""
    url, http = ada.app.url, ada.browser._http
    for target in TARGETS:
        for headers in ({"authorization": f"Bearer {ada.app.key}"}, NAVIGATION):
            answer = await http.get(f"{url}{AUTHORIZE}", params={"return_to": target}, headers=headers)
            problem_of(answer, 422, "validation-failed")
    asked = f"{url}{AUTHORIZE}"
    for lie in ({"x-forwarded-host": EVIL}, {"forwarded": f"host={EVIL};proto=https"}, {"x-host": EVIL}):
        opened = await http.get(asked, headers={**NAVIGATION, **lie})
        sent = parse_qs(urlsplit(opened.headers["location"]).query)
        assert sent["redirect_uri"] == [f"{url}{CALLBACK}"]
        told = await ada.app.call("GET", AUTHORIZE, headers=lie)
        assert told.json()["authorization_url"].startswith(f"{url}{AUTHORIZE}?ticket=")
    back = httpx.URL(await decided(ada.google, await linking(ada)))
    answer = await ada.browser.go(f"{back}&return_to=https://{EVIL}&redirect_uri=https://{EVIL}")
    assert (answer.status_code, "location" in answer.headers) == (200, False)


async def test_the_last_page_keeps_what_it_was_called_with_to_itself(ada: Person) -> None:
    """No cache and no referrer gets code and state."""
    back = await decided(ada.google, await linking(ada))
    for expected in (200, 200):
        answer = await ada.browser.go(back)
        assert answer.status_code == expected
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert httpx.URL(back).params["code"] not in answer.text


@pytest.mark.parametrize("planted", ["gcw_" + "1" * 32 + "_" + "a" * 43, "x", ""])
async def test_session_fixation(ada: Person, planted: str) -> None:
    """What an attacker put into the browser beforehand is worth nothing afterwards."""
    http = ada.browser._http
    http.cookies.clear()
    http.cookies.set("session", planted, domain="127.0.0.1", path="/")
    assert (await ada.browser.sign_in(ada.app.url, account=ada.google.email)).status_code == 200
    assert ada.browser.cookies["session"] != planted
    async with client() as attacking:
        attacking.cookies.set("session", planted, domain="127.0.0.1", path="/")
        answer = await Browser(attacking).fetch("GET", f"{ada.app.url}/slots", page=ada.app.url)
        problem_of(answer, 401, "unauthenticated")
