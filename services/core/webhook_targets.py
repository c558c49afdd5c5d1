"""Which addresses outbound webhooks may go to: public ones, so that nobody reaches our network through us.

A name is checked when it is written down, and its addresses each time that a connection is made, at the
socket itself: a name may lead elsewhere by then.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = (443, 8443)
_LONGEST: Final = 2048
_INTERNAL: Final = ("localhost", ".localhost", ".local", ".internal", ".home.arpa", ".onion")

# Public by number, but not by nature: Azure answers machines in it about themselves here.
_METADATA: Final = frozenset({ip_address("168.63.129.16")})
# Addresses that a router turns into IPv4 ones, which might be private.
_TRANSLATED: Final = ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
# Special by IANA's registries; some releases of the standard library know only parts of these.
_SPECIAL: Final = ("192.0.0.0/24", "192.88.99.0/24", "100::/64", "2001::/23", "3fff::/20", "5f00::/16")
_GLOBAL_UNICAST: Final = ip_network("2000::/3")
_REFUSED: Final = tuple(ip_network(each) for each in (*_TRANSLATED, *_SPECIAL))


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's: no private, loopback, link-local or special one.

    Source: the special-purpose registries of IANA, as the standard library has them; RFC 6052, RFC 3056 and
    RFC 4380 for addresses that stand for an IPv4 one.
    """
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return is_public(str(parsed.ipv4_mapped))
    if isinstance(parsed, IPv6Address) and parsed not in _GLOBAL_UNICAST:
        return False
    special = parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified or parsed in _METADATA
    special = special or any(parsed in network for network in _REFUSED)
    return parsed.is_global and not special


def may_connect(address: str, *, loopback: bool) -> bool:
    """Whether a connection to an IP address may be made.

    Args:
        address: As the socket gets it.
        loopback: Whether this machine itself is a target, as it is in development.
    """
    if is_public(address):
        return True
    parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    return loopback and parsed.is_loopback


def refusal_of(url: str, *, loopback: bool) -> str | None:
    """Why a URL cannot be a target; `None` when it can.

    Args:
        url: As the client wrote it.
        loopback: Whether this machine itself is a target, as it is in development; over http too then.
    """
    if len(url) > _LONGEST or not url.isascii() or any(each.isspace() or each in '\\"<>' for each in url):
        return "must be an absolute URL of at most 2048 ASCII characters"
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "must be an absolute URL"
    if parts.username is not None or parts.password is not None or "#" in url:
        return "must not hold credentials or a fragment"
    if not host or parts.scheme not in ("http", "https"):
        return "must be an absolute URL that begins with https://"
    if loopback and _is_here(host):
        return None if port != 0 else "must not name port 0"
    if parts.scheme != "https":
        return "must begin with https://"
    if port is not None and port not in _PORTS:
        return "must name no port but 443 or 8443"
    return None if _may_be_public(host) else "must be an address that is public on the internet"


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _may_be_public(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        # A name without a dot is one of a local network; what it leads to is checked at the socket.
        return "." in host and not host.endswith(_INTERNAL) and host not in _INTERNAL
