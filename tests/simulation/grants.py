"""What becomes of a grant that was taken away: how often Google has to say that it is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from services.google.transport import HttpRequest, HttpResponse
    from tests.simulation.processes import Process

_STORED_WITHIN_S: Final = 5.0
"""How long it takes until what a process was told is stored."""


@dataclass(frozen=True, slots=True)
class _Told:
    """Who heard first that a grant is gone."""

    process: Process
    at: float

    def known_at(self) -> float:
        """From when everybody may be expected to know: a process that stands still tells nobody."""
        return max(self.at, self.process.stands_until) + _STORED_WITHIN_S


@dataclass(slots=True)
class DeadGrants:
    """Refresh tokens that Google has refused for good, and who heard of it."""

    told: dict[str, _Told] = field(default_factory=dict)
    """By refresh token."""
    refused_again: int = 0
    """How often Google had to say so once more, to a request that was sent when all should have known.

    A request that was lost, or answered with something else, costs another one: it taught nobody anything.
    """

    def answered(
        self, request: HttpRequest, answer: HttpResponse, process: Process, *, sent_at: float, at: float
    ) -> None:
        """The process is given the answer, if it lives."""
        if not _asks_for_a_token(request) or process.dead:
            return
        if answer.status != HTTPStatus.BAD_REQUEST or b'"invalid_grant"' not in answer.body:
            return
        told = self.told.setdefault(_refresh_token(request), _Told(process, at))
        self.refused_again += sent_at > told.known_at()


def _asks_for_a_token(request: HttpRequest) -> bool:
    """Whether it goes to the token endpoint with a refresh token."""
    return request.url.endswith("/token") and b"refresh_token=" in (request.body or b"")


def _refresh_token(request: HttpRequest) -> str:
    return parse_qs((request.body or b"").decode())["refresh_token"][0]
