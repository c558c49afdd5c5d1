"""What another site's page makes a browser do: it reads, changes and shows nothing of ours."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.e2e.app import problem_of
from tests.e2e.browser import NAVIGATION
from tests.e2e.public import FRONTEND, HOST, PUBLIC_URL, public_client
from tests.e2e.world import somebody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.e2e.servers import GoogleServer, Server
    from tests.e2e.world import Person

SLOT = {"title": "By a browser", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T11:00:00Z"}
EVIL_HOST = "evil.example"
EVIL = [
    "https://evil.example",
    "null",
    "http://calendar.example.com",
    "https://calendar.example.com.evil.example",
    "https://calendar.example.com:444",
    "https://app.example.com.evil.example",
    "https://evilapp.example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://APP.example.com",
    "https://app.example.com/",
    "https://xapp.example.com",
    "https://neighbour.example.com",
    "http://127.0.0.1:1",
    "",
]


@pytest.fixture
async def ada(public_service: Server, shared_google: GoogleServer) -> AsyncIterator[Person]:
    """Somebody who is signed in over the internet, with a slot."""
    via = partial(public_client, public_service)
    async with somebody(PUBLIC_URL, shared_google.url, via=via) as person:
        assert (await person.link()).status_code == 200
        keys = f"{PUBLIC_URL}/auth/keys"
        key = await person.browser.fetch("POST", keys, page=PUBLIC_URL, body={"name": "x"})
        person.app.key = key.json()["api_key"]
        made = await person.browser.fetch("POST", f"{PUBLIC_URL}/slots", page=PUBLIC_URL, body=SLOT)
        assert made.status_code == 201, made.text
        yield person


async def test_cross_site_cookie_posts(ada: Person) -> None:
    """Cross-site request forgery, whatever the page's origin and whatever a browser says or does not say."""
    browser = ada.browser
    [slot] = (await browser.fetch("GET", f"{PUBLIC_URL}/slots", page=PUBLIC_URL)).json()["items"]
    tried: list[tuple[str, str, object]] = [
        ("POST", "/slots", SLOT),
        ("PUT", f"/slots/{slot['id']}", SLOT),
        ("DELETE", f"/slots/{slot['id']}", None),
        ("POST", "/auth/keys", {"name": "theirs"}),
        ("POST", "/slots/feed", None),
        ("POST", "/webhooks/subscriptions", {"url": "https://evil.example/hook"}),
        ("POST", "/sync/trigger", None),
        ("POST", "/auth/google/disconnect", {"remote": "delete"}),
        ("POST", "/auth/logout", None),
        ("DELETE", "/auth/users/me", None),
    ]
    for page in EVIL:
        for method, path, body in tried:
            answer = await browser.fetch(method, f"{PUBLIC_URL}{path}", page=page, body=body)
            problem_of(answer, 403, "cross-site-request")
    # Older browsers send no Sec-Fetch-Site; a lying header is of no use without the right Origin.
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "origin": PUBLIC_URL},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "nonsense"},
    ):
        answer = await browser._http.post(f"{PUBLIC_URL}/slots", json=SLOT, headers=headers)
        problem_of(answer, 403, "cross-site-request")
    own = await browser.fetch("GET", f"{PUBLIC_URL}/slots/{slot['id']}", page=PUBLIC_URL)
    assert own.json()["version"] == slot["version"]
    for path, count in (("/slots", 1), ("/auth/keys", 1), ("/webhooks/subscriptions", 0)):
        found = (await browser.fetch("GET", f"{PUBLIC_URL}{path}", page=PUBLIC_URL)).json()["items"]
        assert len(found) == count, path
    assert (await ada.app.get("/auth/users/me"))["google"]["connected"]


async def test_a_form_cannot_pose_as_json(ada: Person) -> None:
    """Forms are the posts that browsers send elsewhere without asking."""
    http = ada.browser._http
    forms = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "")
    for form in forms:
        for site in ("same-origin", "same-site", "cross-site"):
            headers = {"content-type": form, "sec-fetch-site": site, "sec-fetch-mode": "navigate"}
            answer = await http.post(f"{PUBLIC_URL}/slots", content=b'{"title": "x"}', headers=headers)
            problem_of(answer, 415, "unsupported-media-type")
    assert len(await ada.app.slots()) == 1


