"""A server of somebody who subscribed: a process would be no different, so it runs beside the story."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from standardwebhooks import Webhook

from tests.e2e.processes import Port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Receiver:
    """Keeps what it took, once for each `webhook-id`, and refuses what is not signed well."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.secret = ""
        self.refusing = 0
        """How many of the next messages it is too busy for."""
        self.attempts: list[str] = []
        self.taken: dict[str, dict[str, Any]] = {}

    async def hook(self, request: web.Request) -> web.Response:
        message_id = request.headers["webhook-id"]
        self.attempts.append(message_id)
        if self.refusing:
            self.refusing -= 1
            return web.Response(status=503)
        self.taken[message_id] = Webhook(self.secret).verify(await request.read(), dict(request.headers))
        return web.Response(status=204)

    def state(self) -> dict[str, str]:
        """What somebody has who applied every message: titles by slot id."""
        slots: dict[str, str] = {}
        messages = [each for each in self.taken.values() if each["type"] == "slots.changed"]
        for item in sorted((item for each in messages for item in each["data"]["items"]), key=_seq):
            if item["kind"] == "deleted":
                slots.pop(item["slot"]["id"], None)
            else:
                slots[item["slot"]["id"]] = item["slot"]["title"]
        return slots


def _seq(item: dict[str, Any]) -> int:
    return int(item["seq"])


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that listens."""
    port = Port()
    receiver = Receiver(f"http://127.0.0.1:{port.number}/hook")
    application = web.Application()
    application.router.add_post("/hook", receiver.hook)
    runner = web.AppRunner(application, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port.number, reuse_address=True).start()
    try:
        yield receiver
    finally:
        await asyncio.shield(runner.cleanup())
        port.give_back()
