"""Sending one HTTP request: the only place where bytes leave for Google.

A transport does not know what a request means. It follows no redirect, keeps no cookie, retries nothing that
may have been done, and answers either a whole response or a retryable failure without a status: nobody can
tell then what the other side did.
"""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from services.core.boundary import inside_transaction
from services.core.errors import FailureClass, NetworkInTransactionError, VendorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    import aiohttp

    AsgiApp = Callable[
        [
            MutableMapping[str, Any],
            Callable[[], Awaitable[MutableMapping[str, Any]]],
            Callable[[MutableMapping[str, Any]], Awaitable[None]],
        ],
        Awaitable[None],
    ]

DEADLINE = timedelta(seconds=30)
"""How long a whole exchange may take."""

LARGEST_BODY = 64 * 1024 * 1024
"""In bytes, after decompression: a page of 2,500 events with long descriptions stays well below."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to send."""

    method: str
    url: str = field(repr=False)
    """Percent-encoded, sent as it is."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    timeout: timedelta = DEADLINE


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)


class Transport(Protocol):
    """Sends requests."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Exchange one request for its response, whatever the status.

        Raises:
            VendorError: `RETRYABLE` without a status: no whole answer came, and it is unknown whether
                the request was carried out.
        """


def no_answer(reason: str, cause: BaseException | None = None) -> VendorError:
    """The failure of an exchange that brought no whole answer.

    The text names the kind of the cause only: its own text may hold a URL with secrets.
    """
    return VendorError(FailureClass.RETRYABLE, reason=reason, message=type(cause).__name__ if cause else "")


class AiohttpTransport:
    """The network, over a pool of connections that are kept alive.

    The pool is opened by the first request, inside the running loop; `aclose` ends it.
    """

    def __init__(self, *, connections: int = 100, largest_body: int = LARGEST_BODY) -> None:
        self._connections = connections
        self._largest_body = largest_body
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send over the network."""
        import aiohttp
        from yarl import URL

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        try:
            async with self._session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=request.headers,
                data=request.body or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=request.timeout.total_seconds()),
            ) as answer:
                body = bytearray()
                async for chunk in answer.content.iter_any():
                    body += chunk
                    if len(body) > self._largest_body:
                        raise no_answer("answer-too-large")
                return HttpResponse(
                    answer.status,
                    {name.lower(): value for name, value in answer.headers.items()},
                    bytes(body),
                )
        except TimeoutError as error:
            raise no_answer("timeout", error) from None
        except (aiohttp.ClientError, OSError) as error:
            raise no_answer("network", error) from None

    async def aclose(self) -> None:
        """Close all connections; a later request opens new ones."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()


class GuardedTransport:
    """Refuses to send while a database transaction is open."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send outside of transactions.

        Raises:
            NetworkInTransactionError: A transaction is open in this task.
        """
        if inside_transaction():
            raise NetworkInTransactionError(f"{request.method} {urlsplit(request.url).path}")
        return await self._inner.send(request)


class AsgiTransport:
    """Hands requests under a URL prefix to an ASGI application in this process; sends the others on."""

    def __init__(self, app: AsgiApp, *, prefix: str, fallback: Transport) -> None:
        self._app = app
        self._prefix = prefix.rstrip("/")
        self._fallback = fallback

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Call the application, or the network."""
        if not self._is_ours(request.url):
            return await self._fallback.send(request)
        exchange = _AsgiExchange(request)
        try:
            async with asyncio.timeout(request.timeout.total_seconds()):
                await self._app(exchange.scope, exchange.receive, exchange.send)
        except TimeoutError as error:
            raise no_answer("timeout", error) from None
        except Exception as error:
            # An application that breaks is a server that hangs up.
            raise no_answer("network", error) from error
        return exchange.response()

    def _is_ours(self, url: str) -> bool:
        return url.startswith(self._prefix) and url[len(self._prefix) :][:1] in ("", "/", "?")


class _AsgiExchange:
    """One request and its response, as ASGI messages."""

    def __init__(self, request: HttpRequest) -> None:
        url = urlsplit(request.url)
        headers = {"host": url.netloc, **{name.lower(): value for name, value in request.headers.items()}}
        headers["content-length"] = str(len(request.body))
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": unquote(url.path),
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 0),
            "server": (url.hostname or "", url.port or (443 if url.scheme == "https" else 80)),
        }
        self._request_body: bytes | None = request.body
        self._status: int | None = None
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._complete = False

    async def receive(self) -> dict[str, Any]:
        if self._request_body is None:
            return {"type": "http.disconnect"}
        body, self._request_body = self._request_body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in message.get("headers", ())
            }
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            self._complete = not message.get("more_body", False)

    def response(self) -> HttpResponse:
        if self._status is None or not self._complete:
            raise no_answer("network")
        body = bytes(self._body)
        if self._headers.get("content-encoding") == "gzip":
            unpacker = zlib.decompressobj(wbits=31)
            try:
                body = unpacker.decompress(body, LARGEST_BODY)
            except zlib.error as error:
                raise no_answer("network", error) from None
            if unpacker.unconsumed_tail:
                raise no_answer("answer-too-large")
        return HttpResponse(self._status, self._headers, body)
