"""How long the service bears with a client that has its answer and does not come to an end."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from api.middleware import Boundary
from tests.api.service import SLOT, Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping

    from starlette.types import Receive, Scope, Send

    from tests.api.service import Person

SOON, NEVER = timedelta(milliseconds=50), timedelta(hours=1)
UPLOAD = b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n"


@asynccontextmanager
async def listening(service: Service, **limits: Any) -> AsyncIterator[int]:
    """The service behind the server that production has; yields the port."""
    container = service.app.state.container
    service.app.state.container = replace(container, http=replace(container.http, **limits))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(service.app, http="httptools", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


async def write_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 10_000)
        await writer.drain()


async def test_a_sender_that_stops_gets_the_answer_and_is_let_go(service: Service) -> None:
    async with listening(service, linger_pause=SOON, linger_deadline=NEVER) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(UPLOAD + b"\r\nthis much and no more")
        assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
        writer.close()


async def test_a_sender_that_was_told_to_stop_before_it_began_is_let_go(service: Service) -> None:
    async with listening(service, linger_pause=SOON, linger_deadline=NEVER) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(UPLOAD + b"Expect: 100-continue\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
        writer.close()


async def test_a_body_that_stops_on_the_way_is_answered_and_let_go(service: Service) -> None:
    limits = {"body_deadline": SOON, "linger_pause": SOON, "linger_deadline": NEVER}
    async with listening(service, **limits) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = UPLOAD.replace(b"/nothing", b"/auth/users").replace(b"100000000", b"1000")
        writer.write(head + b"Content-Type: application/json\r\n\r\n{")
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()


@pytest.mark.parametrize(
    "limits",
    [
        {"linger_pause": NEVER, "linger_deadline": SOON, "linger_bytes": 10**9},
        {"linger_pause": NEVER, "linger_deadline": NEVER, "linger_bytes": 100_000},
    ],
    ids=["too long", "too much"],
)
async def test_a_sender_that_goes_on_is_cut(service: Service, limits: dict[str, Any]) -> None:
    async with listening(service, **limits) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(UPLOAD + b"\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 404 ")
        with pytest.raises(ConnectionError):
            await write_for_ever(writer)


async def test_a_connection_goes_on_after_a_small_body_that_nobody_read(service: Service) -> None:
    async with listening(service) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(UPLOAD.replace(b"100000000", b"5") + b"\r\nsmall")
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 404 ")
            assert b"connection: close" not in answer.lower()
            [length] = [line for line in answer.split(b"\r\n") if line.startswith(b"content-length")]
            await reader.readexactly(int(length.split()[1]))
        writer.close()


async def test_a_body_that_was_read_leaves_no_trace(ada: Person) -> None:
    answer = await ada.post("/slots", json=SLOT)
    assert answer.status_code == 201
    assert "connection" not in answer.headers


async def test_an_answer_that_is_on_its_way_is_not_refused(service: Service) -> None:
    container = service.app.state.container
    hurried = replace(container.http, body_deadline=SOON, body_limit_bytes=10)
    service.app.state.container = replace(container, http=hurried)
    pieces = iter([asyncio.Event().wait, None])
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        waits = next(pieces)
        if waits is not None:
            await waits()
        return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    async def streaming(_: Scope, receive: Receive, send: Send) -> None:
        listening = asyncio.ensure_future(receive())
        await asyncio.wait([listening], timeout=0)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        assert (await listening)["more_body"]
        await send({"type": "http.response.body", "body": b"all of it"})

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"content-length", b"5")]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "app": service.app}
    await Boundary(streaming)(scope, receive, send)
    assert (sent[0]["status"], sent[1]["body"]) == (200, b"all of it")
