"""What the service refuses, and how it says so."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from services.core.errors import DatabaseUnavailableError
from tests.api.service import SLOT, problem, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping

    from tests.api.service import Person, Service

JSON = {"content-type": "application/json"}
UNKNOWN, READ_ONLY = "This field is unknown.", "This field is read-only."


def slot(**fields: Any) -> bytes:
    body = {**SLOT, **fields}
    return orjson.dumps({name: value for name, value in body.items() if value is not ...})


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": ...}, "/title"),
        ({"title": None}, "/title"),
        ({"title": ""}, "/title"),
        ({"title": "x" * 1025}, "/title"),
        ({"title": 7}, "/title"),
        ({"title": "nul\x00"}, "/title"),
        ({"description": "x" * 8193}, "/description"),
        ({"description": "nul\x00"}, "/description"),
        ({"location": "x" * 1025}, "/location"),
        ({"color": "12"}, "/color"),
        ({"color": 1}, "/color"),
        ({"color": "red"}, "/color"),
        ({"transparency": "glass"}, "/transparency"),
        ({"visibility": "secret"}, "/visibility"),
        ({"notify": "everybody"}, "/notify"),
        ({"calendar_id": "somebody@example.com"}, "/calendar_id"),
        ({"calendar_id": ""}, "/calendar_id"),
        ({"owner": "me"}, "/owner"),
        ({"version": 7}, "/version"),
        ({"user_id": "me"}, "/user_id"),
        ({"recurrence": ["RRULE:FREQ=SECONDLY"]}, "/recurrence/0"),
        ({"recurrence": ["RRULE:FREQ=DAILY", "EXDATE:never"]}, "/recurrence/1"),
        ({"recurrence": ["EXDATE:20260701T080000Z"]}, "/recurrence/0"),
        ({"recurrence": ["DTSTART:20260701T080000Z"]}, "/recurrence/0"),
        ({"recurrence": "RRULE:FREQ=DAILY"}, "/recurrence"),
        ({"recurrence": ["RRULE:FREQ=DAILY"] * 101}, "/recurrence"),
        ({"attendees": [{"email": "eve"}]}, "/attendees/0/email"),
        ({"attendees": [{"email": "eve@example.com", "optional": "no"}]}, "/attendees/0/optional"),
        ({"attendees": [{}]}, "/attendees/0/email"),
        ({"response_status": "accepted"}, "/response_status"),
        (
            {"reminders": {"use_default": True, "overrides": [{"method": "popup", "minutes": 1}]}},
            "/reminders",
        ),
        ({"reminders": {"overrides": [{"method": "sms", "minutes": 1}]}}, "/reminders/overrides/0/method"),
        (
            {"reminders": {"overrides": [{"method": "popup", "minutes": -1}]}},
            "/reminders/overrides/0/minutes",
        ),
        (
            {"reminders": {"overrides": [{"method": "popup", "minutes": 40321}]}},
            "/reminders/overrides/0/minutes",
        ),
        (
            {"reminders": {"overrides": [{"method": "popup", "minutes": "5"}]}},
            "/reminders/overrides/0/minutes",
        ),
        (
            {"reminders": {"overrides": [{"method": "popup", "minutes": n} for n in range(6)]}},
            "/reminders/overrides",
        ),
        ({"start": ...}, "/start"),
        ({"start": None}, "/start"),
        ({"start": "tomorrow"}, "/start"),
        ({"start": 1782892800}, "/start"),
        ({"start": "2026-07-01T10:00:00.5Z"}, "/start"),
        ({"start": "2026-07-01 10:00:00Z"}, "/start"),
        ({"start": "20260701T100000Z"}, "/start"),
        ({"start": "2026-W27-3"}, "/start"),
        ({"start": "2026-02-30"}, "/start"),
        ({"start": "2026-07-01T25:00:00Z"}, "/start"),
        ({"start": "2026-07-01T10:00:60Z"}, "/start"),
        ({"start": "2026-07-01T10:00:00+99:00"}, "/start"),
        ({"start": "1969-12-31T23:59:59Z"}, "/start"),
        ({"start": "0000-01-01"}, "/start"),
        ({"end": "2201-01-01T00:00:00Z"}, "/end"),
        ({"end": "2026-07-01T09:59:59+02:00"}, "/end"),
        ({"end": "2026-07-02"}, "/end"),
        ({"start": "2026-07-01", "end": "2026-07-01", "timezone": ...}, "/end"),
        ({"start": "2026-07-01", "end": "2026-07-02"}, "/timezone"),
        ({"start": "2026-07-01T10:00:00", "timezone": ...}, "/start"),
        ({"end": "2026-07-01T11:00:00", "timezone": ...}, "/end"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"timezone": "../../etc/passwd"}, "/timezone"),
        ({"timezone": "localtime"}, "/timezone"),
        ({"timezone": "UTC\x00"}, "/timezone"),
        ({"timezone": "x" * 65}, "/timezone"),
    ],
)
async def test_a_slot_that_makes_no_sense(ada: Person, fields: dict[str, Any], pointer: str) -> None:
    for method, path in (("POST", "/slots"), ("PUT", f"/slots/{(await ada.create())['id']}")):
        refused(await ada.call(method, path, content=slot(**fields), headers=JSON), pointer)
    assert len(await ada.titles()) == 1


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"title": None}, "/title"),
        ({"start": None}, "/start"),
        ({"end": None}, "/end"),
        ({"start": "2026-07-01T12:00:00Z"}, "/start"),
        ({"end": "2026-07-01T01:00:00Z"}, "/end"),
        ({"start": "2026-07-01"}, "/start"),
        ({"end": "2026-07-01T10:30:00"}, "/end"),
        ({"timezone": "Nowhere"}, "/timezone"),
        ({"timezone": "Europe/Oslo", "start": "2026-07-01", "end": "2026-07-02"}, "/timezone"),
        ({"calendar_id": "somewhere"}, "/calendar_id"),
        ({"recurrence": ["RRULE:FREQ=NEVER"]}, "/recurrence/0"),
        ({"response_status": None}, "/response_status"),
        ({"id": "x"}, "/id"),
    ],
)
async def test_a_patch_that_makes_no_sense(ada: Person, patch: dict[str, Any], pointer: str) -> None:
    created = await ada.create()
    refused(await ada.patch(f"/slots/{created['id']}", json=patch), pointer)
    assert (await ada.get(f"/slots/{created['id']}")).json() == created


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"title": "\\ud800"}',
        b'{"title": NaN}',
        b'{"title": "a",}',
        b"[" * 5000,
        b"[" * 1010 + b"]" * 1010,
        b'{"title": ' + b'{"a":' * 1010 + b"1" + b"}" * 1011,
        b'{"title": Infinity}',
        b'{"title": -Infinity}',
        b'{"title": 1e999}',
        b'{"reminders": {"overrides": [{"method": "popup", "minutes": ' + b"9" * 5000 + b"}]}}",
        b'{"reminders": {"overrides": [{"method": "popup", "minutes": ' + b"9" * 30 + b"}]}}",
        b'{"\\ud800": 1}',
        b'{"\\ud800": 1, "\\ud800": 1}',
        b'{"title": "\xed\xa0\x80"}',
        b'{"title": "\x00"}',
        b'{"title": "\\u0000"}',
        b'{"title": "a"}{"title": "b"}',
        b'\xef\xbb\xbf{"title": "marked"}',
        '{"title": "another encoding"}'.encode("utf-16"),
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
async def test_a_body_that_is_no_slot(ada: Person, body: bytes) -> None:
    for method, path in (("POST", "/slots"), ("PATCH", f"/slots/{(await ada.create())['id']}")):
        problem(await ada.call(method, path, content=body, headers=JSON), 422, "validation-failed")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"title": "this", "title": "or that"}', "/title"),
        (b'{"title": "same", "title": "same"}', "/title"),
        (b'{"title": "escaped", "titl\\u0065": "differently"}', "/title"),
        (b'{"reminders": {"use_default": true, "use_default": false}}', "/reminders/use_default"),
        (
            b'{"reminders": {"overrides": [{"method": "popup", "minutes": 1, "minutes": 2}]}}',
            "/reminders/overrides/0/minutes",
        ),
    ],
)
async def test_a_name_that_stands_twice_is_not_guessed_at(ada: Person, body: bytes, pointer: str) -> None:
    created = await ada.create()
    answer = await ada.patch(f"/slots/{created['id']}", content=body, headers=JSON)
    assert refused(answer, pointer) == "This name stands here more than once."
    assert (await ada.get(f"/slots/{created['id']}")).json() == created


async def test_names_may_be_repeated_in_objects_of_their_own(ada: Person) -> None:
    overrides = [{"method": "popup", "minutes": 1}, {"method": "email", "minutes": 2}]
    created = await ada.create(reminders={"overrides": overrides})
    assert created["reminders"]["overrides"] == overrides


async def test_fields_that_only_the_service_writes_are_known_but_read_only(ada: Person) -> None:
    created = await ada.create()
    path = f"/slots/{created['id']}"
    for name in ("id", "version", "sync", "google", "created_at", "updated_at", "status", "source"):
        assert refused(await ada.patch(path, json={name: created[name]}), f"/{name}") == READ_ONLY
        assert refused(await ada.post("/slots", json={**SLOT, name: created[name]}), f"/{name}") == READ_ONLY
    assert refused(await ada.patch(path, json={"colour": "5"}), "/colour") == UNKNOWN
    within = {"reminders": {"overrides": [{"method": "popup", "minutes": 1, "id": "x"}]}}
    assert refused(await ada.patch(path, json=within), "/reminders/overrides/0/id") == UNKNOWN
    user = {"email": "eve@example.com", "created_at": "2026-07-01T10:00:00Z"}
    assert refused(await ada.post("/auth/users", json=user), "/created_at") == READ_ONLY


async def test_a_local_time_that_the_zone_skips_or_repeats(ada: Person) -> None:
    skipped = {"start": "2026-03-29T02:30:00", "end": "2026-03-29T04:00:00"}
    assert (await ada.create(**skipped))["start"] == "2026-03-29T03:30:00+02:00"
    twice = {"start": "2026-10-25T02:30:00", "end": "2026-10-25T02:30:00"}
    assert (await ada.create(**twice))["start"] == "2026-10-25T02:30:00+02:00"


async def test_another_content_type(ada: Person) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"):
        answer = await ada.post("/slots", content=slot(), headers={"content-type": content_type})
        problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/query/limit"),
        ("limit=201", "/query/limit"),
        ("limit=ten", "/query/limit"),
        ("from=yesterday", "/query/from"),
        ("from=2026-07-01", "/query/from"),
        ("to=2026-07-01T00:00:00", "/query/to"),
        ("to=9999-12-31T23:59:59-23:00", "/query/to"),
        ("from=0001-01-01T00:00:00%2B23:00", "/query/from"),
        ("sync_state=lost", "/query/sync_state"),
        ("source=outlook", "/query/source"),
        ("q=%00", "/query/q"),
        ("calendar_id=%00", "/query/calendar_id"),
        ("include_deleted=perhaps", "/query/include_deleted"),
    ],
)
async def test_a_list_that_makes_no_sense(ada: Person, query: str, pointer: str) -> None:
    refused(await ada.get(f"/slots?{query}"), pointer)


@pytest.mark.parametrize("cursor", ["x", "%00", "é", "c3xmb28", "aXxub3RoaW5n", "c3wyMDI2fDE", "=", ""])
async def test_a_cursor_of_somebody_else(ada: Person, cursor: str) -> None:
    for path in ("/slots", "/sync/conflicts", "/sync/holds", "/auth/users"):
        problem(await ada.get(path, params={"cursor": cursor}), 422, "invalid-cursor")


async def test_an_id_that_is_none(ada: Person) -> None:
    refused(await ada.get("/slots/7"), "/path/slot_id")


async def test_paths_and_methods_that_do_not_exist(ada: Person) -> None:
    problem(await ada.get("/nothing"), 404, "not-found")
    problem(await ada.get("/slots/"), 404, "not-found")
    answer = await ada.call("PUT", "/slots")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"]


async def test_a_body_that_is_too_large(ada: Person) -> None:
    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield b"x" * 65536

    problem(await ada.post("/slots", content=b"x" * 2_000_000, headers=JSON), 413, "body-too-large")
    problem(await ada.post("/slots", content=in_pieces(), headers=JSON), 413, "body-too-large")


async def test_a_body_that_never_arrives(service: Service, ada: Person) -> None:
    container = service.app.state.container
    soon = timedelta(milliseconds=20)
    hurried = replace(container.http, body_deadline=soon, linger_pause=soon)
    service.app.state.container = replace(container, http=hurried)
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {ada.key}".encode()),
               (b"content-type", b"application/json"),
               (b"content-length", b"100")]  # fmt: skip
    scope = {"type": "http", "method": "POST", "path": "/slots", "raw_path": b"/slots", "query_string": b"",
             "headers": headers, "http_version": "1.1", "scheme": "http", "root_path": "",
             "server": ("localhost", 8000), "client": ("127.0.0.1", 1)}  # fmt: skip
    await service.app(scope, receive, send)
    assert sent[0]["status"] == 408
    assert orjson.loads(sent[1]["body"])["type"].endswith("/body-timeout")


async def test_an_unforeseen_error_tells_nothing(service: Service) -> None:
    async def broken() -> None:
        raise RuntimeError("password=hunter2")

    async def away() -> None:
        raise DatabaseUnavailableError("host=10.0.0.1")

    service.app.add_api_route("/broken", broken)
    service.app.add_api_route("/away", away)
    answer = await service.http.get("/broken")
    problem(answer, 500, "internal-error")
    assert "hunter2" not in answer.text
    answer = await service.http.get("/away")
    problem(answer, 503, "database-unavailable")
    assert answer.headers["retry-after"].isdigit()
    assert "10.0.0.1" not in answer.text


async def test_every_answer_has_its_id_and_its_headers(service: Service, ada: Person) -> None:
    answer = await ada.get("/slots")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    given = await service.http.get("/health", headers={"x-request-id": "my-request-0001"})
    assert given.headers["x-request-id"] == "my-request-0001"
    strange = await service.http.get("/health", headers={"x-request-id": "two words here"})
    assert strange.headers["x-request-id"] not in ("", "two words here")
