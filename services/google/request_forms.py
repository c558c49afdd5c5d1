"""Requests as Google's client builds them, without building each one from the start.

The client knows every path, parameter and header from the discovery document, and takes its time to apply
them. It is asked once for each kind of request, with marks where values go; later requests of that kind are
its text with the values filled in.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote, quote_plus

from services.google.transport import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Google compresses only for clients that say "gzip" here as well.
_USER_AGENT: Final = "calendar-sync (gzip)"
_MARK: Final = "BLANK{}KNALB"
"""Of characters that no encoding changes."""
_MARKS: Final = re.compile(_MARK.format(r"(\d+)"))


class RequestForms:
    """The forms for the methods of one resource; each is made when it is first needed."""

    def __init__(self, resource: Any) -> None:
        """`resource` is one of the client's, such as what its `events()` returns."""
        self._resource = resource
        self._forms: dict[tuple[Any, ...], _Form] = {}

    def request(
        self,
        method: str,
        values: Mapping[str, str | None],
        *,
        body: Mapping[str, Any] | None = None,
        etag: str | None = None,
        **fixed: str | int | bool,
    ) -> HttpRequest:
        """A request for one of the resource's methods.

        Args:
            method: By its name in the client.
            values: Parameters that differ from call to call; what is `None` is left out.
            body: What is sent as JSON.
            etag: The version of the object that the request is meant for; empty or `None`: any.
            fixed: Parameters that have but a few values, since each has a form of its own.

        Raises:
            TypeError: The client knows no such parameter, or misses one.
        """
        given = {name: value for name, value in values.items() if value is not None}
        kind = (method, *given, *fixed.items(), body is not None)
        form = self._forms.get(kind)
        if form is None:
            marks = {name: _MARK.format(index) for index, name in enumerate(given)}
            build = getattr(self._resource, method)
            form = _Form.of(build(**fixed, **marks) if body is None else build(**fixed, **marks, body={}))
            self._forms[kind] = form
        headers = {**form.headers, "if-match": etag} if etag else form.headers
        content = b"" if body is None else json.dumps(body).encode()
        return HttpRequest(form.method, form.url(list(given.values())), headers, content)


@dataclass(frozen=True, slots=True)
class _Form:
    """What all requests of a kind share."""

    method: str
    start: str
    blanks: tuple[_Blank, ...]
    headers: Mapping[str, str]

    @classmethod
    def of(cls, built: Any) -> Self:
        """The form that a request of the client's has, which was built of marks."""
        start, *rest = _MARKS.split(built.uri.removesuffix("?"))
        headers = {**built.headers, "user-agent": _USER_AGENT}
        return cls(built.method, start, tuple(_blanks(start, rest)), headers)

    def url(self, values: list[str]) -> str:
        """The address with the values filled in."""
        parts = [self.start]
        for blank in self.blanks:
            value = values[blank.index]
            parts += (quote_plus(value) if blank.in_query else quote(value, safe=""), blank.text)
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class _Blank:
    index: int
    """Of the value, in the order in which they are given."""
    in_query: bool
    """Path and query encode differently."""
    text: str
    """What follows up to the next one."""


def _blanks(start: str, rest: list[str]) -> Iterator[_Blank]:
    in_query = "?" in start
    for index, text in zip(rest[::2], rest[1::2], strict=True):
        yield _Blank(int(index), in_query, text)
        in_query = in_query or "?" in text
