"""The way to receivers that anybody may name.

Names are resolved for each connection, and what comes of it is checked at the socket that is about to
connect: there is no moment between the check and its use. No redirect is followed, no proxy is asked, no
cookie is kept, and of an answer only the status counts.
"""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from services.core.boundary import refuse_inside_transaction
from services.core.webhook_targets import may_connect, refusal_of
from services.google.transport import HttpRequest, HttpResponse, no_answer

if TYPE_CHECKING:
    import aiohttp

DEADLINE: Final = timedelta(seconds=15)
_CONNECT_DEADLINE_S: Final = 5.0
_READ_AT_MOST: Final = 16 * 1024
"""Bytes of an answer that are read, and thrown away."""
ADDRESS_REFUSED: Final = "address-refused"


class _RefusedAddressError(OSError):
    """A name leads where no connection may be made."""


class TargetTransport:
    """Implements `services.google.transport.Transport` for receivers of webhooks."""

    def __init__(self, *, loopback: bool, connections: int = 50) -> None:
        """Open nothing yet.

        Args:
            loopback: Whether this machine itself is a target, as it is in development.
            connections: At most so many at a time.
        """
        self._loopback = loopback
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send; the answer comes without its body.

        Raises:
            NetworkInTransactionError: A transaction is open in this task.
            VendorError: No answer came; its reason is `timeout`, `network` or `address-refused`.
        """
        import aiohttp

        refuse_inside_transaction("webhook")
        if refusal_of(request.url, loopback=self._loopback) is not None:
            raise no_answer(ADDRESS_REFUSED)
        if self._session is None:
            self._session = self._open()
        try:
            async with self._session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=request.timeout.total_seconds(), sock_connect=_CONNECT_DEADLINE_S
                ),
            ) as answer:
                await answer.content.read(_READ_AT_MOST)
                return HttpResponse(answer.status)
        except TimeoutError as error:
            raise no_answer("timeout", error) from None
        except aiohttp.ClientConnectorError as error:
            reason = ADDRESS_REFUSED if isinstance(error.os_error, _RefusedAddressError) else "network"
            raise no_answer(reason, error) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise no_answer("network", error) from None

    async def aclose(self) -> None:
        """Close all connections; a later request opens new ones."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        connector = aiohttp.TCPConnector(
            limit=self._connections,
            limit_per_host=4,
            # A connection that is kept, or a name that is remembered, would be used without a check.
            force_close=True,
            use_dns_cache=False,
            socket_factory=self._checked_socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            headers={"User-Agent": "calendar-sync"},
        )

    def _checked_socket(self, address_info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, target = address_info
        if not may_connect(target[0], loopback=self._loopback):
            raise _RefusedAddressError("not a public address")
        return socket.socket(family, kind, protocol)
