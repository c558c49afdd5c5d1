"""Requests that come again, over every database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from composition.opening import open_parts
from persistence.memory import MemoryStore, MemoryUnitOfWork
from services.core.errors import IdempotencyAnswerLostError
from services.core.idempotency import KEPT, Attempt
from services.idempotency_service import Answer, IdempotencyService
from services.joined_transactions import JoinedUnitOfWork
from services.settings import load_settings
from services.signals import Signals
from services.system import SystemClock, SystemIds
from services.token_vault import TokenVault
from tests.api.service import SLOT, problem, refused

if TYPE_CHECKING:
    from datetime import datetime

    import httpx

    from tests.api.service import Person, Service

KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
ATTENTIVE = ("etag", "location", "content-type")


def same(first: httpx.Response, again: httpx.Response) -> None:
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in ATTENTIVE:
        assert again.headers.get(name) == first.headers.get(name)


async def test_a_repetition_makes_nothing_and_gets_the_first_answer(bob: Person) -> None:
    first = await bob.post("/slots", json=SLOT, headers=KEY)
    assert first.status_code == 201
    await bob.patch(f"/slots/{first.json()['id']}", json={"title": "Edited since"})
    same(first, await bob.post("/slots", json=SLOT, headers=KEY))
    assert await bob.titles() == ["Edited since"]


async def test_how_the_body_is_written_does_not_matter(bob: Person) -> None:
    first = await bob.post("/slots", json=SLOT, headers=KEY)
    same(first, await bob.post("/slots", json=dict(reversed(SLOT.items())), headers=KEY))
    quoted = {"Idempotency-Key": f'"{KEY["Idempotency-Key"]}"'}
    same(first, await bob.post("/slots", json=SLOT, headers=quoted))


async def test_another_request_under_the_same_key_is_refused(bob: Person) -> None:
    await bob.post("/slots", json=SLOT, headers=KEY)
    for other in ({**SLOT, "title": "Other"}, {**SLOT, "notify": "all"}):
        problem(await bob.post("/slots", json=other, headers=KEY), 422, "idempotency-key-reused")
    assert await bob.titles() == ["Review"]


async def test_restoring_twice_under_one_key_is_one_restore(bob: Person) -> None:
    slot, other = await bob.create(), await bob.create(title="Other")
    for each in (slot, other):
        await bob.delete(f"/slots/{each['id']}")
    first = await bob.post(f"/slots/{slot['id']}/restore", headers=KEY)
    assert first.status_code == 200
    same(first, await bob.post(f"/slots/{slot['id']}/restore", headers=KEY))
    reused = await bob.post(f"/slots/{other['id']}/restore", headers=KEY)
    problem(reused, 422, "idempotency-key-reused")
    problem(await bob.post(f"/slots/{slot['id']}/restore"), 404, "not-found")


async def test_a_key_belongs_to_its_user_and_its_route(any_service: Service, bob: Person) -> None:
    eve = await any_service.register("eve@example.com")
    first = await bob.post("/slots", json=SLOT, headers=KEY)
    hers = await eve.post("/slots", json=SLOT, headers=KEY)
    feed = await bob.post("/slots/feed", headers=KEY)
    assert [each.status_code for each in (first, hers, feed)] == [201, 201, 201]
    assert "idempotency-replayed" not in {*hers.headers, *feed.headers}
    assert hers.json()["id"] != first.json()["id"]


async def test_a_secret_is_shown_again_to_the_same_request(bob: Person, database_url: str) -> None:
    first = await bob.post("/slots/feed", headers=KEY)
    same(first, await bob.post("/slots/feed", headers=KEY))
    opened = await bob.http.get(first.json()["url"])
    assert opened.status_code == 200
    secret = first.json()["url"].rpartition("_")[2]
    assert secret not in await everything_kept(database_url)


async def test_the_key_of_a_new_user_is_not_lost_with_the_answer(any_service: Service) -> None:
    administrator = any_service.administrator()
    first = await administrator.post("/auth/users", json={"email": "eve@example.com"}, headers=KEY)
    assert first.status_code == 201
    same(first, await administrator.post("/auth/users", json={"email": "eve@example.com"}, headers=KEY))
    other = await administrator.post("/auth/users", json={"email": "eva@example.com"}, headers=KEY)
    problem(other, 422, "idempotency-key-reused")
    known = await administrator.post("/auth/users", json={"email": "eve@example.com"})
    problem(known, 409, "email-already-registered")


async def test_without_a_credential_no_answer_is_kept(any_service: Service) -> None:
    body = {"email": "eve@example.com"}
    first = await any_service.http.post("/auth/users", json=body, headers=KEY)
    assert first.status_code == 201
    again = await any_service.http.post("/auth/users", json=body, headers=KEY)
    problem(again, 409, "email-already-registered")


async def test_one_key_is_made_however_often_it_is_asked_for(bob: Person) -> None:
    first = await bob.post("/auth/keys", json={"name": "laptop"}, headers=KEY)
    same(first, await bob.post("/auth/keys", json={"name": "laptop"}, headers=KEY))
    names = [each["name"] for each in (await bob.get("/auth/keys")).json()["items"]]
    assert names.count("laptop") == 1


async def everything_kept(database_url: str) -> str:
    from sqlalchemy import select

    from persistence.database import Database
    from persistence.models import idempotency_keys

    database = Database(database_url)
    try:
        async with database.transaction(writing=False) as connection:
            rows = await connection.fetch(select(idempotency_keys), {})
    finally:
        await database.dispose()
    assert rows
    return repr(rows)


async def test_a_refused_request_may_be_put_right_under_the_same_key(bob: Person) -> None:
    wrong = {**SLOT, "end": SLOT["start"], "start": SLOT["end"]}
    refused(await bob.post("/slots", json=wrong, headers=KEY), "/end")
    missing = await bob.post("/slots", json={**SLOT, "calendar_id": "nobody's"}, headers=KEY)
    assert missing.status_code == 422
    assert (await bob.post("/slots", json=SLOT, headers=KEY)).status_code == 201


@pytest.mark.parametrize("key", ["", "two words", "\t", "k" * 256, "ключ".encode()])
async def test_a_key_that_is_none_is_refused(ada: Person, key: Any) -> None:
    answer = await ada.post("/slots", json=SLOT, headers={"Idempotency-Key": key})
    refused(answer, "/header/idempotency-key")


async def test_twenty_at_once_make_one_slot_and_get_one_answer(bob: Person) -> None:
    answers = await asyncio.gather(*(bob.post("/slots", json=SLOT, headers=KEY) for _ in range(20)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.content for each in answers}) == 1
    assert len([each for each in answers if "idempotency-replayed" not in each.headers]) == 1
    assert await bob.titles() == ["Review"]


async def test_of_twenty_that_are_refused_none_is_kept(bob: Person) -> None:
    body = {**SLOT, "calendar_id": "nobody's"}
    answers = await asyncio.gather(*(bob.post("/slots", json=body, headers=KEY) for _ in range(20)))
    assert {each.status_code for each in answers} == {422}
    assert not any("idempotency-replayed" in each.headers for each in answers)
    assert (await bob.post("/slots", json=SLOT, headers=KEY)).status_code == 201


async def test_who_waited_for_google_gets_that_answer_again(any_service: Service, bob: Person) -> None:
    await any_service.connect(bob)
    patient = {**KEY, "Prefer": "wait=20"}
    first = await bob.post("/slots", json=SLOT, headers=patient)
    assert first.json()["sync"]["state"] == "synced"
    again = await bob.post("/slots", json=SLOT, headers=patient)
    same(first, again)
    assert again.headers["preference-applied"] == first.headers["preference-applied"]


async def test_the_work_of_another_process_is_not_repeated_after_it_died(database_url: str) -> None:
    """The record and the effect are one transaction: whatever is between them undoes both."""
    settings = load_settings(None, database_url=database_url, secret_key="the key of this story")
    clock, ids = SystemClock(), SystemIds()
    async with open_parts(settings, clock=clock, ids=ids, transport=Unused()) as parts:  # type: ignore[arg-type]
        container = parts.container
        user, _ = await container.users.register("ada@example.com", None, email_proven=True)
        attempt = Attempt(user.id, "POST /slots/feed", "k", "f")

        async def dies() -> None:
            await container.feeds.replace(user.id)
            raise SystemExit

        with pytest.raises(SystemExit):
            await container.idempotency.once(attempt, dies, lambda _: Answer(201, {}, ""))
        assert await container.feeds.find(user.id) is None

        async def works() -> str:
            return (await container.feeds.replace(user.id))[1]

        outcome = await container.idempotency.once(attempt, works, lambda key: Answer(201, {}, key))
        again = await container.idempotency.once(attempt, works, lambda key: Answer(201, {}, key))
        assert again.value is None
        assert again.answer.body == outcome.value


class Unused:
    """There is no network in this story."""


async def test_an_answer_is_kept_for_a_day(sqlite_url: str) -> None:
    settings = load_settings(None, database_url=sqlite_url, secret_key="the key of this story")
    clock = Later()
    async with open_parts(settings, clock=clock, ids=SystemIds(), transport=Unused()) as parts:  # type: ignore[arg-type]
        container = parts.container
        user, _ = await container.users.register("ada@example.com", None, email_proven=True)
        attempt = Attempt(user.id, "POST /x", "k", "f")

        async def works() -> str:
            return "done"

        async def is_done_again() -> bool:
            outcome = await container.idempotency.once(attempt, works, lambda text: Answer(200, {}, text))
            return outcome.value is not None

        assert await is_done_again()
        clock.by = KEPT - timedelta(minutes=1)
        await container.idempotency.sweep()
        assert not await is_done_again()
        clock.by = KEPT + timedelta(minutes=1)
        await container.idempotency.sweep()
        assert await is_done_again()


class Later(SystemClock):
    """A clock that can be set ahead."""

    by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.by


async def test_an_answer_that_no_key_opens_is_told_so() -> None:
    uow, ids = JoinedUnitOfWork(MemoryUnitOfWork(MemoryStore())), SystemIds()
    attempt = Attempt(ids.uuid(), "POST /x", "k", "f")

    async def works() -> str:
        return "done"

    async def sent(secret: str) -> Any:
        box = TokenVault.from_secrets(secret, ids=ids)
        service = IdempotencyService(uow=uow, clock=SystemClock(), box=box, signals=Signals())
        return await service.once(attempt, works, lambda text: Answer(200, {}, text))

    assert (await sent("the first key")).value == "done"
    assert (await sent("the first key")).value is None
    with pytest.raises(IdempotencyAnswerLostError):
        await sent("a key that came without the first")
