"""What changed since a client looked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from api.paging import feed_cursor
from schemas.change_schemas import ChangePageOut
from services.change_feed import ChangeFeed
from services.core.changes import FeedPosition
from services.core.policy import FeedPolicy
from services.system import SystemClock
from tests.api.service import problem, refused

if TYPE_CHECKING:
    import httpx

    from tests.api.service import Person, Service


class Reader:
    """A client that keeps what the feed tells."""

    def __init__(self, person: Person, limit: int = 200) -> None:
        self.person = person
        self.limit = limit
        self.cursor: str | None = None
        self.has: dict[str, dict[str, Any]] = {}

    async def ask(self) -> httpx.Response:
        query = {"limit": self.limit} | ({"cursor": self.cursor} if self.cursor else {})
        return await self.person.get("/slots/changes", params=query)

    async def page(self) -> dict[str, Any]:
        answer = await self.ask()
        assert answer.status_code == 200, answer.text
        ChangePageOut.model_validate_json(answer.content)
        body = dict(answer.json())
        for item in body["items"]:
            if item["kind"] == "deleted":
                self.has.pop(item["slot"]["id"], None)
            else:
                assert item["kind"] == "created" or item["slot"]["id"] in self.has
                self.has[item["slot"]["id"]] = item["slot"]
        self.cursor = body["next_cursor"]
        return body

    async def news(self) -> list[tuple[str, str]]:
        """Everything up to now: what happened to which title."""
        told = []
        while True:
            body = await self.page()
            told += [(item["kind"], item["slot"]["title"]) for item in body["items"]]
            if not body["has_more"]:
                return told

    async def agrees(self) -> None:
        """The reader has exactly what the service has."""
        slots = (await self.person.get("/slots", params={"limit": 200})).json()["items"]
        assert self.has == {each["id"]: each for each in slots}


@pytest.fixture
def reader(bob: Person) -> Reader:
    return Reader(bob)


async def test_first_everything_and_then_what_changed(bob: Person, reader: Reader) -> None:
    assert await reader.news() == []
    one, two = await bob.create(title="One"), await bob.create(title="Two")
    assert await reader.news() == [("created", "One"), ("created", "Two")]
    await bob.patch(f"/slots/{one['id']}", json={"title": "One more"})
    await bob.patch(f"/slots/{one['id']}", json={"title": "One at last"})
    await bob.create(title="Three")
    assert await reader.news() == [("updated", "One at last"), ("created", "Three")]
    await bob.delete(f"/slots/{two['id']}")
    assert await reader.news() == [("deleted", "Two")]
    await bob.post(f"/slots/{two['id']}/restore")
    assert await reader.news() == [("created", "Two")]
    assert await reader.news() == []
    await reader.agrees()


async def test_numbers_grow_and_the_cursor_goes_on_where_it_was(bob: Person) -> None:
    reader = Reader(bob, limit=2)
    for number in range(5):
        await bob.create(title=str(number))
    pages = [await reader.page() for _ in range(3)]
    numbers = [item["seq"] for page in pages for item in page["items"]]
    assert numbers == sorted(set(numbers))
    assert [(len(page["items"]), page["has_more"]) for page in pages] == [(2, True), (2, True), (1, False)]
    cursor = reader.cursor
    assert (await reader.page())["items"] == []
    reader.cursor = cursor
    assert (await reader.page())["items"] == []


async def test_what_was_gone_before_is_no_news_and_what_goes_meanwhile_is(bob: Person) -> None:
    reader = Reader(bob, limit=1)
    gone = await bob.create(title="Gone")
    await bob.delete(f"/slots/{gone['id']}")
    kept, short = await bob.create(title="Kept"), await bob.create(title="Short-lived")
    first = await reader.page()
    assert [item["slot"]["title"] for item in first["items"]] == ["Kept"]
    await bob.delete(f"/slots/{kept['id']}")
    await bob.patch(f"/slots/{short['id']}", json={"title": "Renamed"})
    assert await reader.news() == [("deleted", "Kept"), ("created", "Renamed")]
    await reader.agrees()


async def test_what_appears_while_a_client_catches_up_is_created_for_it(bob: Person) -> None:
    reader = Reader(bob, limit=1)
    slots = [await bob.create(title=title) for title in "abc"]
    assert len(await reader.news()) == 3
    await bob.patch(f"/slots/{slots[0]['id']}", json={"title": "a2"})
    late = await bob.create(title="late")
    await reader.page()
    await bob.patch(f"/slots/{late['id']}", json={"title": "later"})
    assert await reader.news() == [("created", "later")]


async def test_a_series_and_its_exceptions_are_the_slots_that_they_are(bob: Person, reader: Reader) -> None:
    series = await bob.create(title="Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    assert await reader.news() == [("created", "Weekly")]
    instance = {"instance": "2026-07-08T10:00:00+02:00", "scope": "this"}
    await bob.patch(f"/slots/{series['id']}", params=instance, json={"title": "Moved"})
    told = await reader.news()
    assert ("created", "Moved") in told
    [exception] = [each for each in reader.has.values() if each["title"] == "Moved"]
    assert exception["recurring_slot_id"] == series["id"]


async def test_a_link_to_google_and_its_end_change_how_slots_stand(any_service: Service, bob: Person) -> None:
    reader = Reader(bob)
    await bob.create(title="Before")
    await reader.news()
    [known] = reader.has.values()
    assert known["sync"]["state"] == "local_only"
    await any_service.connect(bob)
    await bob.post("/sync/trigger")
    await bob.create(title="Linked")
    await bob.post("/sync/trigger")
    await reader.news()
    await reader.agrees()
    assert {each["sync"]["state"] for each in reader.has.values()} == {"synced"}
    await bob.post("/auth/google/disconnect", json={"remote": "keep", "local": "keep"})
    await bob.patch(f"/slots/{known['id']}", json={"title": "After"})
    await reader.news()
    await reader.agrees()
    assert reader.has[known["id"]]["sync"]["state"] == "local_only"


async def test_after_the_purge_an_old_cursor_is_told_to_begin_again(
    any_service: Service, bob: Person
) -> None:
    reader = Reader(bob)
    await bob.create(title="Kept")
    gone = await bob.create(title="Gone")
    await reader.news()
    await bob.delete(f"/slots/{gone['id']}")
    beginner = Reader(bob, limit=1)
    changes = any_service.parts.container.changes
    await changes.purge()
    assert (await reader.ask()).status_code == 200
    later = _Later(SystemClock().now() + FeedPolicy().retention + timedelta(minutes=1))
    await ChangeFeed(uow=changes._uow, clock=later, policy=FeedPolicy()).purge()
    facts = problem(await reader.ask(), 410, "cursor-expired")
    assert "begin again" in facts["detail"]
    problem(await bob.post(f"/slots/{gone['id']}/restore"), 404, "not-found")
    reader.cursor, reader.has = None, {}
    assert await reader.news() == await beginner.news() == [("created", "Kept")]
    await reader.agrees()


class _Later(SystemClock):
    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now


async def test_a_cursor_from_a_database_that_is_no_more_has_expired(bob: Person, reader: Reader) -> None:
    reader.cursor = feed_cursor(UUID(bob.id), FeedPosition(1000, 1000))
    problem(await reader.ask(), 410, "cursor-expired")


async def test_cursors_that_are_none_are_refused(any_service: Service, bob: Person, reader: Reader) -> None:
    eve = await any_service.register("eve@example.com")
    mine = UUID(bob.id)
    for cursor in (
        "!",
        "Y3w=",
        feed_cursor(UUID(eve.id), FeedPosition(0, 0)),
        feed_cursor(mine, FeedPosition(1, 2)),
        feed_cursor(mine, FeedPosition(-1, 0)),
        feed_cursor(mine, FeedPosition(10**19, 0)),
    ):
        reader.cursor = cursor
        problem(await reader.ask(), 422, "invalid-cursor")
    assert refused(await bob.get("/slots/changes", params={"limit": 0}), "/query/limit")


async def test_everybody_has_a_feed_of_their_own(any_service: Service, bob: Person) -> None:
    await bob.create()
    eve = await any_service.register("eve@example.com")
    assert await Reader(eve).news() == []
    problem(await any_service.administrator().get("/slots/changes"), 403, "forbidden")
    problem(await any_service.http.get("/slots/changes"), 401, "unauthenticated")
