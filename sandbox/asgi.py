"""The simulator on a socket: an ASGI application, and the loop that posts push messages.

All thinking is in `Sandbox`; here are only bytes, waiting and hanging up.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from sandbox.messages import Notification, Request, Response, json_response
from sandbox.service import CONTROL, Sandbox

Post = Callable[[str, Mapping[str, str]], Awaitable[int | None]]
"""Post an empty body to a URL with headers: the status, or `None` when no answer came."""

Disconnect = Callable[[Scope], None]
"""Cut the connection that a request came in on."""

_LONGEST_BODY = 64 * 1024 * 1024
_WRITE_WITHIN_S = 0.05


def create_app(
    sandbox: Sandbox,
    post: Post,
    *,
    control: bool = True,
    control_token: str | None = None,
    disconnect: Disconnect | None = None,
    now: Callable[[], datetime] | None = None,
) -> Starlette:
    """The simulator as an ASGI application; its lifespan runs the notification deliverer.

    Args:
        sandbox: The simulator.
        post: Sends one push message.
        control: Whether the control API is served.
        control_token: What callers of the control API must send as a bearer token.
        disconnect: Cuts a connection without an answer. Without it a dropped call gets
            an answer that breaks off after its head.
        now: The deliverer's clock.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        deliverer = asyncio.create_task(deliver_forever(sandbox, post, now=now))
        try:
            yield
        finally:
            deliverer.cancel()
            with suppress(asyncio.CancelledError):
                await deliverer

    face = Face(sandbox, control=control, control_token=control_token, disconnect=disconnect)
    return Starlette(routes=[Mount("/", app=face)], lifespan=lifespan)


async def deliver_forever(sandbox: Sandbox, post: Post, *, now: Callable[[], datetime] | None = None) -> None:
    """Post push messages as they fall due; messages to one address keep their order.

    An application that mounts the simulator runs this itself, as mounted applications
    have no lifespan of their own.
    """
    clock = now or utc_now
    changed = asyncio.Event()
    stop_listening = sandbox.on_change(changed.set)
    try:
        async with asyncio.TaskGroup() as deliveries:
            lanes: dict[str, asyncio.Task[None]] = {}
            while True:
                changed.clear()
                for notification in sandbox.due_notifications(clock()):
                    key = notification.url + notification.headers["X-Goog-Channel-ID"]
                    lanes[key] = deliveries.create_task(_deliver(sandbox, post, notification, lanes.get(key)))
                lanes = {key: task for key, task in lanes.items() if not task.done()}
                at = sandbox.next_notification_at()
                pause = None if at is None else max(0.0, (at - clock()).total_seconds())
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await changed.wait()
    finally:
        stop_listening()


async def _deliver(
    sandbox: Sandbox, post: Post, notification: Notification, after: asyncio.Task[None] | None
) -> None:
    if after is not None:
        await asyncio.wait({after})
    status = await post(notification.url, notification.headers)
    sandbox.notification_answered(notification, status)


class Face:
    """The simulator as a bare ASGI application, without a lifespan."""

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        control: bool = True,
        control_token: str | None = None,
        disconnect: Disconnect | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._control = control
        self._control_token = control_token
        self._disconnect = disconnect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        request = await _read(scope, receive)
        if request is None:
            await _send(json_response({"error": "the body is too long"}, 413), send)
            return
        response = self._refusal(request) or await self._response(request)
        if response.fault.delay_s:
            await _pause(response.fault.delay_s)
        if response.fault.drop:
            await self._hang_up(scope, receive, send)
        elif response.fault.truncate:
            await self._break_off(scope, receive, send, response)
        else:
            await _send(response, send)

    def _refusal(self, request: Request) -> Response | None:
        path = self._sandbox.local_path(request.url)
        if path != CONTROL and not path.startswith(CONTROL + "/"):
            return None
        if not self._control:
            return json_response({"error": "not found"}, 404)
        if self._control_token is None:
            return None
        sent = request.headers.get("authorization", "").partition(" ")[2]
        if hmac.compare_digest(sent.encode(), self._control_token.encode()):
            return None
        return json_response({"error": "the control token is missing or wrong"}, 401)

    async def _response(self, request: Request) -> Response:
        response = self._sandbox.handle(request)
        if response.fault.hold is not None:
            return await self._released(response.fault.hold)
        if response.fault.long_poll_s:
            return await self._polled(request, response)
        return response

    async def _released(self, hold: str) -> Response:
        changed = asyncio.Event()
        stop_listening = self._sandbox.on_change(changed.set)
        try:
            while not self._sandbox.is_released(hold):
                changed.clear()
                await changed.wait()
        finally:
            stop_listening()
        return self._sandbox.resume(hold)

    async def _polled(self, request: Request, response: Response) -> Response:
        """Ask again whenever another request was handled, until there is something to tell."""
        changed = asyncio.Event()
        stop_listening = self._sandbox.on_change(changed.set)
        try:
            async with asyncio.timeout(response.fault.long_poll_s):
                while response.fault.long_poll_s:
                    await changed.wait()
                    changed.clear()
                    response = self._sandbox.handle(request)
        except TimeoutError:
            pass
        finally:
            stop_listening()
        return response

    async def _hang_up(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._disconnect is None:
            await send(_start(Response(200, {"Content-Length": "1"})))
            return
        self._disconnect(scope)
        await _gone(receive)

    async def _break_off(self, scope: Scope, receive: Receive, send: Send, response: Response) -> None:
        response.headers["Content-Length"] = str(len(response.body))
        await send(_start(response))
        half = response.body[: len(response.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        if self._disconnect is not None:
            # Let the transport write what it was given before it is cut.
            await _pause(_WRITE_WITHIN_S)
            self._disconnect(scope)
            await _gone(receive)


async def _read(scope: Scope, receive: Receive) -> Request | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        if len(body) > _LONGEST_BODY:
            return None
        if not message.get("more_body", False):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], _url(scope), headers, bytes(body))


def _url(scope: Scope) -> str:
    """Path and query as they were sent, without what a mount has consumed."""
    raw: bytes | None = scope.get("raw_path")
    path = raw.decode("latin-1").partition("?")[0] if raw else scope["path"]
    root = scope.get("root_path", "").rstrip("/")
    if root and (path == root or path.startswith(root + "/")):
        path = path[len(root) :]
    query = scope.get("query_string", b"").decode("latin-1")
    return (path or "/") + (f"?{query}" if query else "")


def _start(response: Response) -> dict[str, Any]:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()
    ]
    return {"type": "http.response.start", "status": response.status, "headers": headers}


async def _send(response: Response, send: Send) -> None:
    if response.status not in {204, 304}:
        response.headers["Content-Length"] = str(len(response.body))
    await send(_start(response))
    await send({"type": "http.response.body", "body": response.body})


async def _pause(seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Future()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def utc_now() -> datetime:
    """The wall clock, for a simulator that runs in real time."""
    return datetime.now(UTC)  # noqa: TID251 - the one place where the real clock comes in


__all__ = ["Face", "create_app", "deliver_forever", "utc_now"]
