"""Keys, browser sessions and the secret key, in real processes."""

from __future__ import annotations

from asyncio import to_thread
from typing import TYPE_CHECKING

import pytest

from tests.e2e.app import App, problem_of
from tests.e2e.browser import Browser
from tests.e2e.receiver import receiving
from tests.e2e.waiting import eventually
from tests.e2e.world import Person, client, somebody

if TYPE_CHECKING:
    from tests.e2e.conftest import Machines
    from tests.e2e.servers import GoogleServer, Server

SLOT = {"title": "By a browser", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T11:00:00Z"}
OLD, NEW = "the secret key before, of these stories only", "the secret key after, of these stories only"
EVIL = "https://evil.example"


async def test_a_browser_is_signed_in_works_and_signs_out(ada: Person) -> None:
    url, browser = ada.app.url, ada.browser
    own = await browser.fetch("GET", f"{url}/auth/users/me", page=url)
    assert (own.status_code, own.json()["id"]) == (200, ada.app.user_id)
    created = await browser.fetch("POST", f"{url}/slots", page=url, body=SLOT)
    assert created.status_code == 201, created.text
    assert await ada.app.titles() == ["By a browser"]
    assert (await browser.fetch("POST", f"{url}/auth/logout", page=url)).status_code == 204
    assert "session" not in browser.cookies
    problem_of(await browser.fetch("GET", f"{url}/slots", page=url), 401, "unauthenticated")


@pytest.mark.parametrize("page", [EVIL, "null", "http://127.0.0.1:1", "http://localhost:1"])
async def test_a_page_of_another_site_cannot_act_by_the_cookie(bob: Person, page: str) -> None:
    """Cross-site request forgery."""
    url, browser = bob.app.url, bob.browser
    before, since = await bob.app.get("/auth/users/me"), await bob.google.request_count()
    tried: list[tuple[str, str, object]] = [
        ("POST", "/slots", SLOT),
        ("POST", "/auth/keys", {"name": "theirs"}),
        ("POST", "/sync/trigger", None),
        ("POST", "/auth/google/disconnect", {"remote": "delete"}),
        ("POST", "/auth/logout", None),
        ("DELETE", "/auth/users/me", None),
    ]
    for method, path, body in tried:
        answer = await browser.fetch(method, f"{url}{path}", page=page, body=body)
        problem_of(answer, 403, "cross-site-request")
        assert "access-control-allow-origin" not in answer.headers
    assert await bob.app.slots(include_deleted=True) == []
    assert await bob.app.get("/auth/users/me") == before
    assert len((await bob.app.get("/auth/keys"))["items"]) == 1
    assert await bob.google.requests(since) == []
    assert (await browser.fetch("GET", f"{url}/slots", page=url)).status_code == 200


async def test_who_lost_the_key_signs_in_with_google_and_makes_another(ada: Person) -> None:
    async with client() as http:
        another = Browser(http)
        answer = await another.sign_in(ada.app.url, account=ada.google.email)
        assert (answer.status_code, answer.json()["status"]) == (200, "signed_in")
        made = await another.fetch("POST", f"{ada.app.url}/auth/keys", page=ada.app.url, body={"name": "new"})
        found = App(http, ada.app.url, made.json()["api_key"], ada.app.user_id)
        await found.create("With the new key", wait=True)
    await ada.agree_on("With the new key")


async def test_a_google_account_that_nobody_linked_gets_no_session(
    any_service: Server, shared_google: GoogleServer
) -> None:
    async with somebody(any_service.url, shared_google.url, "unlinked") as person:
        answer = await person.browser.sign_in(any_service.url, account=person.google.email)
        problem_of(answer, 403, "google-account-unknown")
        assert "session" not in person.browser.cookies
        assert not (await person.app.get("/auth/users/me"))["google"]["connected"]


async def test_a_link_that_is_finished_in_another_browser_signs_that_one_in_nowhere(
    any_service: Server, shared_google: GoogleServer
) -> None:
    """Foreign-browser state: a victim who is sent the attacker's link links nothing and is nobody."""
    async with somebody(any_service.url, shared_google.url, "mallory") as mallory, client() as http:
        asked = await mallory.app.get("/auth/google/authorize")
        opened = await mallory.browser.go(asked["authorization_url"])
        body = {"url": opened.headers["location"], "account": mallory.google.email}
        back = (await mallory.google.control("POST", "/consent", body))["location"]
        victim = Browser(http)
        problem_of(await victim.go(back), 400, "oauth-browser-mismatch")
        assert victim.cookies == {}
        problem_of(await mallory.browser.go(back), 400, "oauth-state-invalid")


async def test_what_is_revoked_at_one_replica_is_refused_by_the_other(
    machines: Machines, database_url: str
) -> None:
    google = machines.google()
    one = machines.server(database_url, google)
    other = machines.server(database_url, google)
    async with somebody(one.url, google.url) as ada:
        await ada.connect()
        made = await ada.app.post("/auth/keys", {"name": "laptop"}, status=201)
        laptop = App(ada.google.http, one.url, made["api_key"], ada.app.user_id)
        for url in (one.url, other.url):
            await laptop.at(url).slots()
            assert (await ada.browser.fetch("GET", f"{url}/slots", page=url)).status_code == 200
        assert (await ada.app.call("DELETE", f"/auth/keys/{made['id']}")).status_code == 204
        problem_of(await laptop.at(other.url).call("GET", "/slots"), 401, "unauthenticated")
        # Only the first replica hears of it; the browser is made to keep what it had.
        kept = ada.browser.cookies["session"]
        await ada.browser.fetch("POST", f"{one.url}/auth/logout", page=one.url)
        async with client() as http:
            http.cookies.set("session", kept)
            answer = await Browser(http).fetch("GET", f"{other.url}/slots", page=other.url)
            problem_of(answer, 401, "unauthenticated")


async def test_a_wrong_secret_key_does_not_start_and_a_new_one_takes_over(
    machines: Machines, database_url: str
) -> None:
    google = machines.google()
    before = machines.server(database_url, google, SECRET_KEY=OLD)
    async with somebody(before.url, google.url) as ada, receiving() as receiver:
        await ada.connect()
        hook = await ada.app.post("/webhooks/subscriptions", {"url": receiver.url}, status=201)
        receiver.secret = hook["secret"]
        await ada.app.create("Before", wait=True)
        # The receiver of webhooks must be able to answer while processes begin and end.
        await to_thread(before.process.stop)

        refused = await to_thread(before.run, SECRET_KEY=NEW)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr.count("\n") == 1
        assert refused.stderr.startswith("SECRET_KEY does not open what this database has encrypted")

        keys = {"SECRET_KEY": NEW, "SECRET_KEY_PREVIOUS": OLD}
        both = await to_thread(machines.server, database_url, google, **keys)
        app = ada.app.at(both.url)
        await app.create("With both keys", wait=True)
        rotated = await to_thread(both.run, "rotate-keys")
        assert (rotated.returncode, rotated.stderr) == (0, "")
        assert rotated.stdout.startswith("Encrypted with SECRET_KEY now: 2. Erased: 0. Cannot be opened: 0.")
        await to_thread(both.process.stop)

        after = await to_thread(machines.server, database_url, google, SECRET_KEY=NEW)
        app = ada.app.at(after.url)
        await app.create("After", wait=True)
        assert (await app.get("/auth/users/me"))["google"]["status"] == "connected"
        assert await app.titles() == await ada.google.titles() == ["After", "Before", "With both keys"]

        async def known() -> tuple[list[str], list[str]]:
            return await app.titles(), sorted(receiver.state().values())

        # The receiver verifies every message with the secret that it was given at first.
        await eventually(known, lambda seen: seen[0] == seen[1])


def test_an_unknown_command_is_refused(machines: Machines) -> None:
    server = machines.server(None, None)
    refused = server.run("rotate-keys", "--all")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("usage: python main.py")
