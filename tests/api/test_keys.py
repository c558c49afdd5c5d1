"""API keys: made, listed, revoked; and how every wrong one is refused alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from persistence.memory import MemoryStore, MemoryUnitOfWork
from schemas.key_schemas import KeyPageOut, NewKeyOut
from services.core.errors import UnauthenticatedError
from services.key_service import MOST_KEYS, KeyService
from services.user_service import UserService
from tests.api.service import LaterClock, Person, problem, refused, running_service
from tests.google.world import CountingIds, ManualClock

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from persistence.memory.unit_of_work import MemoryTransaction
    from tests.api.service import Service


def holding(person: Person, key: str) -> Person:
    """The same person with another key."""
    return Person(person.http, person.id, person.email, key)


async def new_key(person: Person, **fields: Any) -> dict[str, Any]:
    answer = await person.post("/auth/keys", json={"name": "laptop", **fields})
    assert answer.status_code == 201, answer.text
    NewKeyOut.model_validate_json(answer.content)
    return dict(answer.json())


async def test_a_key_is_made_for_each_device_and_works_like_the_first(bob: Person) -> None:
    made = await new_key(bob, name=" laptop ")
    assert (made["name"], made["expires_at"], made["last_used_at"]) == ("laptop", None, None)
    laptop = holding(bob, made["api_key"])
    slot = await laptop.create()
    assert (await bob.get(f"/slots/{slot['id']}")).status_code == 200

    page = KeyPageOut.model_validate_json((await laptop.get("/auth/keys")).content)
    assert [(key.name, key.current) for key in page.items] == [("first key", False), ("laptop", True)]
    assert all(key.last_used_at is not None for key in page.items)
    listed = (await bob.get("/auth/keys", params={"limit": 1})).json()
    assert listed["items"][0]["current"]
    rest = (await bob.get("/auth/keys", params={"cursor": listed["next_cursor"]})).json()
    assert [key["id"] for key in rest["items"]] == [made["id"]]
    assert made["api_key"][-43:] not in str(rest)


async def test_a_key_whose_answer_was_lost_is_not_made_twice(bob: Person) -> None:
    headers = {"idempotency-key": "laptop-1"}
    answers = [await bob.post("/auth/keys", json={"name": "laptop"}, headers=headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len((await bob.get("/auth/keys")).json()["items"]) == 2
    assert (await holding(bob, answers[1].json()["api_key"]).get("/slots")).status_code == 200


async def test_a_revoked_key_is_refused_by_the_next_request(bob: Person) -> None:
    made = await new_key(bob)
    laptop = holding(bob, made["api_key"])
    await laptop.create()
    assert (await laptop.delete(f"/auth/keys/{made['id']}")).status_code == 204
    for path in ("/slots", "/auth/users/me", "/auth/keys"):
        problem(await laptop.get(path), 401, "unauthenticated")
    problem(await laptop.post("/slots", json={}), 401, "unauthenticated")
    problem(await bob.delete(f"/auth/keys/{made['id']}"), 404, "not-found")
    assert await bob.titles() == ["Review"]


async def test_a_revoked_key_is_refused_by_the_other_replica_too(database_url: str) -> None:
    async with running_service(database_url) as one, running_service(database_url) as other:
        ada = await one.register()
        there = Person(other.http, ada.id, ada.email, (made := await new_key(ada))["api_key"])
        assert (await there.get("/slots")).status_code == 200
        await ada.delete(f"/auth/keys/{made['id']}")
        problem(await there.get("/slots"), 401, "unauthenticated")


async def test_an_expired_key_is_refused(database_url: str) -> None:
    clock = LaterClock()
    async with running_service(database_url, clock) as service:
        ada = await service.register()
        ends = clock.now() + timedelta(days=1)
        made = await new_key(ada, expires_at=ends.isoformat())
        laptop = holding(ada, made["api_key"])
        assert (await laptop.get("/slots")).status_code == 200
        clock.advance(timedelta(days=1))
        problem(await laptop.get("/slots"), 401, "unauthenticated")
        listed = (await ada.get("/auth/keys")).json()["items"]
        assert datetime.fromisoformat(listed[1]["expires_at"]) == ends


async def test_somebody_elses_key_is_like_none(any_service: Service, bob: Person) -> None:
    eve = await any_service.register("eve@example.com")
    made = await new_key(bob)
    told = problem(await eve.delete(f"/auth/keys/{made['id']}"), 404, "not-found")
    nothing = problem(await eve.delete(f"/auth/keys/{eve.id}"), 404, "not-found")
    assert {**told, "instance": ""} == {**nothing, "instance": ""}
    assert len((await eve.get("/auth/keys")).json()["items"]) == 1
    assert (await holding(bob, made["api_key"]).get("/slots")).status_code == 200


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "  "}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "a\x00b"}, "/name"),
        ({"name": None}, "/name"),
        ({"expires_at": "2026-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2027-01-01T00:00:00"}, "/expires_at"),
        ({"expires_at": "2027-01-01"}, "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:59"}, "/expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+23:59"}, "/expires_at"),
        ({"expires_at": "soon"}, "/expires_at"),
        ({"expires_at": 1893456000}, "/expires_at"),
        ({"scopes": ["all"]}, "/scopes"),
    ],
)
async def test_a_key_that_cannot_be_made_so(ada: Person, fields: dict[str, Any], pointer: str) -> None:
    refused(await ada.post("/auth/keys", json={"name": "laptop", **fields}), pointer)
    assert len((await ada.get("/auth/keys")).json()["items"]) == 1


async def test_a_user_has_so_many_keys_and_no_more(ada: Person) -> None:
    for number in range(1, MOST_KEYS):
        await new_key(ada, name=str(number))
    body = problem(await ada.post("/auth/keys", json={"name": "one more"}), 409, "too-many-keys")
    assert body["limit"] == MOST_KEYS
    last = (await ada.get("/auth/keys", params={"limit": 200})).json()["items"][-1]
    await ada.delete(f"/auth/keys/{last['id']}")
    await new_key(ada, name="one more")


async def test_the_administrator_has_a_setting_and_no_keys(service: Service) -> None:
    admin = service.administrator()
    problem(await admin.get("/auth/keys"), 403, "forbidden")
    problem(await admin.post("/auth/keys", json={"name": "x"}), 403, "forbidden")
    problem(await admin.post("/auth/logout"), 403, "forbidden")


class CountingUnitOfWork(MemoryUnitOfWork):
    """Counts what a credential costs."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.read = self.written = 0

    def __call__(self) -> AbstractAsyncContextManager[MemoryTransaction]:
        self.written += 1
        return super().__call__()

    def reading(self) -> AbstractAsyncContextManager[MemoryTransaction]:
        self.read += 1
        return super().reading()


