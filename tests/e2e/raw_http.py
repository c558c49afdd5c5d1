"""A client that is nothing but a socket: it sends all it has before it reads, and notices a reset."""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PIECE = b"x" * 16_384
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What came back until the server closed."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> str:
        """The slug of the problem document."""
        return str(json.loads(self.body)["type"]).rpartition("/")[2]


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """A connection that holds back little, so that a sender notices early what the server does."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        connection.settimeout(_TIMEOUT_S)
        connection.connect(("127.0.0.1", port))
        yield connection


def head(method: str, path: str, **headers: Any) -> bytes:
    """Request line and headers; underscores in names are hyphens."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def pieces(size: int) -> Iterator[bytes]:
    """A body of `size` bytes, or a little more."""
    for _ in range(0, size, len(_PIECE)):
        yield _PIECE


def chunked(body: Iterable[bytes]) -> Iterator[bytes]:
    """The same as chunks, with their end."""
    for piece in body:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def send(connection: socket.socket, body: Iterable[bytes]) -> None:
    """All of it, whatever comes back meanwhile."""
    for piece in body:
        connection.sendall(piece)


def read_answer(connection: socket.socket) -> RawAnswer:
    """Everything until the server closes; a reset raises."""
    received = b""
    while part := connection.recv(65536):
        received += part
    start, _, body = received.partition(b"\r\n\r\n")
    status, *lines = start.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert len(body) == int(headers["content-length"]), received
    return RawAnswer(int(status.split()[1]), headers, body)
