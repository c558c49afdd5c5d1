"""What goes in and comes out of the simulator: requests, answers and push messages as plain values.

Nothing here knows about sockets or frameworks. An answer may carry a `Fault`, an
instruction to the face that serves it (wait, hold, hang up); a caller in process
reads the same instruction from the value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import parse_qs, urlsplit

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = dict[str, Any]
"""A decoded JSON object."""


@dataclass(frozen=True)
class Request:
    """One HTTP request, whole."""

    method: str
    """Upper case."""
    url: str
    """Absolute, or path and query; percent-encoded either way."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names."""
    body: bytes = b""

    def path(self) -> str:
        """The path, still percent-encoded."""
        return urlsplit(self.url).path

    def query(self) -> Mapping[str, list[str]]:
        """Query parameters; a repeated one keeps its order."""
        return self._query

    @cached_property
    def _query(self) -> Mapping[str, list[str]]:
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    def form(self) -> dict[str, list[str]]:
        """Fields of a form body; a byte sequence that is not text counts as empty."""
        return parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)


@dataclass(frozen=True, slots=True)
class Fault:
    """What the face is to do with an answer besides sending it."""

    delay_s: float = 0.0
    """Wait this long before the answer leaves."""
    drop: bool = False
    """Close the connection without an answer."""
    hold: str | None = None
    """Wait until this hold is released, then send what `Sandbox.resume` returns."""
    truncate: bool = False
    """Announce the whole body, send half of it, close."""
    long_poll_s: float = 0.0
    """Nothing to tell yet: ask again when something changes, at most this long."""


NO_FAULT: Final = Fault()


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: Fault = NO_FAULT

    def json(self) -> Any:
        """The decoded body."""
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class Notification:
    """One push message on its way to a channel's address."""

    number: int
    """Counts deliveries over the life of the simulator; the key of the outbox."""
    url: str
    headers: Mapping[str, str]
    attempt: int
    """1 for the first delivery."""


def json_response(value: Any, status: int = 200) -> Response:
    """An answer with a JSON body and the content type that Google sends."""
    return Response(status, {"Content-Type": "application/json; charset=UTF-8"}, orjson.dumps(value))


def html_response(page: str, status: int = 200) -> Response:
    """An answer with an HTML body."""
    headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
    return Response(status, headers, page.encode())


def redirect(location: str, status: int = 302) -> Response:
    """Send the browser elsewhere."""
    return Response(status, {"Location": location, "Cache-Control": "no-store"})


def only(fields: Mapping[str, list[str]], name: str, default: str = "") -> str:
    """The last value of a repeated field, or a default."""
    values = fields.get(name)
    return values[-1] if values else default
