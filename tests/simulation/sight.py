"""What a process can have seen of Google: everything up to when it began the listing that it ended last."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from services.google.transport import HttpRequest


@dataclass
class Sight:
    """Of one process; by account."""

    _began: dict[str, float] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)

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
        """When what it has seen was as it has seen it."""
        return self._until.get(account, 0.0)


def series_cut(request: HttpRequest) -> str | None:
    """The event whose instances a request moves or ends, if it has any."""
    body = request.body or b""
    cuts = request.method == "DELETE" or (
        request.method == "PATCH" and (b'"recurrence"' in body or b'"start"' in body)
    )
    path = urlsplit(request.url).path
    return unquote(path.rsplit("/", 1)[1]) if cuts and "/events/" in path else None
