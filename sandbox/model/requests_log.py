"""What was asked of the simulator and what it answered, secrets left out."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import orjson

if TYPE_CHECKING:
    from sandbox.messages import Json, Request

_KEPT_HEADERS = (
    "if-match",
    "if-none-match",
    "content-type",
    "user-agent",
    "content-id",
    "x-goog-quota-user",
)
_SECRETS = frozenset(
    {
        "access_token",
        "oauth_token",
        "token",
        "code",
        "refresh_token",
        "client_secret",
        "id_token",
        "code_verifier",
        "assertion",
    }
)
_LENGTH = 20_000
_LONGEST_BODY = 65_536
_FORM = re.compile(r"application/x-www-form-urlencoded")


class RequestLog:
    """The last requests, numbered from 1."""

    def __init__(self) -> None:
        self.entries: deque[Json] = deque(maxlen=_LENGTH)
        self.count = 0

    def add(self, request: Request, path: str, status: int, account: str | None, at: str) -> Json:
        """Write down one request; the entry is the caller's to complete."""
        self.count += 1
        query = {name: ["***"] if name in _SECRETS else values for name, values in request.query().items()}
        entry: Json = {
            "n": self.count,
            "at": at,
            "method": request.method,
            "path": path,
            "query": query,
            "headers": {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers},
            "body": _shown_body(request),
            "status": status,
            "account": account,
        }
        self.entries.append(entry)
        return entry

    def since(self, number: int) -> list[Json]:
        """Requests with a higher number."""
        return [entry for entry in self.entries if entry["n"] > number]


def _shown_body(request: Request) -> object:
    if not request.body or len(request.body) > _LONGEST_BODY:
        return None
    if _FORM.match(request.headers.get("content-type", "")):
        fields = parse_qs(request.body.decode("utf-8", "replace"))
        return {name: "***" if name in _SECRETS else values[-1] for name, values in fields.items()}
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None
    return _redacted(body) if isinstance(body, dict) else body


def _redacted(body: Json) -> Json:
    return {name: "***" if name in _SECRETS else value for name, value in body.items()}
