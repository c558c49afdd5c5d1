"""Taking changes back, and what people decide: each is a change like any other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from services.core.calendars import HoldRecord
from services.core.records import ConflictRecord
from tests.api.pulled import AT, Pulled, content, timed
from tests.api.service import problem
from tests.api.test_changes import Reader

if TYPE_CHECKING:
    from tests.api.service import Person, Service

START = datetime(2026, 7, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def reader(bob: Person) -> Reader:
    return Reader(bob)


async def history(person: Person, slot: dict[str, Any]) -> list[dict[str, Any]]:
    return list((await person.get(f"/slots/{slot['id']}/history")).json()["items"])


async def undo(person: Person, slot: dict[str, Any], seq: int, **query: str) -> dict[str, Any]:
    answer = await person.post(f"/slots/{slot['id']}/history/{seq}/undo", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def edit(person: Person, slot: dict[str, Any], **fields: Any) -> int:
    """The number of the change."""
    answer = await person.patch(f"/slots/{slot['id']}", json=fields)
    assert answer.status_code == 200, answer.text
    return int((await history(person, slot))[-1]["seq"])


async def test_a_change_is_taken_back_and_others_stay(bob: Person, reader: Reader) -> None:
    slot = await bob.create(title="One")
    first = await edit(bob, slot, title="Two")
    await edit(bob, slot, location="Room 4")
    await reader.news()
    undone = await undo(bob, slot, first)
    assert (undone["title"], undone["location"], undone["version"]) == ("One", "Room 4", 4)
    assert await reader.news() == [("updated", "One")]
    last = (await history(bob, slot))[-1]
    assert (last["origin"], last["fields"]) == ("app", {"title": {"before": "Two", "after": "One"}})
    assert (await undo(bob, slot, last["seq"]))["title"] == "Two"
    assert await reader.news() == [("updated", "Two")]


async def test_what_was_changed_once_more_is_told_and_kept(bob: Person, reader: Reader) -> None:
    slot = await bob.create(title="One")
    seq = await edit(bob, slot, title="Two", location="Room 4")
    await edit(bob, slot, title="Three")
    await reader.news()
    told = problem(await bob.post(f"/slots/{slot['id']}/history/{seq}/undo"), 409, "changed-since")
    assert told["fields"] == {"title": {"left": "Two", "current": "Three"}}
    assert told["seq"] == seq
    assert await reader.news() == []
    await edit(bob, slot, title="Two")
    undone = await undo(bob, slot, seq)
    assert (undone["title"], undone["location"]) == ("One", "")


async def test_the_fields_of_a_schedule_belong_together(bob: Person) -> None:
    slot = await bob.create()
    seq = await edit(bob, slot, start="2026-07-01T10:30:00+02:00")
    await edit(bob, slot, end="2026-07-01T12:00:00+02:00")
    told = problem(await bob.post(f"/slots/{slot['id']}/history/{seq}/undo"), 409, "changed-since")
    assert told["fields"].keys() == {"end"}
    await edit(bob, slot, end="2026-07-01T11:00:00+02:00")
    assert (await undo(bob, slot, seq))["start"] == "2026-07-01T10:00:00+02:00"


async def test_all_day_and_back(bob: Person) -> None:
    slot = await bob.create()
    seq = await edit(bob, slot, start="2026-07-01", end="2026-07-02")
    undone = await undo(bob, slot, seq)
    assert {name: undone[name] for name in ("start", "end", "timezone", "all_day")} == {
        name: slot[name] for name in ("start", "end", "timezone", "all_day")
    }


async def test_a_deletion_is_taken_back_and_so_is_a_restoration(bob: Person, reader: Reader) -> None:
    slot = await bob.create(title="One")
    seq = await edit(bob, slot, title="Two")
    await bob.delete(f"/slots/{slot['id']}")
    deletion = (await history(bob, slot))[-1]["seq"]
    told = problem(await bob.post(f"/slots/{slot['id']}/history/{seq}/undo"), 409, "changed-since")
    assert told["fields"] == {"deleted": {"left": False, "current": True}}
    await reader.news()
    assert (await undo(bob, slot, deletion))["deleted_at"] is None
    assert await reader.news() == [("created", "Two")]
    problem(await bob.post(f"/slots/{slot['id']}/history/{deletion}/undo"), 409, "changed-since")
    restoration = (await history(bob, slot))[-1]["seq"]
    assert (await undo(bob, slot, restoration))["deleted_at"] is not None
    assert await reader.news() == [("deleted", "Two")]


async def test_a_series_gets_its_rule_and_its_time_back(bob: Person) -> None:
    slot = await bob.create(recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    seq = await edit(bob, slot, recurrence=["RRULE:FREQ=DAILY;COUNT=2"], start="2026-07-01T09:00:00+02:00")
    undone = await undo(bob, slot, seq)
    assert (undone["recurrence"], undone["start"]) == (slot["recurrence"], slot["start"])
    seq = await edit(bob, slot, recurrence=[])
    assert (await undo(bob, slot, seq))["recurrence"] == slot["recurrence"]


async def test_an_exception_is_as_before_and_a_cancelled_one_takes_place(bob: Person) -> None:
    series = await bob.create(title="Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    instance = {"id": f"{series['id']}_20260708T080000Z"}
    await edit(bob, instance, title="Special")
    seq = await edit(bob, instance, title="More special")
    assert (await undo(bob, instance, seq))["title"] == "Special"
    exception = (await bob.get(f"/slots/{instance['id']}")).json()
    await bob.delete(f"/slots/{instance['id']}")
    seq = (await history(bob, exception))[-1]["seq"]
    assert (await undo(bob, exception, seq))["title"] == "Special"
    assert (await bob.get(f"/slots/{series['id']}")).json()["title"] == "Weekly"


async def test_what_google_changed_is_taken_back_at_google(any_service: Service, bob: Person) -> None:
    await any_service.connect(bob)
    slot = (await bob.post("/slots", json=SLOT, headers={"prefer": "wait=20"})).json()
    event = {"id": slot["google"]["event_id"], "summary": "Theirs"}
    path = f"/calendars/{bob.email}/primary/events"
    await any_service.sandbox("POST", path, event)
    await bob.post("/sync/trigger")
    [change] = await history(bob, slot)
    assert change["origin"] == "google"
    answer = await bob.post(
        f"/slots/{slot['id']}/history/{change['seq']}/undo", headers={"prefer": "wait=20"}
    )
    assert (answer.json()["title"], answer.json()["sync"]["state"]) == (slot["title"], "synced")
    assert (await any_service.sandbox("GET", f"{path}/{event['id']}"))["summary"] == slot["title"]


async def test_an_undo_that_is_sent_again_is_done_once(bob: Person) -> None:
    slot = await bob.create(title="One")
    seq = await edit(bob, slot, title="Two")
    path, headers = f"/slots/{slot['id']}/history/{seq}/undo", {"idempotency-key": "again"}
    answers = [await bob.post(path, headers=headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert len(await history(bob, slot)) == 2


async def test_changes_that_are_none_are_not_found(any_service: Service, bob: Person) -> None:
    slot = await bob.create()
    seq = await edit(bob, slot, title="Two")
    eve = await any_service.register("eve@example.com")
    for person, path in (
        (bob, f"/slots/{slot['id']}/history/{seq + 1}/undo"),
        (bob, f"/slots/{slot['id']}/history/{seq - 1}/undo"),
        (bob, f"/slots/{UUID(int=1)}/history/{seq}/undo"),
        (eve, f"/slots/{slot['id']}/history/{seq}/undo"),
    ):
        problem(await person.post(path), 404, "not-found")
    for number in ("0", "x", "9" * 30):
        problem(await bob.post(f"/slots/{slot['id']}/history/{number}/undo"), 422, "validation-failed")
    assert (await bob.get(f"/slots/{slot['id']}")).json()["title"] == "Two"


async def test_a_history_has_pages(bob: Person) -> None:
    slot = await bob.create()
    numbers = [await edit(bob, slot, title=title) for title in "abcde"]
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await bob.get(f"/slots/{slot['id']}/history", params=query)).json()
        seen += [each["seq"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == numbers
    answer = await bob.get(f"/slots/{slot['id']}/history", params={"cursor": "c2VxfHg"})
    problem(answer, 422, "invalid-cursor")


SLOT = {
    "title": "Review",
    "start": "2026-07-01T10:00:00+02:00",
    "end": "2026-07-01T11:00:00+02:00",
    "timezone": "Europe/Paris",
}


class Waiting(Pulled):
    """What waits for a person, as the sync leaves it."""

    async def leave(
        self, service: Service, conflict: ConflictRecord | None = None, hold: HoldRecord | None = None
    ) -> None:
        await self.store(service)
        async with service.parts.container.slots._uow() as tx:
            if conflict is not None:
                await tx.conflicts.add([conflict])
            if hold is not None:
                await tx.holds.add(hold)


@pytest.mark.parametrize(("keep", "title"), [("winner", "Ours"), ("loser", "Theirs")])
async def test_a_settled_conflict_is_a_change(
    any_service: Service, bob: Person, reader: Reader, keep: str, title: str
) -> None:
    waiting = Waiting(bob)
    slot = waiting.add(content("Ours", timed(START, START + HOUR)), open_conflicts=1)
    conflict = ConflictRecord(UUID(int=1), slot.user_id, slot.id, "title", "local", "Theirs", "Ours", AT)
    await waiting.leave(any_service, conflict)
    await reader.news()
    assert reader.has[str(slot.id)]["sync"]["state"] == "conflict"
    await bob.post(f"/sync/conflicts/{conflict.id}/resolve", json={"keep": keep})
    assert await reader.news() == [("updated", title)]
    await reader.agrees()


@pytest.mark.parametrize(("decision", "kind"), [("approve", "deleted"), ("reject", "updated")])
async def test_a_decided_hold_is_a_change_of_each_slot(
    any_service: Service, bob: Person, reader: Reader, decision: str, kind: str
) -> None:
    waiting = Waiting(bob)
    hold = HoldRecord(UUID(int=2), UUID(bob.id), "primary", 2, 2, AT)
    for title in ("One", "Two"):
        waiting.add(content(title, timed(START, START + HOUR)), hold_id=hold.id)
    await waiting.leave(any_service, hold=hold)
    await reader.news()
    await bob.post(f"/sync/holds/{hold.id}/{decision}")
    assert await reader.news() == [(kind, "One"), (kind, "Two")]
    await reader.agrees()


async def test_a_released_quarantine_is_a_change(any_service: Service, bob: Person, reader: Reader) -> None:
    waiting = Waiting(bob)
    slot = waiting.add(content("Contested", timed(START, START + HOUR)))
    waiting.slots[-1] = replace(slot, quarantined_until=AT + timedelta(days=9999))
    await waiting.leave(any_service)
    await reader.news()
    assert reader.has[str(slot.id)]["sync"]["state"] == "quarantined"
    await bob.post(f"/sync/quarantine/{slot.id}/release")
    assert await reader.news() == [("updated", "Contested")]
    await reader.agrees()