async def test_every_wrong_credential_is_refused_by_the_same_steps() -> None:
    """So neither the answer nor its time tells whether a key exists, has expired or has another secret."""
    uow, clock, ids = CountingUnitOfWork(), ManualClock(), CountingIds()
    keys = KeyService(uow=uow, clock=clock, ids=ids, administrator_key="the administrator's")
    user, first = await UserService(uow=uow, clock=clock, ids=ids).register("a@b.c", None, email_proven=True)
    soon = clock.now() + timedelta(minutes=1)
    expired, expired_text = await keys.create(user.id, "expired", soon)
    revoked, revoked_text = await keys.create(user.id, "revoked", None)
    await keys.revoke(user.id, revoked.id)
    clock.advance(timedelta(minutes=1))
    wrong = ["", "x", "gcs_", "the administrators", f"{first}x", first[:-1], expired_text, revoked_text]
    for credential in [*wrong, f"gcs_{'0' * 32}_{'a' * 64}", f"gcs_{expired.id.hex}_"]:
        uow.read = uow.written = 0
        with pytest.raises(UnauthenticatedError):
            await keys.authenticate(credential)
        assert (uow.read, uow.written) == (1, 0), credential


async def test_every_wrong_credential_gets_the_same_answer(ada: Person) -> None:
    made = await new_key(ada)
    await ada.delete(f"/auth/keys/{made['id']}")
    wrong = ["x", "gcs_", f"{ada.key}x", made["api_key"], f"gcs_{'0' * 32}_{'a' * 43}", "gcs_" + "a" * 5000]
    answers = [await holding(ada, key).get("/slots") for key in wrong]
    told = [{**problem(each, 401, "unauthenticated"), "instance": ""} for each in answers]
    assert all(each == told[0] for each in told)
    own = {"x-request-id"}
    headers = [{name: value for name, value in each.headers.items() if name not in own} for each in answers]
    assert all(each == headers[0] for each in headers)


async def test_using_a_key_often_writes_seldom() -> None:
    uow, clock, ids = CountingUnitOfWork(), ManualClock(), CountingIds()
    keys = KeyService(uow=uow, clock=clock, ids=ids)
    _, text = await UserService(uow=uow, clock=clock, ids=ids).register("a@b.c", None, email_proven=True)
    uow.written = 0
    for _ in range(5):
        await keys.authenticate(text)
    assert uow.written == 1
    clock.advance(timedelta(hours=1))
    await keys.authenticate(text)
    assert uow.written == 2
