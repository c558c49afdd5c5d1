"""A small load generator for machines without `wrk`: one request after the other on each connection.

It knows just enough HTTP/1.1 for servers that say how long their answers are.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

from benchmarks.processes import answer, order_of

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class _Asking(asyncio.Protocol):
    def __init__(self, request: bytes) -> None:
        self._request = request
        self._read = b""
        self.answered = 0
        self.problem: str | None = None
        self.stopping = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(_HEAD_END)
        if not end or len(body) < _length(head):
            return
        if not head.startswith(b"HTTP/1.1 2"):
            self.problem = head.decode("latin-1")
            self._transport.close()
            return
        self._read = b""
        self.answered += 1
        if not self.stopping:
            self._transport.write(self._request)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.stopping and self.problem is None:
            self.problem = "the server hung up"


def _length(head: bytes) -> int:
    place = head.lower().find(_LENGTH)
    return 0 if place < 0 else int(head[place + len(_LENGTH) :].split(b"\r\n", 1)[0])


async def load(order: dict[str, Any]) -> dict[str, float]:
    """Ask for as long as was ordered."""
    url = urlsplit(order["url"])
    target = url.path + (f"?{url.query}" if url.query else "")
    fields = {"host": url.netloc, **order["headers"]}
    if order["method"] != "GET":
        fields["content-length"] = "0"
    lines = [f"{order['method']} {target} HTTP/1.1", *(f"{name}: {text}" for name, text in fields.items())]
    request = "\r\n".join(lines).encode() + _HEAD_END
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    asking = []
    for _ in range(order["connections"]):
        _, protocol = await loop.create_connection(lambda: _Asking(request), url.hostname, url.port)
        asking.append(protocol)
    await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=order["seconds"])
    for each in asking:
        each.stopping = True
    problems = [each.problem for each in asking if each.problem]
    if problems:
        raise RuntimeError(problems[0])
    return {"requests": sum(each.answered for each in asking), "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    answer(uvloop.run(load(order_of(sys.argv))))
