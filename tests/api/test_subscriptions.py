"""Outbound webhooks over REST, on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.subscription_schemas import (
    DeliveryOut,
    DeliveryPageOut,
    NewSubscriptionOut,
    SubscriptionIn,
    SubscriptionOut,
    SubscriptionPageOut,
)
from tests.api.service import problem, refused, running_service

if TYPE_CHECKING:
    from tests.api.service import Person, Service

PATH = "/webhooks/subscriptions"
NOBODY_LISTENS = "http://127.0.0.1:9/hook"
ABSENT = "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4"


async def subscribe(person: Person, **fields: Any) -> dict[str, Any]:
    answer = await person.post(PATH, json={"url": NOBODY_LISTENS, **fields})
    assert answer.status_code == 201, answer.text
    NewSubscriptionOut.model_validate_json(answer.content)
    return dict(answer.json())


async def test_the_secret_is_shown_once(bob: Person) -> None:
    made = await subscribe(bob, description="The booking page")
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    one = await bob.get(f"{PATH}/{made['id']}")
    SubscriptionOut.model_validate_json(one.content)
    listed = await bob.get(PATH)
    SubscriptionPageOut.model_validate_json(listed.content)
    assert listed.json()["items"] == [one.json()] == [made]
    assert secret not in one.text + listed.text
    assert (made["status"], made["description"]) == ("active", "The booking page")


async def test_one_that_is_asked_for_twice_is_made_once_with_one_secret(bob: Person) -> None:
    body, headers = {"url": NOBODY_LISTENS}, {"Idempotency-Key": "k"}
    first = await bob.post(PATH, json=body, headers=headers)
    again = await bob.post(PATH, json=body, headers=headers)
    assert again.content == first.content
    assert first.headers["location"] == again.headers["location"] == f"{PATH}/{first.json()['id']}"
    assert len((await bob.get(PATH)).json()["items"]) == 1


async def test_a_test_message_tells_what_came_of_it(bob: Person) -> None:
    made = await subscribe(bob)
    answer = await bob.post(f"{PATH}/{made['id']}/test")
    assert answer.status_code == 200
    DeliveryOut.model_validate_json(answer.content)
    told = answer.json()
    assert (told["type"], told["succeeded"], told["error"]) == ("webhook.test", False, "network")
    log = await bob.get(f"{PATH}/{made['id']}/deliveries")
    DeliveryPageOut.model_validate_json(log.content)
    assert log.json() == {"items": [told], "next_cursor": None}


async def test_the_log_is_paged(bob: Person) -> None:
    made = await subscribe(bob)
    sent = [(await bob.post(f"{PATH}/{made['id']}/test")).json()["id"] for _ in range(3)]
    first = (await bob.get(f"{PATH}/{made['id']}/deliveries", params={"limit": 2})).json()
    more = {"limit": 2, "cursor": first["next_cursor"]}
    second = (await bob.get(f"{PATH}/{made['id']}/deliveries", params=more)).json()
    assert [each["id"] for each in first["items"] + second["items"]] == sent[::-1]
    assert second["next_cursor"] is None


async def test_one_that_is_ended_is_gone(bob: Person) -> None:
    made = await subscribe(bob)
    assert (await bob.delete(f"{PATH}/{made['id']}")).status_code == 204
    problem(await bob.delete(f"{PATH}/{made['id']}"), 404, "not-found")
    assert (await bob.get(PATH)).json() == {"items": [], "next_cursor": None}


async def test_those_of_others_do_not_exist(any_service: Service, bob: Person) -> None:
    made = await subscribe(bob)
    eve = await any_service.register("eve@example.com")
    for subscription in (made["id"], ABSENT):
        place = f"{PATH}/{subscription}"
        problem(await eve.get(place), 404, "not-found")
        problem(await eve.delete(place), 404, "not-found")
        problem(await eve.post(f"{place}/test"), 404, "not-found")
        problem(await eve.get(f"{place}/deliveries"), 404, "not-found")
    assert (await eve.get(PATH)).json()["items"] == []
    assert len((await bob.get(PATH)).json()["items"]) == 1


async def test_a_user_has_ten_at_most(bob: Person) -> None:
    for _ in range(10):
        await subscribe(bob)
    too_many = problem(await bob.post(PATH, json={"url": NOBODY_LISTENS}), 409, "too-many-subscriptions")
    assert too_many["limit"] == 10


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://example.com",
        "http://example.com/",
        "http://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://user:secret@example.com/",
        "https://example.com/\x00",
        "https://example.com:22/",
        "https://example.com/#part",
    ],
)
async def test_addresses_to_which_nothing_may_go_are_refused(ada: Person, url: str) -> None:
    refused(await ada.post(PATH, json={"url": url}), "/url")
    assert (await ada.get(PATH)).json()["items"] == []


async def test_on_a_public_service_this_machine_is_no_target(sqlite_url: str) -> None:
    """OWASP API7."""
    public = {
        "public_base_url": "https://calendar.example.com",
        "secret_key": "a-secret-key-of-these-stories-0123456789",
        "admin_api_key": "an-administrators-key-of-these-stories-01",
        "google_client_id": "id",
        "google_client_secret": "secret",
        "registration": "open",
    }
    async with running_service(sqlite_url, **public) as service:
        service.http.base_url = "https://calendar.example.com"
        ada = await service.register()
        for url in ("http://localhost:8000/", "https://localhost/", "https://127.0.0.1/", "https://[::1]/"):
            refused(await ada.post(PATH, json={"url": url}), "/url")


def test_the_examples_are_true() -> None:
    for model in (
        SubscriptionIn,
        SubscriptionOut,
        NewSubscriptionOut,
        SubscriptionPageOut,
        DeliveryOut,
        DeliveryPageOut,
    ):
        for example in model.model_json_schema()["examples"]:
            model.model_validate(example)
