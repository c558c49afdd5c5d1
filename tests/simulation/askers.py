"""In whose name Google was asked last, also with tokens that it knows no longer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from services.google.transport import HttpRequest


@dataclass(slots=True)
class Askers:
    """Who has asked what with which secret."""

    asked_at: dict[str, float] = field(default_factory=dict)
    """When a request in the name of an account was sent last."""
    _owners: dict[str, str] = field(default_factory=dict)

    def note(self, request: HttpRequest, account: str | None, now: float) -> None:
        """A request is sent; Google tells of whom it is, as far as its token is good."""
        secret = _secret_of(request)
        if account is not None:
            self._owners[secret] = account
        owner = self._owners.get(secret)
        if owner is not None:
            self.asked_at[owner] = now


def _secret_of(request: HttpRequest) -> str:
    """The token of a request, be it one for calls or one for tokens."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if "authorization" in headers:
        return headers["authorization"]
    if urlsplit(request.url).path != "/token":
        return ""
    return parse_qs((request.body or b"").decode()).get("refresh_token", [""])[0]
