"""The transports: over real sockets, in process, and guarded."""

from __future__ import annotations

import asyncio
import gzip
import socket
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import uvicorn
from starlette.middleware.gzip import GZipMiddleware

from sandbox.__main__ import Connections
from sandbox.asgi import Face
from services.core.boundary import TransactionOpen
from services.core.errors import FailureClass, NetworkInTransactionError, VendorError
from services.google.transport import (
    AiohttpTransport,
    AsgiTransport,
    GuardedTransport,
    HttpRequest,
    HttpResponse,
)
from tests.google.world import EMAIL, NoNetwork, World, timed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EVENT = "0123456789abcdefghijklmnopqrstuv"
JSON = [(b"content-type", b"application/json")]


class Peers:
    """Passes requests on and remembers which connection each came in on."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.seen: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope["client"])
        await self._app(scope, receive, send)


@asynccontextmanager
async def serving(app: Any, listening: socket.socket, connections: Connections) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        http=connections.protocol(),
        lifespan="off",
        log_level="warning",
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    # The socket listens already, so whoever comes before the server is up waits in its queue.
    running = asyncio.create_task(server.serve(sockets=[listening]))
    yield
    server.should_exit = True
    await running


def listen() -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0))
    # asyncio sets this only on sockets that name their protocol; accepted ones inherit it from here.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


@asynccontextmanager
async def over_http(*, largest_body: int = 10_000_000) -> AsyncIterator[tuple[World, Peers]]:
    """The simulator behind a socket, answering compressed, and a service that calls it."""
    listening = listen()
    transport = AiohttpTransport(largest_body=largest_body)
    world = World(root=f"http://127.0.0.1:{listening.getsockname()[1]}", transport=transport)
    world.link()
    connections = Connections()
    face = Face(world.sandbox, disconnect=connections.cut)
    peers = Peers(GZipMiddleware(face, minimum_size=100))
    async with serving(peers, listening, connections):
        try:
            yield world, peers
        finally:
            await transport.aclose()


async def failure_of(attempt: Any) -> VendorError:
    with pytest.raises(VendorError) as caught:
        await attempt
    return caught.value


def insert(world: World) -> Any:
    return world.calendars.insert(
        world.user_id, "primary", event_id=EVENT, slot_id=UUID(int=1), content=timed(), notify="none"
    )


async def test_a_slots_life_over_http() -> None:
    async with over_http() as (world, peers):
        seen = await insert(world)
        seen = await world.calendars.patch(
            world.user_id,
            "primary",
            event_id=EVENT,
            etag=seen.copy.etag,
            base=timed(),
            content=timed("Räksmörgås"),
            notify="none",
        )
        world.control("POST", f"/calendars/{EMAIL}/primary/events/bulk", {"count": 300})
        page = await world.calendars.changes(world.user_id, "primary", sync_token=None, page_token=None)
        assert len(page.events) == 301
        assert seen in page.events
        await world.calendars.delete(
            world.user_id, "primary", event_id=EVENT, etag=seen.copy.etag, notify="none"
        )
        assert (await world.calendars.get(world.user_id, "primary", EVENT)).content is None

        assert len(set(peers.seen)) == 1, "one connection is kept alive"


async def test_answers_come_compressed() -> None:
    async with over_http() as (world, _):
        token = await world.tokens.access_token(world.user_id)
        response = await world.transport.send(
            HttpRequest(
                "GET",
                f"{world.sandbox.base_url}/calendar/v3/calendars/primary/events",
                {"authorization": f"Bearer {token}", "accept-encoding": "gzip"},
            )
        )

    assert response.headers["content-encoding"] == "gzip"
    assert response.body.startswith(b"{")


@pytest.mark.parametrize("kind", ["drop_before", "commit_then_drop", "truncate"])
async def test_a_broken_connection_is_an_unknown_outcome(kind: str) -> None:
    async with over_http() as (world, _):
        await world.tokens.access_token(world.user_id)
        world.fault({"kind": kind}, match={"method": "POST", "path_regex": "/events$"})

        error = await failure_of(insert(world))

        assert (error.failure, error.status) == (FailureClass.RETRYABLE, None)
        sent = world.served("/calendar/v3/calendars/primary/events")
        assert len(sent) == 1, "a write is never repeated by itself"


async def test_the_deadline_covers_the_whole_exchange() -> None:
    async with over_http() as (world, _):
        world.fault({"kind": "hold_before"}, match={"path_regex": "/token$"})
        request = HttpRequest("POST", f"{world.sandbox.base_url}/token", timeout=timedelta(milliseconds=200))

        error = await failure_of(world.transport.send(request))

        assert (error.failure, error.reason, error.status) == (FailureClass.RETRYABLE, "timeout", None)
        (hold,) = world.control("GET", "/holds")["holds"]
        world.control("POST", f"/holds/{hold['id']}/release")


async def test_an_answer_that_is_too_large_is_dropped() -> None:
    async with over_http(largest_body=50_000) as (world, _):
        world.control("POST", f"/calendars/{EMAIL}/primary/events/bulk", {"count": 300})

        error = await failure_of(
            world.calendars.changes(world.user_id, "primary", sync_token=None, page_token=None)
        )

        assert (error.failure, error.reason) == (FailureClass.RETRYABLE, "answer-too-large")


async def test_nobody_there_is_retryable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    transport = AiohttpTransport()

    error = await failure_of(transport.send(HttpRequest("GET", f"http://127.0.0.1:{port}/secret")))
    await transport.aclose()

    assert (error.failure, error.status) == (FailureClass.RETRYABLE, None)
    assert "secret" not in str(error)


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        location = [(b"location", b"http://127.0.0.1:1/")]
        await send({"type": "http.response.start", "status": 302, "headers": location})
        await send({"type": "http.response.body"})

    listening = listen()
    transport = AiohttpTransport()
    async with serving(app, listening, Connections()):
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/a%23b?c=%2F"
        response = await transport.send(HttpRequest("GET", url))
        await transport.aclose()

    assert (response.status, response.headers["location"]) == (302, "http://127.0.0.1:1/")


class Elsewhere:
    """The network, as far as it matters here."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(299, {}, request.url.encode())


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("http://google.localhost/x", True),
        ("http://google.localhost", True),
        ("http://google.localhost?x", True),
        ("http://google.localhost.example.com/x", False),
        ("https://google.localhost/x", False),
    ],
)
async def test_only_what_lies_under_the_prefix_stays_inside(url: str, inside: bool) -> None:  # noqa: FBT001
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    transport = AsgiTransport(app, prefix="http://google.localhost/", fallback=Elsewhere())

    assert (await transport.send(HttpRequest("GET", url))).status == (200 if inside else 299)


