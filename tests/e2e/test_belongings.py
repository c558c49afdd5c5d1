"""What belongs to one user does not exist for another, whatever has an id."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4  # noqa: TID251  # any id that nobody has

from main import app as application
from tests.e2e.app import App, problem_of
from tests.e2e.belongings import LOOP_BREAKER_LIMIT, collect
from tests.e2e.receiver import receiving
from tests.e2e.world import client, somebody
from tests.routes import Declared, declared_routes, request_example

if TYPE_CHECKING:
    from fastapi import FastAPI

    from tests.e2e.conftest import Machines

NOBODYS_ROUTES = {("PUT", "/calendars/{google_calendar_id}")}
"""Google's names of calendars, of which everybody has those of their own: `primary` above all."""


def _with_ids(app: FastAPI) -> list[Declared]:
    """Every route with the id of an object in it."""
    found = [each for each in declared_routes(app) if each.parameters]
    return [each for each in found if (each.method, each.path) not in NOBODYS_ROUTES]


async def test_whatever_has_an_id_is_not_there_for_anybody_else(
    machines: Machines, database_url: str
) -> None:
    """Broken object level authorization, OWASP API1."""
    google = machines.google()
    server = machines.server(
        database_url,
        google,
        LOOP_BREAKER_LIMIT=str(LOOP_BREAKER_LIMIT),
        LOOP_BREAKER_COOLDOWN_SECONDS="3600",
    )
    async with (
        receiving() as receiver,
        somebody(server.url, google.url) as ada,
        somebody(server.url, google.url, "mallory") as mallory,
    ):
        has = await collect(ada, receiver)
        # Who is linked could make the service call Google.
        await mallory.connect()
        before, told = await has.everything(), len(receiver.attempts)
        since = await ada.google.request_count()
        nobodys = {**dict.fromkeys(has.ids, str(uuid4())), "seq": "1"}
        for route in _with_ids(application):
            body = request_example(application, route)
            answer = await mallory.app.call(route.method, route.at(has.at(route.path)), json=body)
            same = await mallory.app.call(route.method, route.at(nobodys), json=body)
            shown, expected = problem_of(answer, 404, "not-found"), problem_of(same, 404, "not-found")
            assert {**shown, "instance": ""} == {**expected, "instance": ""}
        async with client() as http:
            stranger = App(http, server.url, "gcs_of_nobody", "")
            for route in _with_ids(application):
                answer = await stranger.call(route.method, route.at(has.at(route.path)))
                problem_of(answer, 401, "unauthenticated")
        assert await mallory.app.slots(include_deleted=True) == []
        assert (await ada.google.control("GET", f"/requests?since={since}"))["requests"] == []
        assert await has.everything() == before
        assert len(receiver.attempts) == told

        # What has no id in a path is everybody's own all the same.
        other = await has.again(mallory)
        assert (other.status_code, "idempotency-replayed" in other.headers) == (201, False)
        assert [each["id"] for each in await mallory.app.slots()] == [other.json()["id"]]
        for method, path in (
            ("DELETE", "/slots/feed"),
            ("POST", "/auth/logout?everywhere=true"),
            ("POST", "/auth/google/disconnect"),
            ("DELETE", "/auth/users/me"),
        ):
            assert (await mallory.app.call(method, path)).status_code in (200, 204), path
        assert (await has.again(ada)).content == has.answer_once.content
        assert await has.everything() == before
