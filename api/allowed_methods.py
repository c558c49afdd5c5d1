"""Which methods a path has.

Starlette answers 405 with the methods of the first route that matches the path, although each of ours has
one method only; `Allow` lists them all (RFC 9110 section 10.2.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.routing import iter_route_contexts

if TYPE_CHECKING:
    from fastapi import FastAPI


def allowed_methods(app: FastAPI, path: str) -> str:
    """The value of `Allow` for a path, after the first route that means it; empty when none does."""
    template, found = None, set[str]()
    for route in iter_route_contexts(app.routes):
        pattern = getattr(route, "path_regex", None)
        if template is None and pattern is not None and pattern.match(path):
            template = route.path
        if template is not None and route.path == template:
            found.update(getattr(route, "methods", None) or ())
    return ", ".join(sorted(found))
