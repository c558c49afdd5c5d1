"""What no person writes: refused as what it is by either database, and nothing of it stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.e2e.world import somebody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.e2e.servers import GoogleServer, Server
    from tests.e2e.world import Person

JSON = {"content-type": "application/json"}
TEXTS = ("title", "description", "location", "timezone", "calendar_id")
SLOT = {
    "title": "Kept",
    "start": "2026-07-01T10:00:00+02:00",
    "end": "2026-07-01T11:00:00+02:00",
    "timezone": "Europe/Paris",
}


@pytest.fixture
async def eve(any_service: Server, shared_google: GoogleServer) -> AsyncIterator[Person]:
    """Somebody with one slot, a webhook and a key; whatever she sends, that is what she has at the end."""
    async with somebody(any_service.url, shared_google.url, "eve") as person:
        await person.app.create("Kept")
        before = await everything(person)
        yield person
        assert await everything(person) == before


async def everything(person: Person) -> list[Any]:
    paths = ("/slots", "/auth/users/me", "/webhooks/subscriptions", "/sync/conflicts", "/slots/feed")
    found = [await person.app.get(path) for path in paths]
    return [*found, [key["name"] for key in (await person.app.get("/auth/keys"))["items"]]]


def refused(answer: httpx.Response, *allowed: int) -> None:
    """A problem of the caller's, told as one."""
    assert answer.status_code in (allowed or (400, 404, 422)), (answer.request.url, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"


def slot(**fields: Any) -> bytes:
    return orjson.dumps({**SLOT, **fields})


async def everywhere(person: Person, body: bytes) -> None:
    """Send one body wherever a slot can stand; it is refused as what it says."""
    [kept] = await person.app.slots()
    answer = await person.app.call("PATCH", f"/slots/{kept['id']}", content=body, headers=JSON)
    refused(answer, 422)
    await everywhere_but_patched(person, body)


async def everywhere_but_patched(person: Person, body: bytes) -> None:
    """A patch has the zone of what it patches, so times without one say something there."""
    [kept] = await person.app.slots()
    for method, path in (("POST", "/slots"), ("PUT", f"/slots/{kept['id']}")):
        refused(await person.app.call(method, path, content=body, headers=JSON), 422)
    batch = b'{"items": [{"action": "create", "slot": ' + body + b"}]}"
    answer = await person.app.call("POST", "/slots/batch", content=batch, headers=JSON)
    if answer.status_code == 200:
        assert [each["status"] for each in answer.json()["results"]] == [422], answer.text
    else:
        refused(answer, 422)


async def test_nul(eve: Person) -> None:
    """PostgreSQL cannot store it in texts, and C libraries end there."""
    for name in (
        "title",
        "description",
        "location",
        "timezone",
        "color",
        "calendar_id",
        "start",
        "visibility",
    ):
        await everywhere(eve, slot(**{name: "a\x00b"}))
    await everywhere(eve, b'{"title": "\x00"}')
    await everywhere(eve, slot(**{"ti\x00tle": "x"}))
    await everywhere(eve, slot(recurrence=["RRULE:FREQ=DAILY\x00"]))
    await everywhere(eve, slot(attendees=[{"email": "a\x00@example.com"}]))
    refused(await eve.app.call("POST", "/auth/keys", json={"name": "a\x00b"}), 422)
    hook = {"url": "https://app.example.com/\x00", "description": "x"}
    refused(await eve.app.call("POST", "/webhooks/subscriptions", json=hook), 422)
    refused(await eve.app.call("POST", "/auth/users", json={"email": "a\x00@example.com"}), 422)
    await in_addresses(eve, "%00", "a%00b")


async def test_lone_surrogates(eve: Person) -> None:
    """Half a character, which UTF-8 has no form for."""
    for half in ("\\ud800", "\\udfff", "a\\ud83d", "\\udc00\\ud800"):
        for name in TEXTS:
            body = slot(**{name: "HALF"}).replace(b"HALF", half.encode())
            await everywhere(eve, body)
        await everywhere(eve, b'{"%s": 1}' % half.encode())
        for path, name in (("/auth/keys", "name"), ("/auth/users", "email")):
            body = b'{"%s": "%s"}' % (name.encode(), half.encode())
            refused(await eve.app.call("POST", path, content=body, headers=JSON), 422)
    await everywhere(eve, b'{"title": "\xed\xa0\x80"}')
    await in_addresses(eve, "%ED%A0%80", "%ff", "%C0%80")


async def in_addresses(person: Person, *texts: str) -> None:
    """Send texts, already quoted, wherever an address has room; what is only looked for is not found."""
    [kept] = await person.app.slots()
    for text in texts:
        for path in (
            f"/slots/{text}",
            f"/slots/{kept['id']}/history/{text}/undo",
            f"/slots/{kept['id']}_{text}",
            f"/slots?cursor={text}",
            f"/slots?from={text}",
            f"/slots?limit={text}",
            f"/slots?sync_state={text}",
            f"/slots/changes?cursor={text}",
            f"/slots/free-busy?from={text}&to={text}",
            f"/slots/feed.ics?key={text}",
            f"/auth/google/authorize?return_to={text}",
            f"/auth/google/authorize?ticket={text}",
            f"/auth/google/callback?state={text}&code={text}",
            f"/webhooks/subscriptions/{text}",
            f"/sync/conflicts/{text}/resolve",
        ):
            method = "POST" if path.endswith(("/undo", "/resolve")) else "GET"
            refused(await person.app.call(method, path, json={} if method == "POST" else None))
        for path in (f"/slots?q={text}", f"/slots?calendar_id={text}"):
            answer = await person.app.call("GET", path)
            assert answer.status_code in (200, 422), answer.text
            assert answer.status_code == 422 or answer.json()["items"] == []
        refused(await person.app.call("PUT", f"/calendars/{text}", json={"selected": True}), 404, 409, 422)


async def test_giant_ids(eve: Person) -> None:
    """Numbers beyond what a column holds, and texts beyond what anybody wants to look up."""
    [kept] = await eve.app.slots()
    texts = (
        "9" * 30,
        "9" * 4_000,
        "-1",
        "9223372036854775808",
        "1e400",
        "a" * 4_000,
        "0" * 64,
        "..%2F" * 100,
    )
    for text in texts:
        for method, path in (
            ("GET", f"/slots/{text}"),
            ("DELETE", f"/slots/{text}"),
            ("GET", f"/slots/{kept['id']}_{text}"),
            ("POST", f"/slots/{kept['id']}/history/{text}/undo"),
            ("GET", f"/slots?cursor={text}"),
            ("GET", f"/slots/changes?cursor={text}"),
            ("DELETE", f"/auth/keys/{text}"),
            ("POST", f"/sync/conflicts/{text}/resolve"),
            ("POST", f"/sync/quarantine/{text}/release"),
            ("POST", f"/auth/initialize/{text}"),
            ("GET", f"/webhooks/subscriptions/{text}/deliveries"),
        ):
            body = {"keep": "winner"} if path.endswith("resolve") else None
            refused(await eve.app.call(method, path, json=body), 404, 405, 422)
        headers = {"last-event-id": text[:1000]}
        refused(await eve.app.call("GET", "/slots/stream", headers=headers), 422, 410)
        match = await eve.app.call("DELETE", f"/slots/{kept['id']}", headers={"if-match": f'"{text[:1000]}"'})
        refused(match, 412, 422)
    for minutes in (b"9" * 30, b"9" * 5_000, b"1e400", b"-9223372036854775809"):
        overrides = b'{"overrides": [{"method": "popup", "minutes": %s}]}' % minutes
        await everywhere(eve, slot(reminders=0).replace(b'"reminders":0', b'"reminders":' + overrides))
    for count in ("9" * 30, "99999999999", "-1", "0"):
        await everywhere(eve, slot(recurrence=[f"RRULE:FREQ=DAILY;COUNT={count}"]))
        await everywhere(eve, slot(recurrence=[f"RRULE:FREQ=DAILY;INTERVAL={count}"]))
    key = {"idempotency-key": "k" * 4_000}
    refused(await eve.app.call("POST", "/slots", json=SLOT, headers=key), 422)


async def test_year_10000(eve: Person) -> None:
    """Beyond what dates can be, or what an offset moves beyond it."""
    moments = [
        "10000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "9999-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "-0001-01-01T00:00:00Z",
        "+012026-01-01T00:00:00Z",
        "253402300800",
    ]
    for moment in moments:
        await everywhere(eve, slot(start=moment))
        await everywhere(eve, slot(end=moment))
        for name in ("from", "to"):
            quoted = moment.replace("+", "%2B")
            refused(await eve.app.call("GET", f"/slots?{name}={quoted}"), 422)
        key = {"name": "late", "expires_at": moment}
        if moment != "9999-12-31T23:59:59Z":
            refused(await eve.app.call("POST", "/auth/keys", json=key), 422)
    for day in ("10000-01-01", "9999-12-31", "0000-01-01"):
        await everywhere(eve, orjson.dumps({"title": "Day", "start": day, "end": day}))
    late = ["RRULE:FREQ=DAILY;UNTIL=100000101T000000Z", "RRULE:FREQ=YEARLY;UNTIL=99991231T235959Z"]
    await everywhere(eve, slot(recurrence=late[:1]))
    [kept] = await eve.app.slots()
    for instance in ("99991231T235959Z", "00010101T000000Z", "100000101"):
        refused(await eve.app.call("GET", f"/slots/{kept['id']}_{instance}"), 404, 422)
        refused(await eve.app.call("GET", f"/slots/{kept['id']}", params={"instance": instance}), 404, 422)


async def test_naive_times(eve: Person) -> None:
    """A time without a zone means nothing, and none is guessed."""
    naive = {"title": "Naive", "start": "2026-07-01T10:00:00", "end": "2026-07-01T11:00:00"}
    for body in (
        naive,
        {**naive, "start": "2026-07-01T10:00:00Z"},
        {**naive, "timezone": ""},
        {**naive, "timezone": "Mars/Olympus"},
        {**naive, "timezone": "+02:00"},
        {**naive, "timezone": "../../etc/passwd"},
        {**naive, "start": "2026-07-01T10:00", "timezone": None},
        {**naive, "start": "2026-07-01 10:00:00"},
        {**naive, "start": 1782892800, "end": 1782896400},
        {**naive, "start": "2026-07-01"},
    ):
        await everywhere_but_patched(eve, orjson.dumps(body))
    for query in ("from=2026-07-01T10:00:00", "to=2026-07-01", "from=1782892800"):
        refused(await eve.app.call("GET", f"/slots?{query}"), 422)
    refused(
        await eve.app.call("GET", "/slots/free-busy?from=2026-07-01T10:00:00&to=2026-07-02T10:00:00"), 422
    )
    key = {"name": "naive", "expires_at": "2030-01-01T00:00:00"}
    refused(await eve.app.call("POST", "/auth/keys", json=key), 422)


async def test_headers_that_make_no_sense(eve: Person) -> None:
    """What a header says is never trusted further than it can be read."""
    raw: list[tuple[bytes, bytes]] = [
        (b"prefer", b"wait=" + b"9" * 400),
        (b"prefer", b"\xff\xfe"),
        (b"if-none-match", b"\xff" * 100),
        (b"x-request-id", b"\xff" * 500),
        (b"accept", b"\xff/\xff"),
        (b"cookie", b"; ".join([b"session=\xff"] * 50)),
        (b"origin", b"\xff"),
        (b"x-forwarded-for", b"\xff, ::::, 999.1.1.1"),
        (b"range", b"bytes=0-99999999999999999999"),
        (b"traceparent", b"\xfe" * 200),
    ]
    for name, value in raw:
        headers = [(b"authorization", f"Bearer {eve.app.key}".encode()), (name, value)]
        answer = await eve.app._http.get(f"{eve.app.url}/slots", headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-request-id"].isascii()
