"""Every route says who may use it, and a new one that does not say so fails here."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from main import app
from tests.api.service import ADMIN_KEY, problem, running_service
from tests.routes import CONDITIONAL, PUBLIC, Declared, declared_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.api.service import Service

ROUTES = declared_routes(app)
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
NOBODYS = str(UUID(int=0xBAD))
GUARDED = [each for each in ROUTES if (each.method, each.path) not in PUBLIC]


@pytest.fixture
async def closed(sqlite_url: str) -> AsyncIterator[Service]:
    """A service whose registration is the administrator's, as it is on the internet."""
    async with running_service(sqlite_url, registration="admin") as started:
        yield started


def test_every_route_needs_a_credential_or_stands_among_the_public_ones() -> None:
    declared = {(each.method, each.path): each.principal for each in ROUTES}
    assert len(declared) == len(ROUTES)
    assert {key for key, principal in declared.items() if principal is None} == PUBLIC
    assert {key for key, principal in declared.items() if principal == "optional"} == CONDITIONAL


def test_the_document_and_the_readme_say_the_same() -> None:
    paths = app.openapi()["paths"]
    for each in GUARDED:
        assert paths[each.path][each.method.lower()]["security"], each
    shown = set(re.findall(r"^\| `([A-Z]+)` \| `(/[^`]*)` \| .*\(public", README, flags=re.MULTILINE))
    documented = {key for key in PUBLIC if key[0].lower() in paths.get(key[1], {})}
    assert shown == documented
    for method, path in documented:
        assert "security" not in paths[path][method.lower()]


BODIES: list[tuple[bytes | None, dict[str, str]]] = [
    (None, {}),
    (b'{"title": 1}', {"content-type": "application/json"}),
]


def id_for(name: str) -> str:
    return "primary" if name == "google_calendar_id" else "1" if name == "seq" else NOBODYS


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"authorization": "Bearer gcs_00000000000000000000000000000bad_guessedguessedguessedguessed"},
        {"authorization": "Basic YWRhOmFkYQ=="},
        {"authorization": ""},
        {"cookie": "session=guessed; __Host-session=guessed"},
    ],
    ids=["nothing", "guessed key", "basic", "empty", "guessed session"],
)
async def test_without_a_valid_credential_nothing_but_the_public_paths_answers(
    closed: Service, header: dict[str, str]
) -> None:
    for route in GUARDED:
        well = route.at({name: id_for(name) for name in route.parameters})
        nonsense = route.at(dict.fromkeys(route.parameters, "nonsense"))
        for path, (body, described) in itertools.product((well, f"{nonsense}?limit=many&instance=x"), BODIES):
            sent = {**header, **described}
            answer = await closed.http.request(route.method, path, content=body, headers=sent)
            told = problem(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"] == "Bearer"
            assert NOBODYS not in str(told)


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


@pytest.mark.parametrize("known", [False, True], ids=["nobody", "somebody"])
async def test_a_method_that_a_path_does_not_have_is_refused_with_those_that_it_has(
    closed: Service, *, known: bool
) -> None:
    """Also where a path with a parameter in that place has the method: `PUT /slots/changes`."""
    header = {"authorization": f"Bearer {ADMIN_KEY}"} if known else {}
    by_path: dict[str, set[str]] = {}
    for each in ROUTES:
        by_path.setdefault(each.path, set()).add(each.method)
    for path, methods in by_path.items():
        for method in METHODS - methods:
            route = Declared(method, path, None)
            target = route.at({name: id_for(name) for name in route.parameters})
            answer = await closed.http.request(method, target, headers=header)
            assert answer.status_code == 405, (method, path, answer.text)
            assert set(answer.headers["allow"].split(", ")) == methods, (method, path)
