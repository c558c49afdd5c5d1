"""The service as others reach it: under a public name by https, which a proxy in front of it ends."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from tests.e2e.servers import Server

HOST = "calendar.example.com"
PUBLIC_URL = f"https://{HOST}"
FRONTEND = "https://app.example.com"
PUBLIC = {
    "PUBLIC_BASE_URL": PUBLIC_URL,
    "REGISTRATION": "open",
    "CORS_ORIGINS": FRONTEND,
    "TRUSTED_PROXIES": "127.0.0.0/8",
    # A story waits for it.
    "BODY_TIMEOUT_SECONDS": "1",
}
_BARE = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Proxy(httpx.AsyncHTTPTransport):
    """Passes on what asks for the public name, `Host` as it was; the rest goes where it says."""

    def __init__(self, server: Server) -> None:
        super().__init__(trust_env=False, verify=_BARE)
        self._port = server.port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == HOST:
            inside = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
            request = httpx.Request(
                request.method,
                inside,
                headers={**request.headers, "x-forwarded-proto": "https"},
                stream=request.stream,
                extensions=request.extensions,
            )
        return await super().handle_async_request(request)


def public_client(server: Server) -> httpx.AsyncClient:
    """A client for which the public name leads to this server; cookies are kept as for https."""
    return httpx.AsyncClient(timeout=60, transport=Proxy(server))
