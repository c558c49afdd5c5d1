"""What becomes of a grant that was taken away: how often the token endpoint is asked for one all the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from services.google.transport import HttpRequest, HttpResponse
    from tests.simulation.processes import Process

_STORED_WITHIN_S: Final = 5.0
"""How long after a process was told it everybody may be expected to know."""


@dataclass(slots=True)
class DeadGrants:
    """Refresh tokens that Google has refused for good, and who heard of it."""

    known_at: dict[str, float] = field(default_factory=dict)
    """When a process was told so for the first time, by refresh token."""
    asked_again: int = 0
    """Requests with such a token that were sent when it should have been known everywhere."""

    def sent(self, request: HttpRequest, *, at: float) -> None:
        """A process asks for an access token."""
        if not _asks_for_a_token(request):
            return
        known_at = self.known_at.get(_refresh_token(request))
        self.asked_again += known_at is not None and at > known_at + _STORED_WITHIN_S

    def answered(self, request: HttpRequest, answer: HttpResponse, process: Process, *, at: float) -> None:
        """The process is given the answer, if it lives."""
        if not _asks_for_a_token(request) or process.dead:
            return
        if answer.status == HTTPStatus.BAD_REQUEST and b'"invalid_grant"' in answer.body:
            self.known_at.setdefault(_refresh_token(request), at)


def _asks_for_a_token(request: HttpRequest) -> bool:
    """Whether it goes to the token endpoint with a refresh token."""
    return request.url.endswith("/token") and b"refresh_token=" in (request.body or b"")


def _refresh_token(request: HttpRequest) -> str:
    return parse_qs((request.body or b"").decode())["refresh_token"][0]
