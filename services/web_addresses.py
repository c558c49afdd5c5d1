"""Checks of web addresses, as settings and redirects need them."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

_AUTHORITY = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]*))(?::[0-9]*)?")
_NO_URL = "must be an absolute URL that begins with http:// or https://"


def is_loopback(url: str) -> bool:
    """Whether the address means this machine."""
    return is_loopback_host(urlsplit(url).hostname or "")


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address means this machine."""
    host = host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def origin_of(url: str) -> str:
    """Scheme, host and port as a browser writes them in `Origin`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return (
        f"{parts.scheme}://{host}"
        if parts.port in (None, default)
        else f"{parts.scheme}://{host}:{parts.port}"
    )


def host_of(authority: str) -> str:
    """The host of `host:port`, as hosts are compared: lower case, no brackets, no dot at the end.

    Empty when it is none.
    """
    parts = _AUTHORITY.fullmatch(authority.lower())
    return "" if parts is None else (parts["address"] or parts["name"].removesuffix("."))


def valid_url(url: str) -> str:
    """An absolute http(s) URL; plain http only on a loopback address.

    Raises:
        ValueError: It is something else.
    """
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and parts.scheme in ("http", "https")
    except ValueError:
        raise ValueError(_NO_URL) from None
    if not usable or any(each.isspace() or each == "\\" for each in url):
        raise ValueError(_NO_URL)
    if parts.username is not None or parts.fragment:
        raise ValueError("must not hold credentials or a fragment")
    if parts.scheme == "http" and not is_loopback(url):
        raise ValueError("must begin with https:// unless it is a loopback address")
    return url


def valid_base_url(url: str) -> str:
    """A URL to which paths are appended.

    Raises:
        ValueError: It is something else.
    """
    if urlsplit(valid_url(url)).query:
        raise ValueError("must not hold a query")
    return url.rstrip("/")


def split_list(value: object) -> object:
    """A comma-separated text as a list."""
    if isinstance(value, str):
        return tuple(each.strip() for each in value.split(",") if each.strip())
    return value


def valid_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    """Exact origins only.

    Raises:
        ValueError: One is a pattern or has a path.
    """
    for origin in origins:
        if "*" in origin or origin_of(valid_url(origin)) != origin:
            raise ValueError("must list exact origins such as https://app.example.com, no path, no wildcard")
    return origins


def valid_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Names or addresses of hosts, without scheme, port and wildcard.

    Raises:
        ValueError: One is something else.
    """
    for host in hosts:
        if not host or host not in (host_of(host), host_of(f"[{host}]")):
            raise ValueError("must list host names such as api.example.com: lower case, no scheme, no port")
    return hosts


def valid_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses and networks in CIDR notation.

    Raises:
        ValueError: One is neither.
    """
    for network in networks:
        try:
            ip_network(network)
        except ValueError:
            raise ValueError("must list addresses or networks such as 10.0.0.0/8") from None
    return networks
