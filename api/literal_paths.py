"""Paths without parameters have the methods of their own routes, and no others.

Starlette goes on looking when a route has the path but not the method, and finds one that has the method
and a parameter in that place: `PUT /slots/changes` would be about a slot with the id `changes`. RFC 9110
section 15.5.6 wants 405 there, with the methods that the path has.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from api.problems import problem_response

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send


class LiteralPaths:
    """Answers 405 itself where routing would look further."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._methods: dict[str, frozenset[str]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._methods is None:
            self._methods = _literal_paths(scope["app"])
        methods = self._methods.get(scope["path"])
        if methods is None or scope["method"] in methods:
            await self._app(scope, receive, send)
            return
        allow = {"Allow": ", ".join(sorted(methods))}
        refused = problem_response(
            HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers=allow), scope["state"]["request_id"]
        )
        await refused(scope, receive, send)


def _literal_paths(app: FastAPI) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for route in iter_route_contexts(app.routes):
        methods, path = getattr(route, "methods", None), route.path
        if methods and path is not None and "{" not in path:
            found[path] = found.get(path, frozenset()) | methods
    return found
