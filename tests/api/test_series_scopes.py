"""One instance, this and all that follow, all of them: edits of series over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.service import problem, refused
from tests.api.timetable import (
    FIRST,
    FOURTH,
    LECTURE,
    SECOND,
    THIRD,
    entries,
    lecture,
    seen,
    starts,
    timeline,
)

if TYPE_CHECKING:
    from tests.api.service import Person, Service

AT_TEN = {"start": "2026-03-09T10:00:00+01:00", "end": "2026-03-09T11:30:00+01:00"}
"""The second lecture, an hour later."""


def ways(series: dict[str, Any], exception: dict[str, Any] | None = None) -> list[str]:
    """Each address of the second instance."""
    paths = [f"/slots/{series['id']}_{SECOND}?", f"/slots/{series['id']}?instance=2026-03-09T08:00:00Z&"]
    return paths if exception is None else [*paths, f"/slots/{exception['id']}?"]


@pytest.mark.parametrize("way", [0, 1])
async def test_one_instance_is_edited_replaced_and_cancelled(bob: Person, way: int) -> None:
    series = await lecture(bob)
    path = ways(series)[way]
    exam = seen(await bob.patch(f"{path}scope=this", json={"title": "Exam"}))
    assert (exam["title"], exam["recurring_slot_id"]) == ("Exam", series["id"])
    for again in ways(series, exam):
        edited = seen(await bob.patch(again, json={"location": f"Room {len(again)}", **AT_TEN}))
        assert (edited["id"], edited["start"]) == (exam["id"], "2026-03-09T10:00:00+01:00")
        written = {"title": "Test", **AT_TEN, "timezone": "Europe/Berlin"}
        replaced = seen(await bob.put(again, json=written))
        assert (replaced["title"], replaced["location"], replaced["id"]) == ("Test", "", exam["id"])
    assert [title for title, _ in await timeline(bob)] == ["Lecture", "Test", "Lecture", "Lecture"]
    gone = seen(await bob.delete(path))
    assert (gone["id"], gone["status"]) == (exam["id"], "cancelled")
    assert await starts(bob) == ["2026-03-02T09:00", "2026-03-16T09:00", "2026-03-23T09:00"]
    for cancelled in ways(series, exam):
        problem(await bob.delete(cancelled), 404, "not-found")
        problem(await bob.patch(cancelled, json={"title": "x"}), 404, "not-found")
    assert seen(await bob.get(f"/slots/{series['id']}")) == series


@pytest.mark.parametrize("way", [0, 1, 2])
async def test_this_and_following_become_a_series_of_their_own(bob: Person, way: int) -> None:
    series = await lecture(bob, location="Hall B")
    exam = seen(await bob.patch(ways(series)[0], json={"color": "5"}))
    last = seen(await bob.patch(f"/slots/{series['id']}_{FOURTH}", json={"title": "Exam"}))
    path = f"{ways(series, exam)[way]}scope=following"
    tail = seen(await bob.patch(path, json={"title": "Seminar", **AT_TEN}))
    assert tail["id"] not in (series["id"], exam["id"])
    assert (tail["location"], tail["start"]) == ("Hall B", "2026-03-09T10:00:00+01:00")
    assert tail["recurrence"] == ["RRULE:FREQ=WEEKLY;COUNT=3"]
    head = seen(await bob.get(f"/slots/{series['id']}"))
    assert head["recurrence"] == ["RRULE:FREQ=WEEKLY;COUNT=1"] or "UNTIL=202603" in head["recurrence"][0]
    assert await timeline(bob) == [
        ("Lecture", "2026-03-02T09:00:00+01:00"),
        ("Seminar", "2026-03-09T10:00:00+01:00"),
        ("Seminar", "2026-03-16T10:00:00+01:00"),
        ("Exam", "2026-03-23T10:00:00+01:00"),
    ]
    carried = seen(await bob.get(f"/slots/{last['id']}"))
    assert (carried["recurring_slot_id"], carried["title"]) == (tail["id"], "Exam")
    assert carried["original_start"] == "2026-03-23T09:00:00+00:00"
    problem(await bob.get(f"/slots/{series['id']}_{THIRD}"), 404, "not-found")


async def test_following_from_the_first_instance_means_all(bob: Person) -> None:
    series = await lecture(bob)
    edited = seen(
        await bob.patch(f"/slots/{series['id']}_{FIRST}?scope=following", json={"title": "Seminar"})
    )
    assert (edited["id"], edited["version"]) == (series["id"], 2)
    assert {title for title, _ in await timeline(bob)} == {"Seminar"}


@pytest.mark.parametrize("way", [0, 1, 2])
async def test_all_moves_the_series_and_what_was_made_of_its_instances(bob: Person, way: int) -> None:
    series = await lecture(bob)
    exam = seen(await bob.patch(ways(series)[0], json={"color": "5"}))
    await bob.delete(f"/slots/{series['id']}_{THIRD}")
    path = f"{ways(series, exam)[way]}scope=all"
    moved = seen(await bob.patch(path, json={"title": "Seminar", **AT_TEN}))
    assert (moved["id"], moved["start"]) == (series["id"], "2026-03-02T10:00:00+01:00")
    assert moved["recurrence"] == series["recurrence"]
    shown = await entries(bob)
    assert [(each["title"], each["start"], each["color"]) for each in shown] == [
        ("Seminar", "2026-03-02T10:00:00+01:00", None),
        ("Seminar", "2026-03-09T10:00:00+01:00", "5"),
        ("Seminar", "2026-03-23T10:00:00+01:00", None),
    ]
    assert shown[1]["id"] == exam["id"]


async def test_the_series_itself_is_edited_without_a_scope_or_with_all(bob: Person) -> None:
    series = await lecture(bob)
    path = f"/slots/{series['id']}"
    await bob.patch(f"{path}_{SECOND}", json={"title": "Exam"})
    seen(await bob.patch(path, json={"location": "Hall B"}))
    seen(await bob.patch(f"{path}?scope=all", json={"color": "5"}))
    shown = await entries(bob)
    assert [(each["title"], each["location"], each["color"]) for each in shown] == [
        ("Lecture", "Hall B", "5"),
        ("Exam", "", None),
        ("Lecture", "Hall B", "5"),
        ("Lecture", "Hall B", "5"),
    ]
    replaced = seen(await bob.put(path, json={**LECTURE, "recurrence": None}))
    assert (replaced["recurrence"], replaced["location"]) == ([], "")
    assert await starts(bob) == ["2026-03-02T09:00"]


async def test_a_replaced_instance_keeps_the_rules_of_its_series(bob: Person) -> None:
    series = await lecture(bob)
    whole = {"title": "Seminar", **AT_TEN, "timezone": "Europe/Berlin", "recurrence": []}
    tail = seen(await bob.put(f"{ways(series)[0]}scope=following", json=whole))
    assert tail["recurrence"] == ["RRULE:FREQ=WEEKLY;COUNT=3"]
    again = {
        **whole,
        "title": "Lab",
        "start": "2026-03-16T10:00:00+01:00",
        "end": "2026-03-16T11:30:00+01:00",
    }
    third = f"/slots/{tail['id']}_20260316T090000Z"
    seen(await bob.put(f"{third}?scope=all", json=again))
    assert [title for title, _ in await timeline(bob)] == ["Lecture", "Lab", "Lab", "Lab"]


async def test_new_rules_come_with_this_and_following(bob: Person) -> None:
    series = await lecture(bob)
    daily = ["RRULE:FREQ=DAILY;COUNT=3"]
    tail = seen(await bob.patch(f"{ways(series)[0]}scope=following", json={"recurrence": daily}))
    assert tail["recurrence"] == daily
    assert await starts(bob) == [
        "2026-03-02T09:00",
        "2026-03-09T09:00",
        "2026-03-10T09:00",
        "2026-03-11T09:00",
    ]
    once = {"recurrence": None}
    single = seen(await bob.patch(f"/slots/{tail['id']}_20260310T080000Z?scope=following", json=once))
    assert single["recurrence"] == []
    assert await starts(bob) == ["2026-03-02T09:00", "2026-03-09T09:00", "2026-03-10T09:00"]


@pytest.mark.parametrize("way", [0, 1, 2])
async def test_deleting_this_and_following_ends_the_series(bob: Person, way: int) -> None:
    series = await lecture(bob)
    exam = seen(await bob.patch(ways(series)[0], json={"title": "Exam"}))
    left = seen(await bob.delete(f"{ways(series, exam)[way]}scope=following"))
    assert (left["id"], left["deleted_at"]) == (series["id"], None)
    assert await starts(bob) == ["2026-03-02T09:00"]
    assert await bob.titles() == ["Lecture"]


@pytest.mark.parametrize("way", [0, 1, 2])
async def test_a_deleted_series_comes_back_with_what_was_made_of_it(bob: Person, way: int) -> None:
    series = await lecture(bob)
    exam = seen(await bob.patch(ways(series)[0], json={"title": "Exam"}))
    await bob.delete(f"/slots/{series['id']}_{THIRD}")
    before = await timeline(bob)
    gone = seen(await bob.delete(f"{ways(series, exam)[way]}scope=all"))
    assert (gone["id"], gone["status"]) == (series["id"], "cancelled")
    assert await timeline(bob) == []
    assert await bob.titles() == []
    back = seen(await bob.post(f"/slots/{series['id']}/restore"))
    assert (back["id"], back["recurrence"]) == (series["id"], series["recurrence"])
    assert await timeline(bob) == before
    assert seen(await bob.get(f"/slots/{exam['id']}"))["recurring_slot_id"] == series["id"]
    problem(await bob.post(f"/slots/{series['id']}/restore"), 404, "not-found")


@pytest.mark.parametrize("way", [0, 1, 2])
async def test_a_cancelled_instance_comes_back(bob: Person, way: int) -> None:
    series = await lecture(bob)
    exam = seen(await bob.patch(ways(series)[0], json={"title": "Exam"}))
    path = ways(series, exam)[way].replace("?", "/restore?", 1)
    problem(await bob.post(path), 404, "not-found")
    await bob.delete(ways(series)[0])
    back = seen(await bob.post(path))
    assert (back["id"], back["title"], back["deleted_at"]) == (exam["id"], "Exam", None)
    assert [title for title, _ in await timeline(bob)] == ["Lecture", "Exam", "Lecture", "Lecture"]
    problem(await bob.post(path), 404, "not-found")
    problem(await bob.post(f"/slots/{series['id']}_{THIRD}/restore"), 404, "not-found")


async def test_a_plain_instance_that_was_cancelled_comes_back_as_it_was(bob: Person) -> None:
    series = await lecture(bob)
    before = await timeline(bob)
    await bob.delete(ways(series)[0])
    await bob.patch(f"/slots/{series['id']}", json={"location": "Hall B"})
    back = seen(await bob.post(f"/slots/{series['id']}_{SECOND}/restore"))
    assert (back["title"], back["original_start"]) == ("Lecture", "2026-03-09T08:00:00+00:00")
    assert await timeline(bob) == before


async def test_an_instance_whose_place_is_gone_comes_back_by_itself(bob: Person) -> None:
    series = await lecture(bob)
    gone = seen(await bob.delete(f"/slots/{series['id']}_{FOURTH}"))
    await bob.patch(f"/slots/{series['id']}", json={"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]})
    back = seen(await bob.post(f"/slots/{gone['id']}/restore"))
    assert (back["recurring_slot_id"], back["start"]) == (None, "2026-03-23T09:00:00+01:00")
    assert await starts(bob) == ["2026-03-02T09:00", "2026-03-09T09:00", "2026-03-23T09:00"]


async def test_an_exception_whose_series_is_deleted_comes_back_by_itself(bob: Person) -> None:
    series = await lecture(bob)
    exam = seen(await bob.patch(ways(series)[0], json={"title": "Exam"}))
    await bob.delete(f"/slots/{series['id']}")
    back = seen(await bob.post(f"/slots/{exam['id']}/restore"))
    assert (back["recurring_slot_id"], back["original_start"]) == (None, None)
    assert await timeline(bob) == [("Exam", "2026-03-09T09:00:00+01:00")]


async def test_what_makes_no_sense_is_said(ada: Person) -> None:
    series = await lecture(ada)
    exam = seen(await ada.patch(ways(series)[0], json={"title": "Exam"}))
    for scope in ("this", "following"):
        for answer in (
            await ada.patch(f"/slots/{series['id']}?scope={scope}", json={"title": "x"}),
            await ada.put(f"/slots/{series['id']}?scope={scope}", json=LECTURE),
            await ada.delete(f"/slots/{series['id']}?scope={scope}"),
        ):
            refused(answer, "/query/instance")
    refused(await ada.delete(f"/slots/{exam['id']}?instance=2026-03-16T08:00:00Z"), "/query/instance")
    refused(
        await ada.delete(f"/slots/{series['id']}_{SECOND}?instance=2026-03-16T08:00:00Z"), "/query/instance"
    )
    refused(await ada.delete(f"/slots/{series['id']}?scope=some"), "/query/scope")
    recurring = {"recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]}
    refused(await ada.patch(ways(series)[0], json=recurring), "/recurrence")
    refused(await ada.put(ways(series)[1], json={**LECTURE, **recurring}), "/recurrence")
    refused(await ada.patch(f"/slots/{exam['id']}", json=recurring), "/recurrence")
    refused(await ada.patch(f"{ways(series)[0]}scope=all", json={"recurrence": ["x"]}), "/recurrence/0")
    refused(await ada.patch(ways(series)[0], json={"end": "2026-03-09T08:00:00+01:00"}), "/end")
    refused(await ada.patch(ways(series)[0], json={"calendar_id": "other"}), "/calendar_id")
    assert seen(await ada.get(f"/slots/{exam['id']}")) == exam
    assert seen(await ada.get(f"/slots/{series['id']}")) == series


async def test_a_slot_that_does_not_recur_is_the_same_in_every_scope(ada: Person) -> None:
    slot = await lecture(ada, recurrence=None)
    for number, scope in enumerate(("this", "following", "all")):
        edited = seen(await ada.patch(f"/slots/{slot['id']}?scope={scope}", json={"title": f"Edit {number}"}))
        assert edited["id"] == slot["id"]
    seen(await ada.delete(f"/slots/{slot['id']}?scope=following"))
    assert await ada.titles() == []


async def test_what_changes_nothing_makes_no_exception(ada: Person) -> None:
    series = await lecture(ada)
    before = await entries(ada)
    for scope in ("this", "following", "all"):
        answer = await ada.patch(f"{ways(series)[0]}scope={scope}", json={"title": "Lecture"})
        seen(answer)
    assert [(each["title"], each["start"]) for each in before] == await timeline(ada)
    assert seen(await ada.patch(f"{ways(series)[0]}", json={})) == (await entries(ada))[1]


async def test_an_instance_that_moved_on_is_not_overwritten(bob: Person) -> None:
    series = await lecture(bob)
    path = ways(series)[0]
    read = await bob.get(path)
    tag = {"if-match": read.headers["etag"]}
    exam = await bob.patch(path, json={"title": "Exam"}, headers=tag)
    assert seen(exam)["version"] > read.json()["version"]
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", "this", {"json": {"title": "Mine"}}),
        ("PATCH", "following", {"json": {"title": "Mine"}}),
        ("PATCH", "all", {"json": {"title": "Mine"}}),
        ("PUT", "this", {"json": {"title": "Mine", **AT_TEN}}),
        ("DELETE", "this", {}),
        ("DELETE", "all", {}),
    ]
    for method, scope, options in calls:
        for address in ways(series, exam.json()):
            answer = await bob.call(method, f"{address}scope={scope}", headers=tag, **options)
            facts = problem(answer, 412, "stale-edit")
            assert facts["current_version"] == exam.json()["version"]
    fresh = {"if-match": exam.headers["etag"]}
    assert seen(await bob.patch(path, json={"title": "Test"}, headers=fresh))["title"] == "Test"


async def test_an_edit_of_the_series_makes_what_was_read_of_its_instances_old(bob: Person) -> None:
    series = await lecture(bob)
    tag = {"if-match": (await bob.get(ways(series)[0])).headers["etag"]}
    await bob.patch(f"/slots/{series['id']}", json={"title": "Seminar"})
    problem(await bob.patch(ways(series)[0], json={"title": "Exam"}, headers=tag), 412, "stale-edit")
    assert {title for title, _ in await timeline(bob)} == {"Seminar"}


async def test_waiting_answers_when_all_of_an_edit_stands_in_google(service: Service) -> None:
    ada = await service.register("patient@example.com")
    await service.connect(ada)
    wait = {"prefer": "wait=20"}
    series = seen(await ada.post("/slots", json=LECTURE, headers=wait), 201)
    assert series["sync"]["state"] == "synced"
    exam = await ada.patch(ways(series)[0], json={"title": "Exam"}, headers=wait)
    assert exam.headers["preference-applied"] == "wait=20"
    assert seen(exam)["google"]["event_id"] == f"{series['google']['event_id']}_{SECOND}"
    last = seen(await ada.patch(f"/slots/{series['id']}_{FOURTH}", json={"color": "5"}, headers=wait))
    third = f"/slots/{series['id']}_{THIRD}"
    tail = seen(await ada.patch(f"{third}?scope=following", json={"title": "Seminar"}, headers=wait))
    assert tail["sync"]["state"] == "synced"
    for slot_id in (series["id"], last["id"]):
        assert seen(await ada.get(f"/slots/{slot_id}"))["sync"]["state"] == "synced"
    events = (await service.sandbox("GET", "/calendars/patient@example.com/primary/events"))["events"]
    assert sorted(each["summary"] for each in events if each["status"] != "cancelled") == [
        "Exam",
        "Lecture",
        "Seminar",
        "Seminar",
    ]
    gone = seen(await ada.delete(ways(series)[0], headers=wait))
    assert (gone["status"], gone["sync"]["state"]) == ("cancelled", "synced")
    problem(await ada.get(ways(series)[0]), 404, "not-found")
    back = seen(await ada.post(f"/slots/{series['id']}_{SECOND}/restore", headers=wait))
    assert (back["title"], back["sync"]["state"]) == ("Exam", "synced")


async def test_an_instance_of_an_unknown_series_is_edited_alone(service: Service) -> None:
    ada = await service.register("guest@example.com")
    await service.connect(ada)
    fields = {
        "summary": "Only this one",
        "start": {"dateTime": "2026-03-09T09:00:00Z"},
        "end": {"dateTime": "2026-03-09T10:00:00Z"},
        "recurringEventId": "a series that ada is not invited to",
        "originalStartTime": {"dateTime": "2026-03-09T09:00:00Z"},
    }
    await service.sandbox("POST", "/calendars/guest@example.com/primary/events", fields)
    await ada.post("/sync/trigger")
    [slot] = (await ada.get("/slots")).json()["items"]
    assert (slot["recurring_slot_id"], slot["original_start"]) == (None, "2026-03-09T09:00:00+00:00")
    for scope in ("following", "all"):
        refused(await ada.patch(f"/slots/{slot['id']}?scope={scope}", json={"title": "x"}), "/query/scope")
        refused(await ada.delete(f"/slots/{slot['id']}?scope={scope}"), "/query/scope")
    edited = seen(await ada.patch(f"/slots/{slot['id']}?scope=this", json={"location": "Hall B"}))
    assert edited["location"] == "Hall B"
