"""What a browser says of where a request comes from, and whether a cookie counts for it.

A browser sends cookies along whoever asks it to make a request, so a cookie alone does not show that the user
wants anything. The rule is that of Go 1.25's `http.CrossOriginProtection`: methods that change nothing pass;
the browser's own word for it (`Sec-Fetch-Site`) or an `Origin` of ours or on the list passes; with neither
header it is no browser, so nobody can have made it send the cookie. Nothing is stored, and no token is handed
around.
"""

from collections.abc import Mapping
from typing import Final

from api.container import HttpPolicy
from services.core.errors import CrossSiteRequestError
from services.web_addresses import origin_of

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN: Final = frozenset({"same-origin", "none"})
"""`none`: the person did it, by the address bar or a bookmark."""


def refuse_cross_site(method: str, headers: Mapping[str, str], http: HttpPolicy) -> None:
    """Refuse what another site's page may have made the browser send.

    Args:
        method: Of the request.
        headers: By name in lower case.
        http: Says which origins are ours, and which may act for us.

    Raises:
        CrossSiteRequestError: The cookie does not count.
    """
    if method in _SAFE:
        return
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site in _OWN or (origin is not None and origin in http.cors_origins):
        return
    if site is None and (origin is None or origin == origin_of(http.public_base_url)):
        return
    raise CrossSiteRequestError


def is_navigation(headers: Mapping[str, str]) -> bool:
    """Whether a person's browser goes to this address, rather than a program fetching it."""
    mode = headers.get("sec-fetch-mode")
    return mode == "navigate" if mode is not None else "text/html" in headers.get("accept", "")
