"""Holds every problem that a story meets against what the OpenAPI document says of the route."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi.routing import iter_route_contexts

from api.problems import TYPE_ROOT

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

NO_ROUTE = frozenset({"not-found", "method-not-allowed"})
"""What answers where there is no such path or method."""


class Documented:
    """Looks at each answer of the service; a hook of the client."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._paths: dict[str, Any] = app.openapi()["paths"]

    async def __call__(self, answer: httpx.Response) -> None:
        """Fail when a problem comes that the document does not know of."""
        if not answer.headers.get("content-type", "").startswith("application/problem+json"):
            return
        await answer.aread()
        if not answer.content:
            # To HEAD.
            return
        problem = json.loads(answer.content)
        slug, status = problem["type"].removeprefix(TYPE_ROOT), str(problem["status"])
        template = self._template(answer.request.method, answer.request.url.path)
        operation = self._paths.get(template or "", {}).get(answer.request.method.lower())
        if operation is None or (template is None and slug in NO_ROUTE):
            return
        known = slugs_of(operation)
        assert slug in known.get(status, known["default"]) | known["default"], (
            f"{answer.request.method} {template} does not document {status} {slug}"
        )

    def _template(self, method: str, path: str) -> str | None:
        if path in self._paths:
            # Word for word; a parameter elsewhere does not mean it.
            return path
        for route in iter_route_contexts(self._app.routes):
            pattern = getattr(route, "path_regex", None)
            if (
                pattern is not None
                and pattern.match(path)
                and method in (getattr(route, "methods", None) or ())
            ):
                return route.path
        return None


def slugs_of(operation: dict[str, Any]) -> dict[str, set[str]]:
    """The problem types that an operation documents, by status."""
    return {
        status: {
            example["value"]["type"].removeprefix(TYPE_ROOT)
            for example in answer.get("content", {})
            .get("application/problem+json", {})
            .get("examples", {})
            .values()
        }
        for status, answer in {"default": {}, **operation["responses"]}.items()
    }
