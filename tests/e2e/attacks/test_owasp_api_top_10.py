"""OWASP's API Security Top 10 of 2023, where the stories beside this one do not tell it already.

API1 is a walk over every route with an id, in `test_belongings.py`; API2 is `test_oauth_attacks.py` and
`test_rate_limits.py`; API4 is `test_bodies.py` too, API8 `test_browser_attacks.py`, and API7 and API10 are
`test_servers_of_others.py`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from main import app as application
from schemas.slot_input import SlotPatch
from services.core.subscriptions import MOST_PER_USER
from services.key_service import MOST_KEYS
from tests.e2e.app import App, problem_of
from tests.e2e.servers import ADMIN_KEY
from tests.e2e.world import client, somebody
from tests.routes import PUBLIC, declared_routes

if TYPE_CHECKING:
    from tests.e2e.servers import GoogleServer, Server
    from tests.e2e.world import Person

ROOT = Path(__file__).parents[3]
SLOT = {"title": "Mine", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T11:00:00Z"}


async def test_api1_an_id_of_somebody_else_hidden_in_a_body_or_a_query(
    ada: Person, shared_google: GoogleServer
) -> None:
    """Broken object level authorization, where the id does not stand in the path."""
    slot = await ada.app.create("Private", wait=True)
    before, since = await ada.app.slot(slot), await ada.google.request_count()
    async with somebody(ada.app.url, shared_google.url, "mallory") as mallory:
        feed = (await ada.app.get("/slots/changes"))["next_cursor"]
        page = await mallory.app.call("GET", "/slots/changes", params={"cursor": feed})
        problem_of(page, 422, "invalid-cursor")
        items: list[dict[str, Any]] = [
            {"action": "update", "id": slot["id"], "slot": {"title": "Stolen"}},
            {"action": "delete", "id": slot["id"]},
        ]
        answer = await mallory.app.post("/slots/batch", {"items": items})
        assert [each["status"] for each in answer["results"]] == [404, 404]
        for name in ("user_id", "owner", "owner_id"):
            asked = {name: ada.app.user_id}
            assert (await mallory.app.get("/slots", **asked))["items"] == []
            assert (await mallory.app.get("/auth/users", **asked))["items"][0]["id"] == mallory.app.user_id
        assert (await mallory.app.get("/slots", calendar_id=ada.google.email))["items"] == []
        own = await mallory.app.call("GET", "/slots", headers={"x-user-id": ada.app.user_id})
        assert own.json()["items"] == []
    assert await ada.app.slot(slot) == before
    assert await ada.google.requests(since) == []


async def test_api2_a_credential_counts_only_where_it_belongs(ada: Person) -> None:
    """Broken authentication: keys in queries, bodies, other headers, or cut, or doubled, open nothing."""
    url, key = ada.app.url, ada.app.key
    async with client() as http:
        for path in (f"/slots?api_key={key}", f"/slots?access_token={key}", f"/slots?key={key}"):
            problem_of(await http.get(url + path), 401, "unauthenticated")
        for headers in (
            {"x-api-key": key},
            {"cookie": f"session={key}"},
            {"authorization": f"Basic {key}"},
            {"authorization": key},
            {"authorization": f"Bearer {key} {key}"},
            {"authorization": f"Bearer {key[:-1]}"},
            {"authorization": f"Bearer {key.swapcase()}"},
            {"authorization": f"Bearer {ada.browser.cookies['session']}"},
            {"proxy-authorization": f"Bearer {key}"},
        ):
            answer = await http.get(f"{url}/slots", headers=headers)
            problem_of(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"] == "Bearer"
    # A wrong key is not saved by a cookie that is right.
    answer = await ada.browser._http.get(f"{url}/slots", headers={"authorization": "Bearer gcs_x"})
    problem_of(answer, 401, "unauthenticated")


async def test_api3_what_the_service_alone_writes_cannot_be_sent(ada: Person) -> None:
    """Broken object property level authorization: mass assignment is refused, and tells nothing secret."""
    slot = await ada.app.create("Mine", wait=True)
    others = {"user_id": ada.app.user_id, "owner": "me", "refresh_token": "x", "etag": '"1"', "dirty": False}
    read_only = {name: value for name, value in slot.items() if name not in SlotPatch.model_fields}
    assert {"id", "version", "google", "sync", "source", "deleted_at"} <= set(read_only)
    for name, value in {**read_only, **others}.items():
        for method, path, body in (
            ("POST", "/slots", {**SLOT, name: value}),
            ("PATCH", f"/slots/{slot['id']}", {name: value}),
            ("PUT", f"/slots/{slot['id']}", {**SLOT, name: value}),
        ):
            answer = problem_of(await ada.app.call(method, path, json=body), 422, "validation-failed")
            assert [each["pointer"] for each in answer["errors"]] == [f"/{name}"]
    for path, body in (
        ("/auth/users", {"email": "x@example.com", "email_proven": True}),
        ("/auth/users", {"email": "x@example.com", "id": ada.app.user_id}),
        ("/auth/keys", {"name": "x", "user_id": ada.app.user_id}),
        ("/auth/keys", {"name": "x", "scopes": ["admin"]}),
        ("/webhooks/subscriptions", {"url": "http://127.0.0.1:9/", "secret": "whsec_x"}),
        ("/auth/google/disconnect", {"user_id": ada.app.user_id}),
    ):
        problem_of(await ada.app.call("POST", path, json=body), 422, "validation-failed")
    assert await ada.app.slot(slot) == slot
    told = json.dumps([await ada.app.get(path) for path in ("/auth/users/me", "/auth/keys", "/sync/status")])
    for name in ("hash", "token", "secret", "verifier", "nonce"):
        assert name not in told


async def test_api4_everything_that_can_be_asked_for_has_an_end(
    any_service: Server, shared_google: GoogleServer
) -> None:
    """Unrestricted resource consumption: pages, windows, series, batches, texts, lists, keys, webhooks."""
    async with somebody(any_service.url, shared_google.url) as person:
        app = person.app
        forever = await app.create("Forever", recurrence=["RRULE:FREQ=DAILY"])
        window = {"from": "2026-01-01T00:00:00Z", "to": "2027-06-01T00:00:00Z"}
        refusals: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", "/slots", {"params": {"limit": "201"}}),
            ("GET", "/slots/changes", {"params": {"limit": "1000000"}}),
            ("GET", "/slots", {"params": {**window, "expand": "true"}}),
            ("GET", "/slots", {"params": {"expand": "true"}}),
            ("GET", "/slots/free-busy", {"params": window}),
            ("GET", "/slots", {"params": {"q": "x" * 10_000}}),
            ("POST", "/slots", {"json": {**SLOT, "title": "x" * 1025}}),
            ("POST", "/slots", {"json": {**SLOT, "recurrence": ["RRULE:FREQ=DAILY"] * 101}}),
            ("POST", "/slots", {"json": {**SLOT, "recurrence": ["RRULE:FREQ=SECONDLY"]}}),
            ("POST", "/slots", {"json": {**SLOT, "attendees": [{"email": f"{n}@x.y"} for n in range(1001)]}}),
            ("POST", "/slots/batch", {"json": {"items": [{"action": "delete", "id": forever["id"]}] * 101}}),
        ]
        for method, path, options in refusals:
            problem_of(await app.call(method, path, **options), 422, "validation-failed")
        year = {"from": "2026-07-01T00:00:00Z", "to": "2027-07-01T00:00:00Z", "expand": "true"}
        assert len((await app.get("/slots", **year, limit=200))["items"]) == 200
        for number in range(MOST_PER_USER):
            body = {"url": f"http://127.0.0.1:9/{number}"}
            await app.post("/webhooks/subscriptions", body, status=201)
        more = await app.call("POST", "/webhooks/subscriptions", json={"url": "http://127.0.0.1:9/more"})
        assert problem_of(more, 409, "too-many-subscriptions")["limit"] == MOST_PER_USER
        answers = await asyncio.gather(
            *(app.call("POST", "/auth/keys", json={"name": str(n)}) for n in range(MOST_KEYS + 4))
        )
        assert [each.status_code for each in answers].count(201) == MOST_KEYS - 1
        assert {each.status_code for each in answers} == {201, 409}


async def test_api5_what_is_the_administrators_is_nobody_elses(
    ada: Person, shared_google: GoogleServer
) -> None:
    """Broken function level authorization, both ways round."""
    async with somebody(ada.app.url, shared_google.url, "mallory") as mallory, client() as http:
        page = await mallory.app.get("/auth/users", limit=200)
        assert [each["id"] for each in page["items"]] == [mallory.app.user_id]
        for path in (f"/auth/initialize/{ada.app.user_id}", f"/webhooks/setup/{ada.app.user_id}"):
            problem_of(await mallory.app.call("POST", path), 404, "not-found")
        for method in ("TRACE", "CONNECT", "PROPFIND", "DEBUG"):
            answer = await http.request(method, f"{ada.app.url}/slots")
            assert answer.status_code in (400, 404, 405), method
        for override in ({"x-http-method-override": "DELETE"}, {"x-method-override": "DELETE"}):
            await mallory.app.call("GET", "/auth/users/me", headers=override)
        assert (await mallory.app.get("/auth/users/me"))["id"] == mallory.app.user_id
        administrator = App(http, ada.app.url, ADMIN_KEY, "")
        for path in ("/slots", "/auth/users/me", "/auth/keys", "/sync/status", "/webhooks/subscriptions"):
            problem_of(await administrator.call("GET", path), 403, "forbidden")
        problem_of(await administrator.call("DELETE", "/auth/users/me"), 403, "forbidden")


async def test_api6_a_flow_that_is_repeated_by_a_program_gains_nothing(
    ada: Person, any_service: Server
) -> None:
    """Unrestricted access to sensitive business flows; how often at all is in `test_rate_limits.py`."""
    async with client() as http:
        body = {"email": f"many-{any_service.port}@example.com"}
        made = await asyncio.gather(*(http.post(f"{ada.app.url}/auth/users", json=body) for _ in range(10)))
        assert sorted(each.status_code for each in made) == [201] + [409] * 9
        assert all("api_key" not in each.text for each in made if each.status_code == 409)
    since = await ada.google.request_count()
    started = await asyncio.gather(
        *(ada.app.call("POST", f"/auth/initialize/{ada.app.user_id}") for _ in range(10))
    )
    assert {each.status_code for each in started} == {202}
    await ada.come_to_rest()
    assert len(await ada.google.channels()) == 1
    watched = [each for each in await ada.google.requests(since) if each["path"].endswith("/watch")]
    assert len(watched) <= 1


FORGOTTEN = (
    *("/.env", "/.git/config", "/metrics", "/debug", "/admin", "/redoc", "/server-status", "/main.py"),
    *("/sandbox", "/sandbox/_control/state", "/_control/state", "/docs/main.py", "/docs/..%2fmain.py"),
)
"""Doors that others left open; the simulated Google is not served where there is another one."""


async def test_api8_errors_tell_what_the_caller_did_and_nothing_of_the_service(ada: Person) -> None:
    """Security misconfiguration: no trace, no path, no SQL, no version; no door that somebody forgot."""
    odd = [
        ("GET", "/slots/x"),
        ("GET", "/slots?limit='%20OR%201=1--"),
        ("GET", "/slots?q=%27%3B%20DROP%20TABLE%20users%3B--"),
        ("GET", "/slots?cursor=%7B%7B7*7%7D%7D"),
        ("GET", "/..%2f..%2fetc%2fpasswd"),
        ("GET", "/docs/..%2f..%2fmain.py"),
        ("GET", "/docs/%2e%2e/%2e%2e/etc/passwd"),
        ("POST", "/slots"),
        ("GET", "/auth/google/callback?error=%3Cscript%3E"),
    ]
    for method, path in odd:
        answer = await ada.app.call(method, path)
        assert answer.status_code < 500, (path, answer.text)
        for leak in ("Traceback", 'File "', "sqlalchemy", "SELECT ", "asyncpg", "sqlite", "<script", "root:"):
            assert leak not in answer.text, (path, answer.text)
        assert not {"server", "x-powered-by"} & set(answer.headers)
    for path in FORGOTTEN:
        problem_of(await ada.app.call("GET", path), 404, "not-found")


async def test_api9_what_answers_is_what_the_document_says(ada: Person) -> None:
    """Improper inventory management: the service has the routes of the kept document, and no older ones."""
    running = await ada.app.get("/openapi.json")
    kept = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert running["paths"].keys() == kept["paths"].keys()
    told = {(method.upper(), path) for path, each in running["paths"].items() for method in each}
    declared = {(each.method, each.path) for each in declared_routes(application)}
    assert told <= declared
    assert declared - told <= PUBLIC
    for prefix in ("/v0", "/v1", "/api", "/api/v1", "/beta", "/internal"):
        problem_of(await ada.app.call("GET", f"{prefix}/slots"), 404, "not-found")
