"""Push messages of a Google in this process, handed to the application without a socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from services.core.errors import VendorError
from services.google.transport import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from services.google.transport import HttpResponse, Transport

    Post: TypeAlias = Callable[[str, Mapping[str, str]], Awaitable[int | None]]
    """Posts one message to a URL: the status, or `None` when no answer came."""


class InProcessDelivery:
    """Delivers messages while it runs; one that is being received is received to its end."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._receiving: set[asyncio.Task[HttpResponse]] = set()

    async def run(self, deliver: Callable[[Post], Awaitable[None]]) -> None:
        """Run `deliver` with a function that posts one message, until cancelled."""
        try:
            await deliver(self._post)
        finally:
            if self._receiving:
                await asyncio.wait(self._receiving)

    async def _post(self, url: str, headers: Mapping[str, str]) -> int | None:
        task = asyncio.create_task(self._transport.send(HttpRequest("POST", url, headers)))
        self._receiving.add(task)
        task.add_done_callback(self._receiving.discard)
        try:
            # A request that is cancelled halfway would leave a database connection behind.
            return (await asyncio.shield(task)).status
        except VendorError:
            return None
