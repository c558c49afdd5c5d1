"""What a process should have seen of Google: everything up to when it began the listing that it ended last.

Whoever has made no call for a while begins another piece of work, and is expected to look before it leaps:
what it does not list then it does not see, though it could have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from services.google.transport import HttpRequest

NOBODY: Final = "nobody"
"""Whose a call is that carries no token, or none that is good."""
_BREATH_S: Final = 1.0
"""Between two calls of one run no virtual time goes by, but for that of a store that is busy."""


@dataclass
class Sight:
    """Of one process; by account."""

    _began: dict[str, float] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)
    _busy_until: dict[str, float] = field(default_factory=dict)
    """When the last call ended."""

    def begins(self, account: str, now: float, *, stood_until: float) -> None:
        """A process makes a call, having perhaps stood still until a while ago."""
        for each in self._meant(account):
            last = max(self._busy_until.get(each, 0.0), stood_until)
            if now > last + _BREATH_S:
                self._until[each] = max(self._until.get(each, 0.0), now)

    def ends(self, account: str, now: float) -> None:
        """The call is over, one way or the other."""
        self._busy_until.update(dict.fromkeys(self._meant(account), now))

    def _meant(self, account: str) -> tuple[str, ...]:
        """Of nobody's account are the calls for tokens: somebody's work goes on after them."""
        return tuple(self._busy_until) if account == NOBODY else (account,)

    def asked(self, account: str, request: HttpRequest, now: float) -> None:
        """A request reaches Google."""
        if request.method == "GET" and "/events?" in request.url and "pageToken=" not in request.url:
            self._began[account] = now

    def answered(self, account: str, request: HttpRequest, status: int, body: bytes) -> None:
        """The process is given an answer that is not older than the request."""
        listed = request.method == "GET" and "/events?" in request.url
        if listed and status == HTTPStatus.OK and b'"nextSyncToken"' in body:
            self._until[account] = self._began.get(account, 0.0)

    def until(self, account: str) -> float:
        """When what it should have seen was as it has seen it."""
        return self._until.get(account, 0.0)


def series_cut(request: HttpRequest) -> str | None:
    """The event whose instances a request moves or ends, if it has any."""
    body = request.body or b""
    cuts = request.method == "DELETE" or (
        request.method == "PATCH" and (b'"recurrence"' in body or b'"start"' in body)
    )
    path = urlsplit(request.url).path
    return unquote(path.rsplit("/", 1)[1]) if cuts and "/events/" in path else None
