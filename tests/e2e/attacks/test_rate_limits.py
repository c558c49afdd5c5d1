"""Who asks too often is told when to come back, and nobody beside them suffers."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

from services.rate_limits import COSTLY, FEED, FORGED, OAUTH, REFUSED, REGISTRATION, WINDOW
from tests.e2e.app import App, problem_of
from tests.e2e.attacks.test_forged_webhooks import PATH as HOOK
from tests.e2e.attacks.test_forged_webhooks import headers_of
from tests.e2e.servers import ADMIN_KEY, GENERAL_LIMIT
from tests.e2e.world import client, somebody

if TYPE_CHECKING:
    import httpx

    from tests.e2e.servers import GoogleServer, Server

_numbers = itertools.count(1)


def elsewhere(address: str | None = None) -> httpx.AsyncClient:
    """A client at an address, as the proxy in front says: one that nobody had before."""
    http = client()
    http.headers["x-forwarded-for"] = address or f"203.0.113.{next(_numbers)}"
    return http


async def new_person(http: httpx.AsyncClient, server: Server) -> App:
    """Somebody whom the administrator registers, so that it is not counted for an address."""
    administrator = App(http, server.url, ADMIN_KEY, "")
    email = f"limited-{next(_numbers)}@example.com"
    made = await administrator.post("/auth/users", {"email": email}, status=201)
    return App(http, server.url, made["api_key"], made["id"])


def told(answer: httpx.Response, status: int = 429) -> int:
    """The seconds that the answer says, which are those of the window and no more."""
    body = problem_of(answer, status, "too-many-requests")
    assert answer.headers["retry-after"] == str(body["retry_after"])
    assert 1 <= body["retry_after"] <= WINDOW.total_seconds()
    return int(body["retry_after"])


async def until_refused(
    http: httpx.AsyncClient, times: int, method: str, url: str, *, status: int = 429, **options: Any
) -> None:
    """So many pass, and the next ones do not, each told to wait no longer than the one before."""
    for _ in range(times):
        answer = await http.request(method, url, **options)
        assert answer.status_code != status, answer.text
    first = told(await http.request(method, url, **options), status)
    assert told(await http.request(method, url, **options), status) <= first


async def test_requests_of_one_user_from_wherever(limited_service: Server) -> None:
    async with elsewhere() as here, elsewhere() as there:
        eve, bob = await new_person(here, limited_service), await new_person(here, limited_service)
        for http in itertools.islice(itertools.cycle((here, there)), GENERAL_LIMIT):
            eve._http = http
            assert (await eve.call("GET", "/auth/keys")).status_code == 200
        told(await eve.call("GET", "/auth/keys"))
        told(await eve.call("POST", "/slots", json={}))
        assert await bob.slots() == []


async def test_requests_of_one_address_without_a_credential(limited_service: Server) -> None:
    url = limited_service.url
    async with elsewhere() as http, elsewhere() as neighbour:
        await until_refused(http, GENERAL_LIMIT, "GET", f"{url}/docs/start.js")
        told(await http.get(f"{url}/nothing/here"))
        assert (await http.get(f"{url}/health")).status_code == 200
        assert (await neighbour.get(f"{url}/docs/start.js")).status_code == 200


async def test_failed_authentication_by_address(limited_service: Server) -> None:
    """Guessed keys, sessions and feed keys count; whoever has a valid one is let in all the same."""
    url = limited_service.url
    async with elsewhere() as http:
        ada = await new_person(http, limited_service)
        feed = (await ada.post("/slots/feed", status=201))["url"]
        guesses: list[tuple[str, dict[str, str]]] = [
            ("/slots", {"authorization": "Bearer gcs_guessed"}),
            ("/slots", {"cookie": "session=guessed"}),
            ("/slots/feed.ics?key=gcf_guessed", {}),
        ]
        for number in range(REFUSED.per_minute):
            # Each feed key has a limit of its own, so each guess is another one.
            path, headers = guesses[number % len(guesses)]
            answer = await http.get(f"{url}{path}{number}" if "key=" in path else url + path, headers=headers)
            assert answer.status_code in (401, 404), answer.text
        for path, headers in guesses:
            told(await http.get(f"{url}{path}", headers=headers))
        assert await ada.slots() == []
        assert (await http.get(feed)).status_code == 200


async def test_registration_by_address(limited_service: Server) -> None:
    path, name = f"{limited_service.url}/auth/users", f"bot-{next(_numbers)}"
    async with elsewhere("2001:db8:1:2::7") as http, elsewhere("2001:db8:1:2:9::7") as same_network:
        for number in range(REGISTRATION.per_minute):
            body = {"email": f"{name}-{number}@example.com"}
            assert (await http.post(path, json=body)).status_code == 201
        for each in (http, same_network):
            told(await each.post(path, json={"email": f"{name}-more@example.com"}))
        for _ in range(REGISTRATION.per_minute + 1):
            await new_person(http, limited_service)


async def test_what_makes_google_be_called_by_user(limited_service: Server) -> None:
    async with elsewhere() as http:
        eve, bob = await new_person(http, limited_service), await new_person(http, limited_service)
        paths = ["/sync/trigger", "/sync/push-all", f"/auth/initialize/{eve.user_id}"]
        for number in range(COSTLY.per_minute):
            answer = await eve.call("POST", paths[number % len(paths)])
            problem_of(answer, 409, "google-not-connected")
        for path in (*paths, f"/webhooks/setup/{eve.user_id}"):
            told(await eve.call("POST", path))
        assert await eve.slots() == []
        problem_of(await bob.call("POST", "/sync/trigger"), 409, "google-not-connected")


async def test_the_way_to_google_and_back_by_address(limited_service: Server) -> None:
    url = limited_service.url
    async with elsewhere() as http, elsewhere() as neighbour:
        callback = f"{url}/auth/google/callback?state=x&code=y"
        await until_refused(http, OAUTH.per_minute, "GET", callback)
        told(await http.get(f"{url}/auth/google/authorize?ticket=guessed"))
        problem_of(await neighbour.get(callback), 400, "oauth-state-invalid")


async def test_one_feed(limited_service: Server) -> None:
    async with elsewhere() as http:
        people = [await new_person(http, limited_service) for _ in range(2)]
        busy, other = [(await each.post("/slots/feed", status=201))["url"] for each in people]
        await until_refused(http, FEED.per_minute, "GET", busy)
        assert (await http.get(other)).status_code == 200


async def test_forged_notifications_by_address_while_no_genuine_one_is_lost(
    limited_service: Server, shared_google: GoogleServer
) -> None:
    """Google sends again after 503 and never after 429; and what has a channel is not counted at all."""
    hook, address = f"{limited_service.url}{HOOK}", f"203.0.113.{next(_numbers)}"
    via = partial(elsewhere, address)
    async with somebody(limited_service.url, shared_google.url, via=via) as ada, via() as http:
        await ada.connect()
        [channel] = await ada.google.channels()
        genuine = headers_of(channel)
        forged = {**genuine, "x-goog-channel-token": "guessed"}
        await until_refused(http, FORGED.per_minute, "POST", hook, status=503, headers=forged)
        for _ in range(3):
            assert (await http.post(hook, headers=genuine)).status_code == 204
