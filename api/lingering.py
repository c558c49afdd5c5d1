"""A lingering close: an answer that is sent before the request's body was read whole still arrives.

A server that closes a connection with unread bytes in it makes the kernel reset the connection (RFC 9112
section 9.6), and a reset may take away from the client an answer that it has not read yet. So the whole
answer goes out first, with `Connection: close`; what the client still sends is read and thrown away, within
bounds; and only then the answer counts as complete, upon which the server closes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.container import Container

_AT_HAND_BYTES = 64 * 1024
"""How much of a body is worth taking before the answer, so that the connection can be used again."""


class LingeringClose:
    """Stands between the server and everything else, since anything in between may answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or not _announces_body(scope):
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        await self._app(scope, exchange.receive, exchange.send)


def _announces_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


class _Exchange:
    """One request with a body, and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._taken = 0
        self._read_whole = False

    async def receive(self) -> Message:
        """The next piece of the body, as the server has it."""
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        if not message.get("more_body", False):
            self._read_whole = True
        return message

    async def send(self, message: Message) -> None:
        """Pass the answer on, and hold back its completion while the body is unread."""
        if message["type"] == "http.response.start":
            if not self._read_whole:
                await self._take_what_is_here()
            if not self._read_whole:
                MutableHeaders(scope=message)["connection"] = "close"
        elif not (self._read_whole or message.get("more_body", False)):
            await self._send({**message, "more_body": True})
            await self._throw_away()
            message = {"type": "http.response.body"}
        await self._send(message)

    async def _take_what_is_here(self) -> None:
        """Read a small body that has arrived but that nobody asked for, without waiting for any."""
        if any(name == b"expect" for name, _ in self._scope["headers"]):
            # Asking for it would tell the client to send it.
            return
        try:
            async with asyncio.timeout(0):
                while not self._read_whole and self._taken < _AT_HAND_BYTES:
                    await self.receive()
        except TimeoutError:
            pass

    async def _throw_away(self) -> None:
        container: Container = self._scope["app"].state.container
        policy = container.http
        loop = asyncio.get_running_loop()
        end = loop.time() + policy.linger_deadline.total_seconds()
        last = self._taken + policy.linger_bytes
        try:
            while not self._read_whole and self._taken < last:
                pause = loop.time() + policy.linger_pause.total_seconds()
                async with asyncio.timeout_at(min(end, pause)):
                    await self.receive()
        except TimeoutError:
            # Nothing more is coming, or it never ends: whoever sends on now may lose the answer.
            pass
