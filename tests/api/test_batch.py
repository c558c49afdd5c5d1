"""Many changes in one request, over every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.batch_schemas import BatchIn, BatchOut
from tests.api.service import SLOT, problem, refused

if TYPE_CHECKING:
    from tests.api.service import Person, Service

ABSENT = "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4"
SERIES = {**SLOT, "title": "Weekly", "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}


def create(**fields: Any) -> dict[str, Any]:
    return {"action": "create", "slot": {**SLOT, **fields}}


async def sent(person: Person, *items: Any, **headers: str) -> list[dict[str, Any]]:
    answer = await person.post("/slots/batch", json={"items": items}, headers=headers)
    assert answer.status_code == 200, answer.text
    BatchOut.model_validate_json(answer.content)
    return list(answer.json()["results"])


async def test_each_item_has_its_result_in_order(bob: Person) -> None:
    kept, gone = await bob.create(title="Kept"), await bob.create(title="Gone")
    results = await sent(
        bob,
        create(title="New"),
        {"action": "update", "id": kept["id"], "slot": {"title": "Renamed"}},
        {"action": "replace", "id": kept["id"], "slot": {**SLOT, "title": "Replaced"}},
        {"action": "delete", "id": gone["id"]},
    )
    assert [each["status"] for each in results] == [201, 200, 200, 200]
    assert [each["slot"]["title"] for each in results] == ["New", "Renamed", "Replaced", "Gone"]
    assert [each["slot"]["version"] for each in results] == [1, 2, 3, 2]
    assert all(each["problem"] is None for each in results)
    assert sorted(await bob.titles()) == ["New", "Replaced"]


async def test_what_fails_does_not_stop_the_others(bob: Person) -> None:
    slot = await bob.create(title="Here")
    results = await sent(
        bob,
        create(title="First"),
        {"action": "delete", "id": ABSENT},
        create(end=SLOT["start"], start=SLOT["end"]),
        {"action": "update", "id": slot["id"], "if_match": '"7"', "slot": {"title": "Stale"}},
        {"action": "delete", "id": slot["id"], "if_match": '"1"'},
        {"action": "update", "id": slot["id"], "slot": {"title": "Too late"}},
        create(title="Last"),
    )
    assert [each["status"] for each in results] == [201, 404, 422, 412, 200, 404, 201]
    slugs = [each["problem"]["type"].rpartition("/")[2] for each in results if each["problem"]]
    assert slugs == ["not-found", "validation-failed", "stale-edit", "not-found"]
    assert results[3]["problem"]["current_version"] == 1
    assert sorted(await bob.titles()) == ["First", "Last"]


async def test_a_number_that_a_failed_item_took_is_no_gap_in_what_readers_see(bob: Person) -> None:
    results = await sent(bob, create(), create(calendar_id="nobody's"), create(title="Second"))
    assert [each["status"] for each in results] == [201, 422, 201]
    assert sorted(await bob.titles()) == ["Review", "Second"]


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        (create(title=None), "/items/1/slot/title"),
        (create(surprise=1), "/items/1/slot/surprise"),
        (create(end=SLOT["start"], start=SLOT["end"]), "/items/1/slot/end"),
        (create(recurrence=["RRULE:FREQ=NEVER"]), "/items/1/slot/recurrence/0"),
        ({"action": "create"}, "/items/1/slot"),
        ({"action": "explode"}, "/items/1"),
        ({}, "/items/1"),
        (7, "/items/1"),
        ({"action": "delete", "id": "x"}, "/items/1/id"),
        ({"action": "delete", "id": ABSENT, "scope": "some"}, "/items/1/scope"),
        ({"action": "delete", "id": ABSENT, "instance": "soon"}, "/items/1/instance"),
        ({"action": "delete", "id": f"{ABSENT}_20260302", "instance": "2026-03-03"}, "/items/1/instance"),
        ({"action": "delete", "id": ABSENT, "if_match": "\x00"}, "/items/1/if_match"),
    ],
)
async def test_what_is_wrong_with_an_item_is_told_where(ada: Person, item: Any, pointer: str) -> None:
    fine, wrong = await sent(ada, create(), item)
    assert (fine["status"], wrong["status"], wrong["slot"]) == (201, 422, None)
    assert [each["pointer"] for each in wrong["problem"]["errors"]] == [pointer]
    assert await ada.titles() == ["Review"]


async def test_an_instance_needs_to_be_named_for_its_scope(ada: Person) -> None:
    series = await ada.create(**SERIES)
    [result] = await sent(ada, {"action": "delete", "id": series["id"], "scope": "this"})
    assert result["problem"]["errors"][0]["pointer"] == "/items/0/instance"


async def test_scopes_mean_what_they_mean_alone(bob: Person) -> None:
    series = await bob.create(**SERIES)
    second = "2026-07-08T10:00:00+02:00"
    edited, cut = await sent(
        bob,
        {"action": "update", "id": series["id"], "instance": second, "slot": {"title": "Other"}},
        {"action": "delete", "id": f"{series['id']}_20260715T080000Z", "scope": "following"},
    )
    assert (edited["status"], edited["slot"]["recurring_slot_id"]) == (200, series["id"])
    assert cut["status"] == 200
    seen = await bob.titles(expand=True, **{"from": "2026-07-01T00:00:00Z", "to": "2026-08-01T00:00:00Z"})
    assert seen == ["Weekly", "Other"]


@pytest.mark.parametrize("items", [[], [create()] * 101])
async def test_a_batch_has_one_to_a_hundred_items(ada: Person, items: list[Any]) -> None:
    refused(await ada.post("/slots/batch", json={"items": items}), "/items")
    assert await ada.titles() == []


async def test_a_hundred_are_made_at_once(bob: Person) -> None:
    results = await sent(bob, *(create(title=f"Number {number}") for number in range(100)))
    assert {each["status"] for each in results} == {201}
    assert len(await bob.titles(limit=200)) == 100


async def test_of_somebody_elses_slots_nothing_is_told(any_service: Service, bob: Person) -> None:
    eve = await any_service.register("eve@example.com")
    slot = await bob.create()
    theirs, absent = await sent(
        eve, {"action": "delete", "id": slot["id"]}, {"action": "delete", "id": ABSENT}
    )
    assert theirs["status"] == 404
    assert theirs == absent
    assert await bob.titles() == ["Review"]


async def test_a_batch_that_comes_again_changes_nothing(bob: Person) -> None:
    items = [create(), {"action": "delete", "id": ABSENT}]
    first = await bob.post("/slots/batch", json={"items": items}, headers={"Idempotency-Key": "k"})
    again = await bob.post("/slots/batch", json={"items": items}, headers={"Idempotency-Key": "k"})
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content
    other = await bob.post("/slots/batch", json={"items": items[:1]}, headers={"Idempotency-Key": "k"})
    problem(other, 422, "idempotency-key-reused")
    assert await bob.titles() == ["Review"]


async def test_who_asks_to_wait_gets_all_of_them_synced(any_service: Service, bob: Person) -> None:
    await any_service.connect(bob)
    slot = await bob.create(title="Old")
    results = await sent(
        bob, create(), create(title="Two"), {"action": "delete", "id": slot["id"]}, Prefer="wait=20"
    )
    assert [each["slot"]["sync"]["state"] for each in results] == ["synced"] * 3


def test_the_examples_are_true() -> None:
    for model in (BatchIn, BatchOut):
        for example in model.model_json_schema()["examples"]:
            model.model_validate(example)
