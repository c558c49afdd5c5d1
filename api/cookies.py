"""The service's cookies: first-party, HttpOnly, for this host alone, and sent on top-level navigation (Lax).

Over https each name has the prefix `__Host-`, which makes browsers refuse the cookie when a neighbouring
subdomain planted it, or when it came without Secure. On http, which the settings allow on loopback addresses
only, not every browser takes Secure cookies: there the names are plain, and other programs on the same host
can see the cookies, since browsers tell no ports apart.
Source: RFC 6265bis, sections 4.1.3 and 8.5.
"""

from datetime import timedelta
from typing import Final

from fastapi import Request
from starlette.responses import Response
from starlette.types import Scope

from api.container import HttpPolicy

FLOW: Final = "google-flow"
"""The secret of a browser that is on its way to Google and back."""
LINKED: Final = "google-linked"
"""The receipt of one that has arrived."""
SESSION: Final = "session"
"""The session that the browser is signed in with."""

_STATE: Final = "session_cookie"


def cookie_name(name: str, http: HttpPolicy) -> str:
    """The name as browsers have it."""
    return f"__Host-{name}" if http.https else name


def read_cookie(request: Request, name: str, http: HttpPolicy) -> str | None:
    """What the browser sent; `None`: no such cookie."""
    return request.cookies.get(cookie_name(name, http))


def set_cookie(response: Response, name: str, value: str, lifetime: timedelta, http: HttpPolicy) -> None:
    """Let the browser keep a value for so long."""
    response.set_cookie(
        cookie_name(name, http),
        value,
        max_age=int(lifetime.total_seconds()),
        path="/",
        httponly=True,
        secure=http.https,
        samesite="lax",
    )


def clear_cookie(response: Response, name: str, http: HttpPolicy) -> None:
    """Let the browser forget a value."""
    set_cookie(response, name, "", timedelta(0), http)


def send_session(request: Request, token: str, lifetime: timedelta, http: HttpPolicy) -> None:
    """Have the answer to this request, whatever it will be, set the session cookie.

    The last call counts: a request that renews the session and then ends it ends it.
    """
    carrier = Response()
    set_cookie(carrier, SESSION, token, lifetime, http)
    setattr(request.state, _STATE, carrier.headers["set-cookie"])


def end_session(request: Request, http: HttpPolicy) -> None:
    """Have the answer to this request take the session cookie away."""
    send_session(request, "", timedelta(0), http)


def session_header(scope: Scope) -> str | None:
    """The `Set-Cookie` header that `send_session` asked for."""
    header: str | None = scope.get("state", {}).get(_STATE)
    return header
