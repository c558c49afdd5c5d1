"""The application: routes, limits and problem documents around whatever container its lifespan sets up."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from starlette.middleware import Middleware

from api import (
    auth,
    batch,
    calendars,
    changes,
    docs,
    feed,
    free_busy,
    google,
    health,
    history,
    keys,
    slots,
    subscriptions,
    sync,
    webhooks,
)
from api.lingering import LingeringClose
from api.literal_paths import LiteralPaths
from api.middleware import Boundary, ConfiguredCors, PlainStartFailure
from api.openapi import DocumentedApp
from api.problems import install_problem_handlers
from api.throttling import Throttling
from api.trusted_hosts import TrustedHosts

TITLE = "Calendar Sync"
VERSION = "0.1.0"
_DESCRIPTION = """Keeps an app's time slots and a user's Google Calendar the same, both ways.

1. `POST /auth/users` answers an `api_key`.
2. **Authorize** with it: the button is on the right.
3. `GET /auth/google/authorize` answers a URL to open in a browser.
4. `POST /slots`, and look into the calendar.
"""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(lifespan: Lifespan) -> FastAPI:
    """The application; opens nothing before its lifespan begins.

    Args:
        lifespan: Puts a `Container` at `app.state.container` while it runs.
    """
    app = DocumentedApp(
        title=TITLE,
        version=VERSION,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(PlainStartFailure),
            Middleware(LingeringClose),
            Middleware(ConfiguredCors),
            Middleware(Boundary),
            Middleware(TrustedHosts),
            Middleware(Throttling),
            Middleware(LiteralPaths),
        ],
        # A redirect to add a slash would lose what the client sent.
        redirect_slashes=False,
    )
    install_problem_handlers(app)
    # What has a name of its own under /slots comes before `/slots/{slot_id}`.
    named_slots = (batch.router, free_busy.router, feed.router, changes.router)
    for router in (
        health.router,
        auth.router,
        keys.router,
        google.router,
        *named_slots,
        slots.router,
        history.router,
        calendars.router,
        sync.router,
        webhooks.router,
        subscriptions.router,
    ):
        app.include_router(router)
    docs.install(app)
    return app
