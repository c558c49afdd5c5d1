"""Where requests are counted against the limits of `services.rate_limits`.

Who has a credential is counted by it, before anything is done. Who has none is counted by address. What turns
out to be not valid (a credential, a feed's key, a notification) is counted by address as well, and beyond the
limit that answer is replaced; a valid credential is never refused for what its neighbours do.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs

from api.problems import problem_response
from services.core.errors import TooManyNotificationsError, TooManyRequestsError
from services.rate_limits import COSTLY, FEED, FORGED, OAUTH, REFUSED, REGISTRATION, Rule, neighbourhood
from services.settings import WEBHOOK_PATH

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.container import Container
    from services.core.credentials import Principal
    from services.rate_limits import RateLimits

_PROBES = ("/health", "/ready")
_OAUTH_PATHS = ("/auth/google/authorize", "/auth/google/callback")
_FEED_PATH = "/slots/feed.ics"
_COSTLY = frozenset(
    {"/sync/trigger", "/sync/push-all", "/auth/initialize/{user_id}", "/webhooks/setup/{user_id}"}
)
_COUNTED = "counted"


def count_principal(request: Request, principal: Principal) -> None:
    """Count a request that has a valid credential.

    Raises:
        TooManyRequestsError: It is one too many.
    """
    who = "administrator" if principal.user_id is None else str(principal.user_id)
    route = getattr(request.scope.get("route"), "path", None)
    if route in _COSTLY:
        _require(request.scope, COSTLY, who)
    _require(request.scope, _rates(request.scope).general, who)


def count_registration(request: Request, principal: Principal | None) -> None:
    """Count an attempt to create a user; the administrator may create many.

    Raises:
        TooManyRequestsError: It is one too many.
    """
    if principal is not None and principal.is_administrator:
        count_principal(request, principal)
    else:
        _require(request.scope, REGISTRATION, _client(request.scope))


class Throttling:
    """Counts what no dependency of a route counts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["path"] in _PROBES:
            await self._app(scope, receive, send)
            return
        try:
            _count_before(scope)
        except TooManyRequestsError as error:
            await _refuse(error, scope, receive, send)
            return
        replaced = False

        async def counted(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start":
                try:
                    _count_after(scope, message["status"])
                except TooManyRequestsError as error:
                    replaced = True
                    await _refuse(error, scope, receive, send)
            if not replaced:
                await send(message)

        await self._app(scope, receive, counted)


def _count_before(scope: Scope) -> None:
    if scope["path"] in _OAUTH_PATHS:
        _require(scope, OAUTH, _client(scope))
    elif scope["path"] == _FEED_PATH:
        key = parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[-1]
        # Who reads the memory of the process finds no key.
        _require(scope, FEED, hashlib.sha256(key.encode()).hexdigest())


def _count_after(scope: Scope, status: int) -> None:
    path, client = scope["path"], _client(scope)
    if path == WEBHOOK_PATH:
        # What comes for a channel of ours is never refused: it costs one update, and is sent only once.
        if status == HTTPStatus.NOT_FOUND:
            wait = _rates(scope).hit(FORGED, client)
            if wait is not None:
                raise TooManyNotificationsError(wait)
    elif status == HTTPStatus.UNAUTHORIZED or (path == _FEED_PATH and status == HTTPStatus.NOT_FOUND):
        _require(scope, REFUSED, client)
    elif _COUNTED not in scope["state"]:
        # Nothing of a user's was touched, so nothing is lost when this answer is not given.
        _require(scope, _rates(scope).general, client)


def _require(scope: Scope, rule: Rule, who: str) -> None:
    scope["state"][_COUNTED] = True
    wait = _rates(scope).hit(rule, who)
    if wait is not None:
        raise TooManyRequestsError(wait)


def _rates(scope: Scope) -> RateLimits:
    container = cast("Container", scope["app"].state.container)
    return container.rates


def _client(scope: Scope) -> str:
    return neighbourhood(scope["client"][0]) if scope.get("client") else "local"


async def _refuse(error: TooManyRequestsError, scope: Scope, receive: Receive, send: Send) -> None:
    await problem_response(error, scope["state"]["request_id"])(scope, receive, send)
