"""Series over REST: which rules can be written, and how series and instances are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.slot_schemas import HistoryOut
from tests.api.service import SLOT, problem, refused
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
    from tests.api.service import Person

WEEKLY = ["2026-03-02T09:00", "2026-03-09T09:00", "2026-03-16T09:00", "2026-03-23T09:00"]
DAYS = {"start": "2026-03-02", "end": "2026-03-03", "timezone": None}


@pytest.mark.parametrize(
    ("lines", "stored"),
    [
        (["RRULE:FREQ=WEEKLY;COUNT=4"], None),
        (["rrule:count=4;freq=weekly;interval=1"], ["RRULE:FREQ=WEEKLY;COUNT=4"]),
        (["RRULE:FREQ=WEEKLY;UNTIL=20260323T080000Z"], None),
        (["RRULE:FREQ=WEEKLY;UNTIL=20260323T090000"], ["RRULE:FREQ=WEEKLY;UNTIL=20260323T080000Z"]),
        (["RRULE:FREQ=WEEKLY;UNTIL=20260323"], ["RRULE:FREQ=WEEKLY;UNTIL=20260323T225959Z"]),
        (
            ["RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE;TZID=Europe/Berlin:20260330T090000"],
            None,
        ),
        (
            ["RDATE;TZID=Europe/Berlin:20260316T090000,20260309T090000", "RDATE:20260323T080000Z"],
            ["RDATE:20260323T080000Z", "RDATE;TZID=Europe/Berlin:20260309T090000,20260316T090000"],
        ),
        (
            ["RRULE:FREQ=WEEKLY;COUNT=2", "RDATE;VALUE=DATE:20260316,20260323"],
            ["RRULE:FREQ=WEEKLY;COUNT=2", "RDATE:20260316T080000Z,20260323T080000Z"],
        ),
        (
            ["RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE;VALUE=DATE:20260310,20260330"],
            ["RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE:20260330T070000Z"],
        ),
        (
            ["RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;VALUE=DATE:20260310"],
            ["RRULE:FREQ=WEEKLY;COUNT=4"],
        ),
    ],
)
async def test_a_series_is_written_in_each_form_and_read_in_one(
    ada: Person, lines: list[str], stored: list[str] | None
) -> None:
    series = await lecture(ada, recurrence=lines)
    assert series["recurrence"] == (stored or lines)
    assert seen(await ada.get(f"/slots/{series['id']}")) == series
    assert (series["recurring_slot_id"], series["original_start"]) == (None, None)
    assert await starts(ada) == WEEKLY
    again = await ada.put(f"/slots/{series['id']}", json={**LECTURE, "recurrence": lines})
    assert seen(again) == series


@pytest.mark.parametrize(
    "lines",
    [
        ["RRULE:FREQ=WEEKLY;COUNT=2", "RDATE;VALUE=DATE:20260320"],
        ["RRULE:FREQ=WEEKLY;UNTIL=20260309", "RDATE;VALUE=DATE:20260320"],
        ["RRULE:FREQ=WEEKLY;UNTIL=20260309T235959Z", "RDATE;VALUE=DATE:20260320"],
        ["RRULE:FREQ=WEEKLY;COUNT=2", "RDATE:20260320T080000Z"],
    ],
)
async def test_an_all_day_series_has_dates(ada: Person, lines: list[str]) -> None:
    await lecture(ada, **DAYS, recurrence=lines)
    assert await starts(ada) == ["2026-03-02", "2026-03-09", "2026-03-20"]
    assert {(each["all_day"], each["timezone"]) for each in await entries(ada)} == {(True, None)}
    assert [each["original_start"] for each in await entries(ada)] == await starts(ada)


async def test_a_series_keeps_its_wall_clock_when_the_clocks_change(ada: Person) -> None:
    await lecture(ada, recurrence=["RRULE:FREQ=WEEKLY;COUNT=6"])
    assert [start[10:] for _, start in await timeline(ada)] == ["T09:00:00+01:00"] * 4 + [
        "T09:00:00+02:00"
    ] * 2


@pytest.mark.parametrize(
    ("lines", "bad"),
    [
        (["RRULE:FREQ=SECONDLY"], 0),
        (["RRULE:FREQ=HOURLY;COUNT=2"], 0),
        (["RRULE:FREQ=WEEKLY", "RRULE:FREQ=NEVER"], 1),
        (["RRULE:FREQ=WEEKLY;COUNT=0"], 0),
        (["RRULE:FREQ=WEEKLY;COUNT=2;UNTIL=20260401T000000Z"], 0),
        (["RRULE:FREQ=WEEKLY;BYDAY=XX"], 0),
        (["RRULE:FREQ=WEEKLY", "EXDATE:yesterday"], 1),
        (["RRULE:FREQ=WEEKLY", "DTSTART:20260302T080000Z"], 1),
        (["every Monday"], 0),
        ([""], 0),
        (["EXDATE:20260302T080000Z"], 0),
        (["RRULE:FREQ=WEEKLY;COUNT=1", "EXDATE:20260302T080000Z"], 0),
    ],
)
async def test_a_line_that_makes_no_sense_is_refused_by_its_place(
    ada: Person, lines: list[str], bad: int
) -> None:
    assert refused(await ada.post("/slots", json={**LECTURE, "recurrence": lines}), f"/recurrence/{bad}")
    slot = await lecture(ada, recurrence=None)
    path = f"/slots/{slot['id']}"
    for answer in (
        await ada.patch(path, json={"recurrence": lines}),
        await ada.put(path, json={**LECTURE, "recurrence": lines}),
    ):
        assert refused(answer, f"/recurrence/{bad}")
    assert (await ada.get(path)).json() == slot


@pytest.mark.parametrize("lines", ["RRULE:FREQ=WEEKLY", [None], [1], ["RRULE:FREQ=DAILY"] * 101])
async def test_recurrence_is_a_list_of_lines(ada: Person, lines: Any) -> None:
    problem(await ada.post("/slots", json={**LECTURE, "recurrence": lines}), 422, "validation-failed")


async def test_a_single_slot_begins_to_recur_and_ends_to(bob: Person) -> None:
    slot = await lecture(bob, recurrence=None)
    path = f"/slots/{slot['id']}"
    series = seen(await bob.patch(path, json={"recurrence": LECTURE["recurrence"]}))
    assert (series["version"], len(await entries(bob))) == (2, 4)
    seen(await bob.patch(path, json={"recurrence": None}))
    assert await starts(bob) == WEEKLY[:1]


async def test_an_instance_is_read_by_its_id_and_by_its_series(bob: Person) -> None:
    series = await lecture(bob)
    second = (await entries(bob))[1]
    assert second["id"] == f"{series['id']}_{SECOND}"
    assert second["start"] == "2026-03-09T09:00:00+01:00"
    assert second["recurring_slot_id"] == series["id"]
    assert second["original_start"] == "2026-03-09T08:00:00+00:00"
    assert second["recurrence"] == []
    assert seen(await bob.get(f"/slots/{second['id']}")) == second
    for start in (second["start"], second["original_start"], "2026-03-09T08:00:00Z", SECOND):
        assert seen(await bob.get(f"/slots/{series['id']}", params={"instance": start})) == second
        assert seen(await bob.get(f"/slots/{second['id']}", params={"instance": start})) == second


async def test_an_instance_of_an_all_day_series_is_named_by_its_date(ada: Person) -> None:
    series = await lecture(ada, **DAYS)
    by_id = seen(await ada.get(f"/slots/{series['id']}_20260309"))
    assert (by_id["start"], by_id["original_start"], by_id["all_day"]) == ("2026-03-09", "2026-03-09", True)
    assert seen(await ada.get(f"/slots/{series['id']}?instance=2026-03-09")) == by_id


async def test_an_instance_has_a_version_that_clients_can_keep(ada: Person) -> None:
    series = await lecture(ada)
    path = f"/slots/{series['id']}_{SECOND}"
    tag = (await ada.get(path)).headers["etag"]
    assert (await ada.get(path, headers={"if-none-match": tag})).status_code == 304
    await ada.patch(f"/slots/{series['id']}", json={"location": "Hall B"})
    changed = await ada.get(path, headers={"if-none-match": tag})
    assert seen(changed)["location"] == "Hall B"
    await ada.patch(path, json={"location": "Hall C"})
    moved = await ada.get(path, headers={"if-none-match": changed.headers["etag"]})
    assert seen(moved)["location"] == "Hall C"


async def test_what_is_no_instance_is_not_found(ada: Person) -> None:
    series, single = await lecture(ada), await ada.create()
    wrong = "2026-03-10T08:00:00Z"
    for path in (
        f"/slots/{series['id']}_20260310T080000Z",
        f"/slots/{series['id']}_20260309",
        f"/slots/{series['id']}?instance={wrong}",
        f"/slots/{single['id']}_20260701T080000Z",
        f"/slots/{single['id']}?instance=2026-07-01T08:00:00Z",
    ):
        for answer in (
            await ada.get(path),
            await ada.patch(path, json={"title": "x"}),
            await ada.delete(path),
        ):
            facts = problem(answer, 404, "not-found")
            assert facts["slot_id"] in (series["id"], single["id"])
            assert "original_start" in facts
    absent = f"/slots/00000000-0000-7000-8000-000000000000_{SECOND}"
    assert "original_start" not in problem(await ada.get(absent), 404, "not-found")


async def test_what_is_no_id_is_refused(ada: Person) -> None:
    series = await lecture(ada)
    for name in ("x", f"{series['id']}_", f"{series['id']}_20260309T0800", f"{series['id']}_20269999"):
        for path in (f"/slots/{name}", f"/slots/{name}/history"):
            refused(await ada.get(path), "/path/slot_id")
    for start in ("", "soon", "2026-03-09T09:00:00", "2026-13-09"):
        refused(await ada.get(f"/slots/{series['id']}", params={"instance": start}), "/query/instance")
    refused(await ada.get(f"/slots/{series['id']}_{SECOND}?instance=2026-03-02T08:00:00Z"), "/query/instance")


async def test_exceptions_stand_in_their_place_and_keep_their_addresses(bob: Person) -> None:
    series = await lecture(bob)
    second, third, fourth = (f"/slots/{series['id']}_{key}" for key in (SECOND, THIRD, FOURTH))
    moved = seen(
        await bob.patch(
            third, json={"start": "2026-03-05T09:00:00+01:00", "end": "2026-03-05T10:00:00+01:00"}
        )
    )
    seen(await bob.patch(fourth, json={"title": "Exam"}))
    gone = seen(await bob.delete(second))
    assert (gone["status"], gone["original_start"]) == ("cancelled", "2026-03-09T08:00:00+00:00")
    assert await timeline(bob) == [
        ("Lecture", "2026-03-02T09:00:00+01:00"),
        ("Lecture", "2026-03-05T09:00:00+01:00"),
        ("Exam", "2026-03-23T09:00:00+01:00"),
    ]
    assert moved["recurring_slot_id"] == series["id"]
    assert moved["original_start"] == "2026-03-16T08:00:00+00:00"
    for path in (third, f"/slots/{moved['id']}", f"/slots/{series['id']}?instance=2026-03-16T08:00:00Z"):
        assert seen(await bob.get(path)) == moved
    for path in (second, f"/slots/{gone['id']}"):
        problem(await bob.get(path), 404, "not-found")
    assert [each["title"] for each in await entries(bob, q="exam")] == ["Exam"]


async def test_a_list_without_expansion_has_the_series_once_and_its_exceptions(bob: Person) -> None:
    series = await lecture(bob)
    await bob.patch(f"/slots/{series['id']}_{SECOND}", json={"title": "Exam"})
    await bob.delete(f"/slots/{series['id']}_{THIRD}")
    assert await bob.titles() == ["Lecture", "Exam"]
    shown = (await bob.get("/slots", params={"include_deleted": True})).json()["items"]
    assert [(each["status"], each["original_start"]) for each in shown] == [
        ("confirmed", None),
        ("confirmed", "2026-03-09T08:00:00+00:00"),
        ("cancelled", "2026-03-16T08:00:00+00:00"),
    ]


async def test_an_expanded_list_shows_cancelled_instances_on_request(bob: Person) -> None:
    series = await lecture(bob)
    await bob.delete(f"/slots/{series['id']}_{SECOND}")
    shown = await entries(bob, include_deleted=True)
    assert [(each["start"][:10], each["status"]) for each in shown] == [
        ("2026-03-02", "confirmed"),
        ("2026-03-09", "cancelled"),
        ("2026-03-16", "confirmed"),
        ("2026-03-23", "confirmed"),
    ]


async def test_the_history_of_an_instance_begins_with_its_first_edit(bob: Person) -> None:
    series = await lecture(bob)
    path = f"/slots/{series['id']}_{SECOND}"
    assert (await bob.get(f"{path}/history")).json() == {"items": [], "next_cursor": None}
    exam = seen(await bob.patch(path, json={"title": "Exam"}))
    await bob.patch(path, json={"location": "Hall B"})
    await bob.delete(path)
    await bob.post(f"{path}/restore")
    told = await bob.get(f"{path}/history")
    items = HistoryOut.model_validate_json(told.content).items
    assert [(each.origin, set(each.fields)) for each in items] == [
        ("app", {"title"}),
        ("app", {"location"}),
        ("app", {"deleted"}),
        ("restore", {"deleted"}),
    ]
    assert (items[0].fields["title"].before, items[0].fields["title"].after) == ("Lecture", "Exam")
    for same in (
        f"/slots/{exam['id']}/history",
        f"/slots/{series['id']}/history?instance=2026-03-09T08:00:00Z",
    ):
        assert (await bob.get(same)).json() == told.json()
    assert (await bob.get(f"/slots/{series['id']}/history")).json()["items"] == []
    problem(await bob.get(f"/slots/{series['id']}_20260310T080000Z/history"), 404, "not-found")


async def test_instances_of_others_look_absent(ada: Person, service: Any) -> None:
    eve = await service.register("eve@example.com")
    series = await lecture(ada)
    path = f"/slots/{series['id']}_{FIRST}"
    for answer in (
        await eve.get(path),
        await eve.get(f"{path}/history"),
        await eve.put(path, json=SLOT),
        await eve.patch(f"{path}?scope=following", json={"title": "mine"}),
        await eve.delete(f"{path}?scope=all"),
        await eve.post(f"{path}/restore"),
    ):
        assert "original_start" not in problem(answer, 404, "not-found")
    assert len(await entries(ada)) == 4
    assert await entries(eve) == []
