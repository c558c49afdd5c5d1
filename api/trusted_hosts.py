"""Refuses requests for names that are not this service's.

A page whose name was pointed at this machine (DNS rebinding) sends its own name in `Host`; so does a proxy
that passes on whatever it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.problems import problem_response
from services.core.errors import UntrustedHostError
from services.web_addresses import host_of, is_loopback_host

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from api.container import Container

_PROBES = ("/health", "/ready")
"""Orchestrators ask these by the address of the process, and they tell nothing about anybody."""


class TrustedHosts:
    """Lets pass what asks for this service by one of its names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["path"] in _PROBES or _is_trusted(scope):
            await self._app(scope, receive, send)
            return
        refusal = problem_response(UntrustedHostError(), scope["state"]["request_id"])
        await refusal(scope, receive, send)


def _is_trusted(scope: Scope) -> bool:
    container: Container = scope["app"].state.container
    named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    if len(named) != 1:
        return False
    host = host_of(named[0])
    return host in container.http.hosts or is_loopback_host(host)
