"""The Google simulator inside the service: calls both ways stay in the process, so no port matters."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

from background.delivery import InProcessDelivery
from services.configuration import secret_keys
from services.google.transport import AsgiTransport
from services.settings import SANDBOX_PATH, WEBHOOK_PATH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox import Sandbox
    from services.core.ports import Clock, Ids
    from services.google.transport import Transport
    from services.settings import Settings


@dataclass(frozen=True, slots=True)
class EmbeddedGoogle:
    """Both ways between the service and the simulator."""

    transport: Transport
    """To Google; what is for others goes to the network."""
    notify_forever: Callable[[], Coroutine[None, None, None]]
    """Brings notifications to the service, until it is cancelled."""


@asynccontextmanager
async def embedded_google(
    app: FastAPI, settings: Settings, *, clock: Clock, ids: Ids, network: Transport
) -> AsyncIterator[EmbeddedGoogle]:
    """The simulator, mounted into `app` under `/sandbox`."""
    from sandbox import Sandbox, SqliteStore
    from sandbox.asgi import Face, deliver_forever

    file = settings.sqlite_file
    store = SqliteStore(str(file.with_suffix(".sandbox.db"))) if file is not None else None
    root = f"{settings.public_base_url}{SANDBOX_PATH}"
    seed = hashlib.sha256(f"sandbox {secret_keys(settings, ids)[0]}".encode()).digest()
    simulator: Sandbox = Sandbox(now=clock.now, seed=int.from_bytes(seed[:7]), base_url=root, store=store)
    face = Face(simulator)
    routes = [Route(SANDBOX_PATH, _add_slash), Mount(SANDBOX_PATH, app=face, name="sandbox")]
    app.router.routes.extend(routes)
    address = settings.webhook_url or root
    delivery = InProcessDelivery(
        AsgiTransport(app, prefix=address.removesuffix(WEBHOOK_PATH), fallback=network)
    )
    try:
        yield EmbeddedGoogle(
            AsgiTransport(face, prefix=root, fallback=network),
            lambda: delivery.run(lambda post: deliver_forever(simulator, post, now=clock.now)),
        )
    finally:
        for route in routes:
            app.router.routes.remove(route)
        if store is not None:
            store.close()


async def _add_slash(_: Request) -> Response:
    return RedirectResponse(f"{SANDBOX_PATH}/")
