"""What a client does to slots, over every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from schemas.slot_schemas import HistoryOut, SlotOut, SlotPageOut
from tests.api.service import SLOT, problem

if TYPE_CHECKING:
    from tests.api.service import Person, Service

ABSENT = "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4"


async def test_a_slot_is_created_and_read(bob: Person) -> None:
    answer = await bob.post("/slots", json=SLOT)
    assert answer.status_code == 201
    slot = answer.json()
    assert answer.headers["location"] == f"/slots/{slot['id']}"
    assert answer.headers["etag"] == '"1"'
    assert slot["start"] == "2026-07-01T10:00:00+02:00"
    assert slot["timezone"] == "Europe/Paris"
    assert slot["all_day"] is False
    assert slot["source"] == "app"
    assert slot["sync"]["state"] == "local_only"
    read = await bob.get(f"/slots/{slot['id']}")
    assert read.status_code == 200
    assert read.json() == slot
    SlotOut.model_validate_json(read.content)


async def test_every_writable_field_comes_back(bob: Person) -> None:
    fields = {
        "description": "Line one\r\nLine two",
        "location": "Room 4",
        "color": "11",
        "transparency": "transparent",
        "visibility": "private",
        "reminders": {"overrides": [{"method": "popup", "minutes": 10}, {"method": "email", "minutes": 0}]},
        "calendar_id": "primary",
    }
    slot = await bob.create(**fields)
    assert slot["description"] == "Line one\nLine two"
    assert slot["reminders"] == {
        "use_default": False,
        "overrides": [{"method": "email", "minutes": 0}, {"method": "popup", "minutes": 10}],
    }
    for name in ("location", "color", "transparency", "visibility", "calendar_id"):
        assert slot[name] == fields[name]


async def test_a_whole_number_may_have_a_point(bob: Person) -> None:
    """JSON Schema calls 10.0 an integer, and languages with one kind of number write it."""
    slot = await bob.create(reminders={"overrides": [{"method": "popup", "minutes": 10.0}]})
    assert slot["reminders"]["overrides"] == [{"method": "popup", "minutes": 10}]
    body = {"reminders": {"overrides": [{"method": "popup", "minutes": 10.5}]}}
    problem(await bob.patch(f"/slots/{slot['id']}", json=body), 422, "validation-failed")


async def test_an_all_day_slot_has_dates(bob: Person) -> None:
    slot = await bob.create(start="2026-07-01", end="2026-07-03", timezone=None)
    assert (slot["start"], slot["end"], slot["timezone"]) == ("2026-07-01", "2026-07-03", None)
    assert slot["all_day"] is True


async def test_replacing_resets_what_is_omitted(bob: Person) -> None:
    slot = await bob.create(description="old", color="3", visibility="private")
    answer = await bob.put(f"/slots/{slot['id']}", json={**SLOT, "title": "New"})
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["title"], changed["description"], changed["color"]) == ("New", "", None)
    assert changed["visibility"] == "default"
    assert changed["version"] == 2
    assert answer.headers["etag"] == '"2"'


async def test_a_patch_touches_what_it_names(bob: Person) -> None:
    slot = await bob.create(description="kept", color="3")
    answer = await bob.patch(f"/slots/{slot['id']}", json={"title": "New", "color": None})
    changed = answer.json()
    assert (changed["title"], changed["description"], changed["color"]) == ("New", "kept", None)
    assert changed["start"] == slot["start"]


async def test_a_merge_patch_has_its_own_media_type(bob: Person) -> None:
    slot = await bob.create()
    answer = await bob.patch(
        f"/slots/{slot['id']}",
        content=b'{"title": "New"}',
        headers={"content-type": "application/merge-patch+json"},
    )
    assert answer.json()["title"] == "New"


async def test_a_new_timezone_alone_keeps_the_instant(bob: Person) -> None:
    slot = await bob.create()
    changed = (await bob.patch(f"/slots/{slot['id']}", json={"timezone": "Asia/Tokyo"})).json()
    assert changed["start"] == "2026-07-01T17:00:00+09:00"
    assert changed["timezone"] == "Asia/Tokyo"
    cleared = (await bob.patch(f"/slots/{slot['id']}", json={"timezone": None})).json()
    assert (cleared["start"], cleared["timezone"]) == ("2026-07-01T08:00:00+00:00", "UTC")


async def test_a_patched_time_keeps_the_zone_of_the_slot(bob: Person) -> None:
    slot = await bob.create()
    changed = (await bob.patch(f"/slots/{slot['id']}", json={"end": "2026-07-01T12:00:00Z"})).json()
    assert changed["start"] == slot["start"]
    assert (changed["end"], changed["timezone"]) == ("2026-07-01T14:00:00+02:00", "Europe/Paris")


async def test_a_timed_slot_becomes_all_day_and_back(bob: Person) -> None:
    slot = await bob.create()
    days = {"start": "2026-07-01", "end": "2026-07-02"}
    changed = (await bob.patch(f"/slots/{slot['id']}", json=days)).json()
    assert (changed["all_day"], changed["timezone"], changed["end"]) == (True, None, "2026-07-02")
    back = await bob.patch(f"/slots/{slot['id']}", json={"start": SLOT["start"], "end": SLOT["end"]})
    assert back.json()["start"] == "2026-07-01T08:00:00+00:00"


async def test_what_changes_nothing_changes_no_version(bob: Person) -> None:
    slot = await bob.create()
    for answer in (
        await bob.put(f"/slots/{slot['id']}", json=SLOT),
        await bob.patch(f"/slots/{slot['id']}", json={}),
        await bob.patch(f"/slots/{slot['id']}", json={"title": "Review"}),
    ):
        assert answer.status_code == 200
        assert answer.json() == slot


async def test_a_deleted_slot_is_gone_until_it_is_restored(bob: Person) -> None:
    slot = await bob.create()
    path = f"/slots/{slot['id']}"
    deleted = await bob.delete(path)
    assert deleted.status_code == 200
    assert deleted.json()["deleted_at"] is not None
    assert deleted.json()["status"] == "cancelled"
    for answer in (
        await bob.delete(path),
        await bob.get(path),
        await bob.patch(path, json={"title": "x"}),
        await bob.put(path, json=SLOT),
    ):
        problem(answer, 404, "not-found")
    assert await bob.titles() == []
    assert await bob.titles(include_deleted=True) == ["Review"]
    restored = await bob.post(f"{path}/restore")
    assert restored.status_code == 200
    assert restored.json()["version"] == 3
    assert restored.json()["deleted_at"] is None
    assert await bob.titles() == ["Review"]
    problem(await bob.post(f"{path}/restore"), 404, "not-found")


async def test_history_tells_who_changed_what(bob: Person) -> None:
    slot = await bob.create()
    path = f"/slots/{slot['id']}"
    await bob.patch(path, json={"title": "Second"})
    await bob.delete(path)
    await bob.post(f"{path}/restore")
    answer = await bob.get(f"{path}/history")
    items = HistoryOut.model_validate_json(answer.content).items
    assert [each.origin for each in items] == ["app", "app", "restore"]
    assert items[0].fields["title"].before == "Review"
    assert items[0].fields["title"].after == "Second"
    assert items[1].fields["deleted"].after is True
    assert [each.seq for each in items] == sorted({each.seq for each in items})


async def test_an_edit_of_an_old_version_is_refused(bob: Person) -> None:
    slot = await bob.create()
    path = f"/slots/{slot['id']}"
    first = {"if-match": '"1"'}
    assert (await bob.patch(path, json={"title": "Second"}, headers=first)).status_code == 200
    calls: list[tuple[str, dict[str, Any]]] = [
        ("PATCH", {"json": {"title": "Third"}}),
        ("PUT", {"json": SLOT}),
        ("DELETE", {}),
    ]
    for method, options in calls:
        facts = problem(await bob.call(method, path, headers=first, **options), 412, "stale-edit")
        assert facts["current_version"] == 2
        assert facts["expected_version"] == '"1"'
    assert (await bob.delete(path, headers={"if-match": '"1", "2"'})).status_code == 200


@pytest.mark.parametrize("tag", ["*", 'W/"1"', "1", '"7","1"'])
async def test_if_match_is_read_generously(ada: Person, tag: str) -> None:
    slot = await ada.create()
    answer = await ada.patch(f"/slots/{slot['id']}", json={"title": "x"}, headers={"if-match": tag})
    assert answer.status_code == 200


async def test_a_tag_of_somebody_else_matches_nothing(ada: Person) -> None:
    slot = await ada.create()
    answer = await ada.patch(f"/slots/{slot['id']}", json={"title": "x"}, headers={"if-match": '"abc"'})
    problem(answer, 412, "stale-edit")


async def test_a_known_version_is_not_sent_again(ada: Person) -> None:
    slot = await ada.create()
    path = f"/slots/{slot['id']}"
    answer = await ada.get(path, headers={"if-none-match": '"1"'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')
    assert (await ada.get(path, headers={"if-none-match": '"2"'})).status_code == 200


async def test_who_polls_with_an_etag_sees_the_slot_become_synced(service: Service) -> None:
    ada = await service.register("poller@example.com")
    await service.connect(ada)
    created = await ada.create()
    path = f"/slots/{created['id']}"
    settled = await ada.patch(path, json={"color": "5"}, headers={"prefer": "wait=20"})
    shown = await ada.get(path, headers={"if-none-match": '"1", "2"'})
    assert (shown.status_code, shown.json()["sync"]["state"], shown.json()["version"]) == (200, "synced", 2)
    tag = shown.headers["etag"]
    assert tag == settled.headers["etag"]
    assert tag.startswith('"2.')
    for known in (tag, f"W/{tag}", f'"1", {tag}', "*"):
        again = await ada.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    # The version alone still names what an edit is made from, and so does the longer tag.
    answer = await ada.patch(path, json={"color": "6"}, headers={"if-match": '"2"'})
    assert (answer.status_code, answer.json()["version"]) == (200, 3)
    assert (await ada.patch(path, json={"color": "7"}, headers={"if-match": tag})).status_code == 412
    tag = (await ada.get(path)).headers["etag"]
    assert (await ada.patch(path, json={"color": "7"}, headers={"if-match": tag})).status_code == 200


async def test_what_belongs_to_others_looks_absent(any_service: Service, bob: Person) -> None:
    eve = await any_service.register("eve@example.com")
    slot = await bob.create()
    for slot_id in (slot["id"], ABSENT):
        path = f"/slots/{slot_id}"
        answers = (
            await eve.get(path),
            await eve.get(f"{path}/history"),
            await eve.put(path, json=SLOT),
            await eve.patch(path, json={"title": "mine"}),
            await eve.delete(path),
            await eve.post(f"{path}/restore"),
            await eve.post(f"/sync/quarantine/{slot_id}/release"),
            await eve.post(f"/sync/holds/{slot_id}/approve"),
            await eve.post(f"/sync/holds/{slot_id}/reject"),
            await eve.post(f"/sync/conflicts/{slot_id}/resolve", json={"keep": "loser"}),
        )
        bodies = [{**problem(answer, 404, "not-found"), "instance": ""} for answer in answers]
        assert all(body == bodies[0] for body in bodies)
    assert (await bob.get(f"/slots/{slot['id']}")).json() == slot
    assert await eve.titles(include_deleted=True) == []


async def test_pages_follow_each_other_without_gap_or_repetition(bob: Person) -> None:
    for hour in (3, 1, 2, 1, 5, 4, 1):
        at = f"2026-07-01T{hour:02}:00:00Z"
        await bob.create(title=str(hour), start=at, end=at, timezone=None)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await bob.get("/slots", params={"limit": 2, **cursor})
        page = SlotPageOut.model_validate_json(answer.content)
        seen += [each.title for each in page.items]
        if page.next_cursor is None:
            break
        cursor = {"cursor": page.next_cursor}
    assert seen == ["1", "1", "1", "2", "3", "4", "5"]


async def test_filters(bob: Person) -> None:
    await bob.create(title="Early", start="2026-07-01T08:00:00Z", end="2026-07-01T09:00:00Z")
    await bob.create(title="Late", start="2026-07-01T20:00:00Z", end="2026-07-01T21:00:00Z", location="Oslo")
    await bob.create(title="Holiday", start="2026-07-01", end="2026-07-02", timezone=None)
    noon = "2026-07-01T12:00:00Z"
    assert await bob.titles(to=noon) == ["Holiday", "Early"]
    assert await bob.titles(**{"from": noon}) == ["Holiday", "Late"]
    assert await bob.titles(q="oSLO") == ["Late"]
    assert await bob.titles(q="%") == []
    assert await bob.titles(source="google") == []
    assert len(await bob.titles(source="app", calendar_id="primary")) == 3
    assert await bob.titles(calendar_id="other") == []
    assert len(await bob.titles(sync_state="local_only")) == 3
    assert await bob.titles(sync_state="pending") == []
    assert await bob.titles(sync_state="synced") == []


async def test_all_day_slots_count_by_the_wall_clock_of_the_window(bob: Person) -> None:
    await bob.create(title="First of July", start="2026-07-01", end="2026-07-02", timezone=None)
    july = {"from": "2026-07-01T00:00:00+10:00", "to": "2026-07-02T00:00:00+10:00"}
    assert await bob.titles(**july) == ["First of July"]
    june = {"from": "2026-06-30T00:00:00-10:00", "to": "2026-07-01T00:00:00-10:00"}
    assert await bob.titles(**june) == []


async def test_a_plus_that_was_not_encoded_is_understood(ada: Person) -> None:
    await ada.create()
    answer = await ada.get("/slots?from=2026-07-01T00:00:00+02:00")
    assert len(answer.json()["items"]) == 1


async def test_ids_grow_with_time(ada: Person) -> None:
    ids = [UUID((await ada.create())["id"]) for _ in range(3)]
    assert ids == sorted(ids)
    assert {each.version for each in ids} == {7}


async def test_waiting_is_short_without_google(ada: Person) -> None:
    answer = await ada.post("/slots", json=SLOT, headers={"prefer": "wait=30"})
    assert answer.status_code == 201
    assert "preference-applied" not in answer.headers
