"""Server-sent events (WHATWG HTML, section 9.2): their form, and a response that sends them as they come."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

from api.responses import json_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import timedelta

    from starlette.types import Message, Send

_log = logging.getLogger(__name__)

HEARTBEAT = b": heartbeat\n\n"
MEDIA_TYPE = "text/event-stream"
_HEADERS = {
    # A proxy that buffers, or compresses in blocks, would keep events until there are many.
    "X-Accel-Buffering": "no",
    "Cache-Control": "no-store, no-transform",
}


def event(value: Any, *, name: str | None = None, event_id: int | None = None) -> bytes:
    """One event; without a name it is a `message`, without an id it does not move where a reader resumes."""
    lines = [b"data: " + json_bytes(value)]
    if name is not None:
        lines.insert(0, f"event: {name}".encode())
    if event_id is not None:
        lines.insert(0, f"id: {event_id}".encode())
    return b"\n".join(lines) + b"\n\n"


def opening(event_id: int, *, retry: timedelta) -> bytes:
    """What is no event, but tells from where to resume, and how long after the end of the connection."""
    return f"retry: {int(retry.total_seconds() * 1000)}\nid: {event_id}\n\n".encode()


class EventStream(StreamingResponse):
    """Sends pieces as they come; each is asked for only when the one before has left.

    So nothing is kept for a reader that takes nothing, and one that does so for too long is cut off.
    """

    def __init__(self, pieces: AsyncGenerator[bytes, None], *, send_deadline: timedelta) -> None:
        super().__init__(pieces, headers=_HEADERS, media_type=MEDIA_TYPE)
        self._pieces = pieces
        self._send_deadline = send_deadline

    async def stream_response(self, send: Send) -> None:
        """Send everything, and close the source whatever happens."""
        started = False

        async def in_time(message: Message) -> None:
            nonlocal started
            async with asyncio.timeout(self._send_deadline.total_seconds()):
                await send(message)
            started = True

        async with aclosing(self._pieces):
            try:
                await super().stream_response(in_time)
            except TimeoutError:
                _log.info("a stream's reader takes nothing, cut off")
            else:
                return
        if started:
            # The source is closed and all that is left is the connection. A server takes an answer without an
            # end for a mistake of the application; this end leaves when the reader takes something, or goes.
            await send({"type": "http.response.body", "body": b"", "more_body": False})
