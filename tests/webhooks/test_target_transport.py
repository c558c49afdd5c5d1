"""The way to receivers leads nowhere but to public addresses (OWASP API7), and waits for nobody long."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.core.errors import VendorError
from services.google.transport import HttpRequest
from services.webhooks.target_transport import TargetTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Server:
    """Answers every request with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heard: list[bytes] = []
        self.port = 0
        self.closing = asyncio.Event()
        self.done = asyncio.Semaphore(0)
        self.accepted = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            self.heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answer)
            if self.answer:
                await writer.drain()
            else:
                await self.closing.wait()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
            self.done.release()


@asynccontextmanager
async def listening(answer: bytes) -> AsyncIterator[Server]:
    server = Server(answer)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        server.closing.set()
        for _ in range(server.accepted):
            await server.done.acquire()


@asynccontextmanager
async def way(*, loopback: bool) -> AsyncIterator[TargetTransport]:
    transport = TargetTransport(loopback=loopback)
    try:
        yield transport
    finally:
        await transport.aclose()


def post(url: str, timeout_s: float = 10) -> HttpRequest:
    return HttpRequest("POST", url, {"webhook-id": "msg_1"}, b"{}", timeout=timedelta(seconds=timeout_s))


async def test_in_development_a_receiver_on_this_machine_is_reached() -> None:
    async with listening(b"HTTP/1.1 204 No Content\r\n\r\n") as server, way(loopback=True) as transport:
        answer = await transport.send(post(f"http://127.0.0.1:{server.port}/hook?a=%20"))
        assert answer.status == 204
        [head] = server.heard
        assert head.startswith(b"POST /hook?a=%20 HTTP/1.1\r\n")
        assert b"webhook-id: msg_1\r\n" in head


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    async with listening(b"") as inside, way(loopback=True) as transport:
        location = f"http://127.0.0.1:{inside.port}/".encode()
        redirect = b"HTTP/1.1 307 x\r\nlocation: " + location + b"\r\ncontent-length: 0\r\n\r\n"
        async with listening(redirect) as server:
            assert (await transport.send(post(f"http://127.0.0.1:{server.port}/"))).status == 307
        assert inside.heard == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0177.0.0.1"])
async def test_where_the_service_is_public_this_machine_is_not_reached(host: str) -> None:
    async with listening(b"HTTP/1.1 200 OK\r\n\r\n") as server, way(loopback=False) as transport:
        with pytest.raises(VendorError) as refused:
            await transport.send(post(f"https://{host}:{server.port}/"))
        assert refused.value.reason == "address-refused"
        assert server.heard == []


async def test_a_name_that_looks_public_and_leads_inside_is_stopped_at_the_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: what counts is the address of this very connection."""
    connected = []

    async def inside(_: object, host: str, port: int, **__: object) -> list[object]:
        import socket

        connected.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(type(loop), "getaddrinfo", inside)
    async with way(loopback=False) as transport:
        with pytest.raises(VendorError) as refused:
            await transport.send(post("https://rebound.example.com/"))
    assert refused.value.reason == "address-refused"
    assert connected == ["rebound.example.com"]


async def test_a_receiver_that_says_nothing_is_not_waited_for() -> None:
    async with listening(b"") as server, way(loopback=True) as transport:
        with pytest.raises(VendorError) as failed:
            await transport.send(post(f"http://127.0.0.1:{server.port}/", timeout_s=0.2))
        assert failed.value.reason == "timeout"


async def test_of_an_endless_answer_little_is_read() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n"
    async with listening(head + b"x" * 65_536) as server, way(loopback=True) as transport:
        assert (await transport.send(post(f"http://127.0.0.1:{server.port}/"))).status == 200


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 two hundred\r\n\r\n"])
async def test_what_speaks_no_http_has_failed(answer: bytes) -> None:
    async with listening(answer) as server, way(loopback=True) as transport:
        with pytest.raises(VendorError) as failed:
            await transport.send(post(f"http://127.0.0.1:{server.port}/"))
        assert failed.value.reason == "network"
