"""Users, their keys, and who may do what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from schemas.auth_schemas import NewUserOut, UserOut, UserPageOut
from tests.api.service import SLOT, problem, refused, running_service

if TYPE_CHECKING:
    from tests.api.service import Person, Service


async def test_a_user_registers_and_is_known_by_the_key(any_service: Service) -> None:
    answer = await any_service.http.post("/auth/users", json={"email": " Ada@Example.com ", "name": "Ada"})
    assert answer.status_code == 201
    created = NewUserOut.model_validate_json(answer.content)
    assert created.email == "Ada@Example.com"
    key = answer.json()["api_key"]
    assert key.startswith("gcs_")
    own = await any_service.http.get("/auth/users/me", headers={"authorization": f"Bearer {key}"})
    UserOut.model_validate_json(own.content)
    assert own.json() == {name: value for name, value in answer.json().items() if name != "api_key"}
    assert own.json()["google"]["status"] == "disconnected"
    again = await any_service.http.post("/auth/users", json={"email": "ada@example.COM"})
    problem(again, 409, "email-already-registered")
    assert "api_key" not in again.text


@pytest.mark.parametrize(
    "email", ["", "ada", "@example.com", "ada@", "a b@c.d", "a@b@c", "a\x00@b.c", "x" * 250 + "@y.z"]
)
async def test_an_address_that_is_none(service: Service, email: str) -> None:
    refused(await service.http.post("/auth/users", json={"email": email}), "/email")


async def test_a_wrong_credential(service: Service, ada: Person) -> None:
    wrong = [
        "",
        "Bearer",
        "Bearer x",
        "Bearer gcs_",
        "Bearer gcs_x_y",
        f"Bearer {ada.key}x",
        f"Bearer {ada.key[:-1]}",
        f"Bearer gcs_{'0' * 32}_{'a' * 43}",
        f"Basic {ada.key}",
        ada.key,
        "Bearer é",
    ]
    for value in wrong:
        headers = {b"authorization": value.encode("latin-1")}
        answer = await service.http.get("/slots", headers=headers)
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    problem(await service.http.get("/slots"), 401, "unauthenticated")
    problem(await service.http.post("/slots", json={"title": 1}), 401, "unauthenticated")


async def test_every_route_but_the_public_ones_wants_a_credential(service: Service) -> None:
    public = {
        "getLinks",
        "getHealth",
        "getReadiness",
        "registerUser",
        "finishGoogle",
        "receiveGoogleNotification",
        # Its credential stands in the address.
        "readFeed",
    }
    document = (await service.http.get("/openapi.json")).json()
    some_id = "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4"
    checked = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if operation["operationId"] in public:
                continue
            url = re.sub(r"{[a-z_]+_id}", some_id, path)
            body = SLOT if "requestBody" in operation else None
            answer = await service.http.request(method, url, json=body)
            problem(answer, 401, "unauthenticated")
            # To link an account by a ticket, or to sign in, a browser needs none.
            optional: list[dict[str, Any]] = [{}] if operation["operationId"] == "authorizeGoogle" else []
            assert operation["security"] == [{"apiKey": []}, {"session": []}, *optional]
            checked.add(operation["operationId"])
    assert len(checked) >= 20


async def test_a_user_sees_only_itself(any_service: Service, bob: Person) -> None:
    eve = await any_service.register("eve@example.com")
    page = UserPageOut.model_validate_json((await bob.get("/auth/users")).content)
    assert [each.email for each in page.items] == ["bob@example.com"]
    for path in (f"/auth/initialize/{eve.id}", f"/webhooks/setup/{eve.id}"):
        problem(await bob.post(path), 404, "not-found")


async def test_the_administrator_sees_everybody_and_has_no_slots(any_service: Service, bob: Person) -> None:
    del bob
    for number in range(3):
        await any_service.register(f"user{number}@example.com")
    admin = any_service.administrator()
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = (await admin.get("/auth/users", params={"limit": 2, **cursor})).json()
        seen += [each["email"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(seen) == ["bob@example.com", *(f"user{number}@example.com" for number in range(3))]
    for path in ("/slots", "/auth/users/me", "/sync/status", "/auth/google/authorize"):
        problem(await admin.get(path), 403, "forbidden")


async def test_registration_by_the_administrator_only(sqlite_url: str) -> None:
    async with running_service(sqlite_url, registration="admin") as service:
        body = {"email": "ada@example.com"}
        problem(await service.http.post("/auth/users", json=body), 401, "unauthenticated")
        answer = await service.administrator().post("/auth/users", json=body)
        assert answer.status_code == 201
        headers = {"authorization": f"Bearer {answer.json()['api_key']}"}
        other = {"email": "eve@example.com"}
        problem(await service.http.post("/auth/users", json=other, headers=headers), 403, "forbidden")


async def test_an_erased_user_is_gone(any_service: Service, bob: Person) -> None:
    await bob.create()
    assert (await bob.delete("/auth/users/me")).status_code == 204
    problem(await bob.get("/slots"), 401, "unauthenticated")
    assert (await any_service.register("bob@example.com")).id != bob.id