async def test_an_application_sees_the_request_as_it_was_sent() -> None:
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope, body=(await receive())["body"], after=await receive())
        body = gzip.compress(b'{"a": 1}')
        headers = [(b"Content-Encoding", b"gzip"), (b"X-One", b"1")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": body[:5], "more_body": True})
        await send({"type": "http.response.body", "body": body[5:]})

    transport = AsgiTransport(app, prefix="http://inside", fallback=NoNetwork())
    response = await transport.send(
        HttpRequest("POST", "http://inside/a%23b/c?d=%2F", {"Content-Type": "text/x"}, b"body")
    )

    assert (response.status, response.body, response.headers["x-one"]) == (201, b'{"a": 1}', "1")
    assert (seen["path"], seen["raw_path"], seen["query_string"]) == ("/a#b/c", b"/a%23b/c", b"d=%2F")
    assert (seen["body"], seen["after"]) == (b"body", {"type": "http.disconnect"})
    assert dict(seen["headers"])[b"content-type"] == b"text/x"


@pytest.mark.parametrize("manner", ["raises", "says nothing", "breaks off", "bad gzip", "hangs"])
async def test_an_application_that_breaks_is_a_server_that_hangs_up(manner: str) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        if manner == "raises":
            raise RuntimeError
        if manner == "hangs":
            await asyncio.Event().wait()
        if manner == "says nothing":
            return
        headers = [(b"content-encoding", b"gzip")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        more = manner == "breaks off"
        await send({"type": "http.response.body", "body": b"not gzip", "more_body": more})

    transport = AsgiTransport(app, prefix="http://inside", fallback=NoNetwork())
    request = HttpRequest("GET", "http://inside/", timeout=timedelta(milliseconds=50))

    error = await failure_of(transport.send(request))

    assert (error.failure, error.status) == (FailureClass.RETRYABLE, None)


async def test_the_guard_names_no_query() -> None:
    guarded = GuardedTransport(Elsewhere())

    with TransactionOpen(), pytest.raises(NetworkInTransactionError, match=r"GET /path$"):
        await guarded.send(HttpRequest("GET", "http://inside/path?token=secret"))
    assert (await guarded.send(HttpRequest("GET", "http://inside/path"))).status == 299
