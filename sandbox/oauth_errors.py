"""Refusals of the token endpoint.

Source: RFC 6749, section 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from sandbox.messages import Json, Response


@dataclass(frozen=True)
class OAuthError(Exception):
    """The token endpoint refused.

    Source: RFC 6749, section 5.2; descriptions as Google words them.
    """

    status: int
    error: str
    description: str = ""
    subtype: str | None = None

    def response(self) -> Response:
        """The answer as JSON."""
        body: Json = {"error": self.error}
        if self.description:
            body["error_description"] = self.description
        if self.subtype:
            body["error_subtype"] = self.subtype
        headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
        return Response(self.status, headers, orjson.dumps(body))