async def test_cors_from_evil_origins(ada: Person) -> None:
    """No page but those of the settings may read an answer, or is told that it may send a request."""
    http = ada.browser._http
    for origin in EVIL:
        for path in ("/slots", "/auth/users/me", "/openapi.json", "/nothing", "/auth/google/callback"):
            answer = await http.get(f"{PUBLIC_URL}{path}", headers={"origin": origin})
            assert "access-control-allow-origin" not in answer.headers, origin
        asked = {
            "origin": origin,
            "access-control-request-method": "DELETE",
            "access-control-request-headers": "authorization",
        }
        preflight = await http.options(f"{PUBLIC_URL}/auth/users/me", headers=asked)
        assert preflight.status_code >= 400
        assert "access-control-allow-origin" not in preflight.headers
    allowed = await http.get(f"{PUBLIC_URL}/slots", headers={"origin": FRONTEND})
    assert allowed.headers["access-control-allow-origin"] == FRONTEND
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert "origin" in allowed.headers["vary"].lower()


async def test_host_header(ada: Person) -> None:
    """DNS rebinding, and whatever makes addresses out of a name that the caller chose."""
    http = ada.app._http
    key = {"authorization": f"Bearer {ada.app.key}"}
    hosts = (EVIL_HOST, f"{EVIL_HOST}:443", f"{HOST}.evil.example", f"evil.{HOST}", f"{HOST}@evil.example",
             f"{HOST}\\.evil.example", f"{HOST}, evil.example", "[::1", "localhost.evil.example",
             "127.0.0.1.evil.example", "0.0.0.0", "169.254.169.254", "")  # fmt: skip
    for host in hosts:
        for path in ("/slots", "/docs", "/openapi.json", "/auth/google/authorize", "/nothing"):
            answer = await http.get(f"{PUBLIC_URL}{path}", headers={"host": host, **NAVIGATION, **key})
            problem_of(answer, 400, "untrusted-host")
            assert "evil" not in answer.text
        answer = await http.post(f"{PUBLIC_URL}/slots", json=SLOT, headers={"host": host, **key})
        problem_of(answer, 400, "untrusted-host")
    lies = {
        "x-forwarded-host": "evil.example",
        "x-original-host": "evil.example",
        "forwarded": "host=evil.example",
    }
    for path in ("/slots/feed", "/slots"):
        body = SLOT if path == "/slots" else None
        made = await http.post(f"{PUBLIC_URL}{path}", json=body, headers={**key, **lies})
        assert made.status_code == 201
        assert "evil" not in str(made.headers) + made.text


async def test_the_cookie_is_bound_to_this_host(ada: Person) -> None:
    """A neighbouring subdomain can plant a cookie, but none with the prefix that the service reads."""
    browser = ada.browser
    answer = await browser.sign_in(PUBLIC_URL, account=ada.google.email)
    [cookie] = [each for each in answer.headers.get_list("set-cookie") if "session" in each.partition("=")[0]]
    name, _, value = cookie.partition(";")[0].partition("=")
    assert name == "__Host-session"
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= set(cookie.lower().split("; "))
    assert "domain" not in cookie.lower()
    for planted in ("session", "__Secure-session", "__host-session"):
        planting = {"cookie": f"{planted}={value}"}
        problem_of(await ada.app._http.get(f"{PUBLIC_URL}/slots", headers=planting), 401, "unauthenticated")
    for way in ("Bearer", "Session"):
        header = {"authorization": f"{way} {value}"}
        problem_of(await ada.app._http.get(f"{PUBLIC_URL}/slots", headers=header), 401, "unauthenticated")


async def test_nothing_of_ours_is_framed_sniffed_or_kept(ada: Person) -> None:
    http = ada.browser._http
    for path in ("/slots", "/", "/docs", "/openapi.json", "/nothing", "/auth/google/callback", "/health"):
        headers = (await http.get(f"{PUBLIC_URL}{path}", headers=NAVIGATION)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        # Swagger's page has styles of its own; scripts come from files of this service, or not at all.
        policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
        assert policy.get("script-src", "'self'") == "'self'", path
        assert policy["default-src"] == "'none'", path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["strict-transport-security"] == "max-age=31536000"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
