"""The boundary around every request: id, limits, headers, one log line, and the last net for exceptions.

Plain ASGI, since it stands in the way of every request.
"""

import asyncio
import logging
import re
from http import HTTPStatus
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.container import Container, HttpPolicy
from api.cookies import session_header
from api.problems import problem_response
from services.core.errors import SettingsError

_log = logging.getLogger("api.requests")
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_EXPOSED = ("ETag", "Idempotency-Replayed", "Location", "Preference-Applied", "Retry-After", "X-Request-ID")
_ACCEPTED = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "Prefer",
    "X-Request-ID",
)

_FRAMED_NOWHERE = "frame-ancestors 'none'"
_NOTHING = f"default-src 'none'; {_FRAMED_NOWHERE}"


class Boundary:
    """Gives each request an id, bounds its body, and answers whatever went wrong."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        container: Container = scope["app"].state.container
        started = perf_counter()
        request_id = _request_id(scope, container)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0
        body = _Body(scope, receive, container.http)

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                body.answered = True
                headers = MutableHeaders(scope=message)
                _add_headers(headers, request_id, container.http)
                if (cookie := session_header(scope)) is not None:
                    headers.append("set-cookie", cookie)
            await send(message)

        try:
            await self._app(scope, body.receive, finish)
        except Exception as error:
            facts = {"request_id": request_id, "error": type(error).__name__}
            _log.exception("unhandled error", extra=facts)
            if status:
                raise
            await problem_response(error, request_id)(scope, receive, finish)
        finally:
            _log_request(scope, status, (perf_counter() - started) * 1000, request_id)


def _request_id(scope: Scope, container: Container) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if _SANE_ID.fullmatch(given):
                return str(given)
    return str(container.ids.uuid())


def _add_headers(headers: MutableHeaders, request_id: str, policy: HttpPolicy) -> None:
    headers["x-request-id"] = request_id
    headers.setdefault("x-content-type-options", "nosniff")
    headers.setdefault("cache-control", "no-store")
    headers.setdefault("referrer-policy", "no-referrer")
    headers.setdefault("cross-origin-opener-policy", "same-origin")
    headers.setdefault("cross-origin-resource-policy", "same-origin")
    # Only pages load anything; one that needs less than nothing says so itself.
    is_page = headers.get("content-type", "").startswith("text/html")
    headers.setdefault("content-security-policy", _FRAMED_NOWHERE if is_page else _NOTHING)
    if policy.https:
        headers.setdefault("strict-transport-security", "max-age=31536000")


def _log_request(scope: Scope, status: int, milliseconds: float, request_id: str) -> None:
    if not _log.isEnabledFor(logging.INFO):
        return
    route = scope.get("route")
    facts = {
        "method": scope["method"],
        # The template, since a path holds ids and a query may hold anything.
        "route": getattr(route, "path", "unmatched"),
        "status": status,
        "duration_ms": round(milliseconds, 2),
        "request_id": request_id,
    }
    _log.info("request", extra=facts)


class _Body:
    """Counts the body as it arrives and gives it a deadline."""

    def __init__(self, scope: Scope, receive: Receive, policy: HttpPolicy) -> None:
        self._receive = receive
        self._policy = policy
        self._size = 0
        self._deadline: float | None = None
        self._complete = False
        self.answered = False
        """Whether the answer is on its way: then it is too late to refuse, and nobody keeps what comes."""
        declared = Headers(scope=scope).get("content-length", "")
        self._declared = int(declared) if declared.isdecimal() else 0

    async def receive(self) -> Message:
        if self._complete or self.answered:
            return await self._receive()
        if self._declared > self._policy.body_limit_bytes:
            raise _too_large(self._policy)
        loop = asyncio.get_running_loop()
        if self._deadline is None:
            self._deadline = loop.time() + self._policy.body_deadline.total_seconds()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            if self.answered:
                return await self._receive()
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time.") from None
        self._complete = not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        if self._size > self._policy.body_limit_bytes and not self.answered:
            raise _too_large(self._policy)
        return message


def _too_large(policy: HttpPolicy) -> HTTPException:
    detail = f"The body must not be larger than {policy.body_limit_bytes} bytes."
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


class ConfiguredCors:
    """CORS for the exact origins of the settings, which are known only once the service has started."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._cors: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._cors is None:
            origins = scope["app"].state.container.http.cors_origins
            self._cors = self._with_origins(origins) if origins else self._app
        await self._cors(scope, receive, send)

    def _with_origins(self, origins: tuple[str, ...]) -> ASGIApp:
        return CORSMiddleware(
            self._app,
            allow_origins=origins,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=_ACCEPTED,
            expose_headers=_EXPOSED,
            # Frontends on a neighbouring subdomain are signed in by the session cookie.
            allow_credentials=True,
        )


class PlainStartFailure:
    """Tells a refused setting in one sentence where the server would print a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failure: Message | None = None

        async def hold_back(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.failed":
                failure = message
            else:
                await send(message)

        try:
            await self._app(scope, receive, hold_back)
        except SettingsError as error:
            await send({"type": "lifespan.startup.failed", "message": settings_sentence(error)})
        except BaseException:
            if failure is not None:
                await send(failure)
            raise


def settings_sentence(error: SettingsError) -> str:
    """The one sentence that a refused setting is worth."""
    return f"{error.variable} {error.detail}."
