"""Bodies that are too large, never end or never come: answered or cut, kept nowhere, hurting nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.app import problem_of
from tests.e2e.public import HOST, PUBLIC_URL, public_client
from tests.e2e.raw_http import chunked, connected, head, pieces, read_answer
from tests.e2e.world import somebody

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from tests.e2e.servers import GoogleServer, Server

MEGABYTE = 1024 * 1024
FLAT = 40 * MEGABYTE
"""Far more than anything needs that is thrown away, and far less than what is sent."""
HUGE = 200 * MEGABYTE
AT_ONCE = 8


def memory(service: Server) -> int:
    """What the process has held at most, in bytes."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def sent_until_cut(port: int, start: bytes, body: Iterable[bytes]) -> int:
    """How much of a body the server let in before it hung up."""
    sent = 0
    with connected(port) as connection:
        connection.sendall(start)
        try:
            for piece in body:
                connection.sendall(piece)
                sent += len(piece)
        except ConnectionError:
            pass
    return sent


async def test_200_megabytes_with_flat_memory(any_service: Server, shared_google: GoogleServer) -> None:
    """Declared or in chunks, with a key or without, several at a time: little of it is ever taken."""
    async with somebody(any_service.url, shared_google.url) as ada:
        key = {"Authorization": f"Bearer {ada.app.key}"}
        wanted = [("POST", "/slots", key), ("POST", "/slots", {}), ("POST", "/auth/users", {}),
                  ("POST", "/webhooks/google-calendar", {})]  # fmt: skip
        before = memory(any_service)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            declared = [
                pool.submit(
                    sent_until_cut,
                    any_service.port,
                    head(method, path, Content_Length=HUGE, **headers),
                    pieces(HUGE),
                )
                for method, path, headers in wanted
            ]
            in_chunks = [
                pool.submit(
                    sent_until_cut,
                    any_service.port,
                    head(method, path, Transfer_Encoding="chunked", **headers),
                    chunked(pieces(HUGE)),
                )
                for method, path, headers in wanted
            ]
        assert memory(any_service) - before < FLAT
        assert all(each.result() < HUGE / 2 for each in (*declared, *in_chunks))
        assert await ada.app.slots() == []


async def test_endless_chunked_bodies_with_flat_memory(
    any_service: Server, shared_google: GoogleServer
) -> None:
    """Also in the smallest chunks, whose frames are as large as what is in them."""
    async with somebody(any_service.url, shared_google.url) as ada:
        key = {"Authorization": f"Bearer {ada.app.key}"}
        start = head("POST", "/slots", Transfer_Encoding="chunked", **key)
        before = memory(any_service)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            large = [
                pool.submit(sent_until_cut, any_service.port, start, chunked(repeat(b"x" * 65_536)))
                for _ in range(AT_ONCE - 1)
            ]
            small = pool.submit(sent_until_cut, any_service.port, start, repeat(b"8\r\nxxxxxxxx\r\n" * 5_000))
        assert all(each.result() > 0 for each in (*large, small))
        assert memory(any_service) - before < FLAT
        assert await ada.app.slots() == []


async def test_slow_bodies_are_cut(public_service: Server, shared_google: GoogleServer) -> None:
    """One that stops, and one that goes on a byte at a time; others are served meanwhile."""
    async with (
        somebody(PUBLIC_URL, shared_google.url, via=lambda: public_client(public_service)) as ada,
        public_client(public_service) as http,
    ):
        start = head("POST", "/slots", Content_Length=1000, Authorization=f"Bearer {ada.app.key}")
        start = start.replace(b"Host: localhost", f"Host: {HOST}".encode())
        with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:
            slow = [stack.enter_context(connected(public_service.port)) for _ in range(AT_ONCE)]
            for connection in slow:
                connection.sendall(start + b"{")
            assert (await http.get(f"{PUBLIC_URL}/health")).status_code == 200
            assert await ada.app.slots() == []
            answers = list(pool.map(read_answer, slow[1:]))
            dripping = pool.submit(_dripped, slow[0]).result()
        for answer in answers:
            assert (answer.status, answer.problem) == (408, "body-timeout")
            assert answer.headers["connection"] == "close"
        assert dripping.startswith(b"HTTP/1.1 408 ")
        assert await ada.app.slots() == []


def _dripped(connection: socket.socket) -> bytes:
    """What comes back to who sends a byte whenever nothing has come for a moment."""
    connection.settimeout(0.05)
    while True:
        try:
            return connection.recv(65_536)
        except TimeoutError:
            connection.sendall(b" ")


async def test_deep_json(any_service: Server, shared_google: GoogleServer) -> None:
    """Nesting that would exhaust a parser's stack is refused like any other nonsense, in flat memory."""
    async with somebody(any_service.url, shared_google.url) as ada:
        kept = await ada.app.create("Kept")
        before = memory(any_service)
        for depth in (101, 1_010, 100_000, 500_000):
            for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
                nested = (opening * depth + b"1" + closing * depth)[: MEGABYTE - 100]
                for body in (nested, b'{"title": ' + nested + b"}", nested[: len(nested) // 2]):
                    for method, path in (("POST", "/slots"), ("PATCH", f"/slots/{kept['id']}"),
                                         ("POST", "/slots/batch"), ("POST", "/auth/keys")):  # fmt: skip
                        headers = {"content-type": "application/json"}
                        answer = await ada.app.call(method, path, content=body, headers=headers)
                        problem_of(answer, 422, "validation-failed")
        assert memory(any_service) - before < FLAT
        assert await ada.app.slots() == [kept]
