"""OWASP's API7 and API10: whom the service calls, and what it believes of the answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tests.e2e.app import problem_of
from tests.e2e.public import PUBLIC_URL, public_client
from tests.e2e.world import somebody

if TYPE_CHECKING:
    from tests.e2e.servers import GoogleServer, Server

INSIDE = [
    "https://127.0.0.1/",
    "https://localhost/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a00:1]/",
    "https://10.0.0.1/",
    "https://192.168.1.1/",
    "https://172.16.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1%25eth0]/",
    "https://[64:ff9b::a00:1]/",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://metadata.google.internal/",
    "https://database/",
    "https://printer.local/",
    "https://app.example.com:22/",
    "https://app.example.com:5432/",
    "http://app.example.com/",
    "https://user:password@app.example.com/",
    "https://app.example.com\\@127.0.0.1/",
    "https://app.example.com/#@127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "ftp://app.example.com/",
    "//127.0.0.1/",
    "https://",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
]


async def test_api7_the_service_fetches_nothing_inside_its_own_network(
    public_service: Server, shared_google: GoogleServer
) -> None:
    """Server-side request forgery: by webhooks, by names that lead inside, by what Google is said to be."""
    async with somebody(PUBLIC_URL, shared_google.url, via=partial(public_client, public_service)) as person:
        app = person.app
        for url in INSIDE:
            answer = await app.call("POST", "/webhooks/subscriptions", json={"url": url})
            if answer.status_code == 201:
                # It looks like a name; whatever a resolver makes of it is checked at the socket.
                tested = await app.post(f"/webhooks/subscriptions/{answer.json()['id']}/test")
                assert (tested["succeeded"], tested["status_code"]) == (False, None), url
            else:
                problem_of(answer, 422, "validation-failed")
        inner = shared_google.url
        for name in ("iss", "redirect_uri", "token_uri", "code", "scope"):
            asked = {"state": "x", "code": "x", name: f"{inner}/secret"}
            answer = await person.browser.go(f"{PUBLIC_URL}/auth/google/callback?{_query(asked)}")
            problem_of(answer, 400, "oauth-state-invalid")
        asked = (await person.google.control("GET", "/requests"))["requests"]
        assert [each for each in asked if each["path"].endswith("/secret")] == []


def _query(values: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in values.items())


HARMFUL = [
    "<script>alert(1)</script>",
    "'); DROP TABLE fixed_slots;--",
    "{{7*7}} ${7*7} %s %n",
    "a\r\nSet-Cookie: session=x\r\n\r\nEND:VCALENDAR",
    "\u202eevil\u2066",
]
NO_ANSWERS: list[dict[str, Any]] = [
    {"kind": "answer", "status": 302, "headers": {"Location": "http://127.0.0.1:1/steal"}},
    {"kind": "answer", "status": 200, "body": "[" * 100_000},
    {"kind": "answer", "status": 200, "body": {"items": [{"id": 7, "start": "never"}]}},
    {"kind": "answer", "status": 200, "body": {"items": "none", "nextSyncToken": 5}},
    {"kind": "not_json"},
]


async def test_api10_what_google_sends_is_kept_as_text_and_believed_no_further(
    any_service: Server, shared_google: GoogleServer
) -> None:
    """Unsafe consumption of APIs: events that mean harm, answers that are none, redirects that lead away."""
    async with somebody(any_service.url, shared_google.url) as ada:
        await ada.connect()
        for text in HARMFUL:
            await ada.google.create("Harmful", description=text, location=text)
        await ada.app.shows(*["Harmful"] * len(HARMFUL))
        answer = await ada.app.call("GET", "/slots")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        told = [each["description"] for each in answer.json()["items"]]
        assert sorted(told) == sorted(text.replace("\r\n", "\n") for text in HARMFUL)
        feed = (await ada.app.post("/slots/feed", status=201))["url"]
        lines = (await ada.app._http.get(feed)).text.splitlines()
        assert lines.count("END:VCALENDAR") == 1
        assert [each for each in lines if each.startswith("Set-Cookie")] == []
        for order in NO_ANSWERS:
            await ada.google.no_more_faults()
            await ada.google.fault(**order, method="GET", path="/events$")
            answer = await ada.app.call("POST", "/sync/trigger", headers={"prefer": "wait=1"})
            assert answer.status_code in (200, 202), answer.text
            assert await ada.app.titles() == ["Harmful"] * len(HARMFUL)
        await ada.google.no_more_faults()
