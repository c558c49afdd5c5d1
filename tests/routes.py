"""The routes of the application as the application has them, for stories that must miss none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from fastapi.routing import iter_route_contexts

from api.dependencies import CurrentPrincipal, OptionalPrincipal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from fastapi.dependencies.models import Dependant

_REQUIRED = get_args(CurrentPrincipal)[1].dependency
_OPTIONAL = get_args(OptionalPrincipal)[1].dependency

PUBLIC = frozenset(
    {
        ("GET", "/"),
        ("GET", "/health"),
        ("GET", "/ready"),
        ("GET", "/docs"),
        ("GET", "/docs/start.js"),
        ("GET", "/openapi.json"),
        ("HEAD", "/openapi.json"),
        ("GET", "/auth/google/callback"),
        ("GET", "/slots/feed.ics"),
        ("HEAD", "/slots/feed.ics"),
        ("POST", "/webhooks/google-calendar"),
    }
)
"""What answers without a credential; whoever adds a route here says why in SECURITY.md."""

CONDITIONAL = frozenset({("POST", "/auth/users"), ("GET", "/auth/google/authorize")})
"""What decides by itself: registration may be open, and a ticket or a browser needs no credential."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One method of one path."""

    method: str
    path: str
    principal: str | None
    """`required`, `optional`, or `None` where the route asks for no credential."""

    @property
    def parameters(self) -> list[str]:
        """The names in the path."""
        return re.findall(r"{(\w+)}", self.path)

    def at(self, ids: dict[str, str]) -> str:
        """The path with these ids.

        Raises:
            KeyError: A parameter that the story knows no object for.
        """
        return self.path.format_map(ids)


def declared_routes(app: FastAPI) -> list[Declared]:
    """Every route, also those that the document does not show; mounted applications are not ours."""
    return list(_routes(app))


def request_example(app: FastAPI, route: Declared) -> Any:
    """The body that the document gives as an example; `None` where there is none to send."""
    document = app.openapi()
    body = document["paths"][route.path][route.method.lower()].get("requestBody")
    if body is None:
        return None
    schema = body["content"]["application/json"]["schema"]
    schema = next((each for each in schema.get("anyOf", []) if "$ref" in each), schema)
    named = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return named["examples"][0]


def _routes(app: FastAPI) -> Iterator[Declared]:
    for context in iter_route_contexts(app.routes):
        for method in sorted(getattr(context, "methods", None) or ()):
            dependant = getattr(context, "dependant", None)
            calls = set(_calls(dependant)) if dependant is not None else set()
            principal = "required" if _REQUIRED in calls else "optional" if _OPTIONAL in calls else None
            yield Declared(method, str(context.path), principal)


def _calls(dependant: Dependant) -> Iterator[Any]:
    for each in dependant.dependencies:
        yield each.call
        yield from _calls(each)
