"""Busy and free time, over REST."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from schemas.free_busy_schemas import FreeBusyOut
from services.core.calendars import CalendarSync
from services.core.records import GoogleCopy, SeriesLink, Slot
from services.core.slots import AllDay, Schedule, SlotContent, Timed
from tests.api.service import problem, refused

if TYPE_CHECKING:
    from tests.api.service import Person, Service

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
MARCH = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-29T00:00:00Z"}


def google_slot(person: Person, number: int, start: datetime, copy: GoogleCopy | None, *rule: str) -> Slot:
    content = SlotContent("Lecture", Schedule(Timed(start, start + HOUR, "Europe/Berlin"), rule))
    return Slot(
        user_id=UUID(person.id),
        id=UUID(int=number),
        calendar_id="primary",
        content=content,
        base=content,
        source="google",
        created_at=MONDAY,
        updated_at=MONDAY,
        google=copy or GoogleCopy(f"event{number}", '"1"', MONDAY),
    )


async def stored(service: Service, *slots: Slot) -> None:
    async with service.parts.container.slots._uow() as tx:
        await tx.users.lock(slots[0].user_id)
        await tx.slots.add(slots)


async def asked(person: Person, **params: Any) -> dict[str, Any]:
    answer = await person.get("/slots/free-busy", params={**MARCH, **params})
    assert answer.status_code == 200, answer.text
    FreeBusyOut.model_validate_json(answer.content)
    return dict(answer.json())


def shown(intervals: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(each["start"], each["end"]) for each in intervals]


async def test_a_series_is_busy_with_its_exceptions_in_place(any_service: Service, bob: Person) -> None:
    series = GoogleCopy("lecture", '"1"', MONDAY)
    moved = GoogleCopy("lecture_20260309T080000Z", '"1"', MONDAY)
    cancelled = GoogleCopy("lecture_20260316T080000Z", '"1"', MONDAY)
    lecture = google_slot(bob, 1, MONDAY, series, "RRULE:FREQ=WEEKLY")
    second = SeriesLink(MONDAY + WEEK, lecture.id, "lecture")
    third = SeriesLink(MONDAY + 2 * WEEK, lecture.id, "lecture")
    gone = google_slot(bob, 3, MONDAY + 2 * WEEK, cancelled)
    await stored(
        any_service,
        lecture,
        replace(google_slot(bob, 2, MONDAY + WEEK + DAY, moved), series=second),
        replace(gone, deleted_at=MONDAY, base=None, series=third),
    )
    assert shown((await asked(bob, timezone="Europe/Berlin"))["busy"]) == [
        ("2026-03-02T09:00:00+01:00", "2026-03-02T10:00:00+01:00"),
        ("2026-03-10T09:00:00+01:00", "2026-03-10T10:00:00+01:00"),
        ("2026-03-23T09:00:00+01:00", "2026-03-23T10:00:00+01:00"),
    ]


async def test_what_touches_or_overlaps_is_one_and_clipped(ada: Person) -> None:
    for start, end in (("09:00", "10:00"), ("10:00", "11:00"), ("09:30", "09:45"), ("12:00", "13:00")):
        await ada.create(start=f"2026-03-02T{start}:00Z", end=f"2026-03-02T{end}:00Z", timezone="UTC")
    day = {"from": "2026-03-02T09:15:00Z", "to": "2026-03-02T12:30:00Z"}
    found = await asked(ada, **day, min_minutes=60)
    assert shown(found["busy"]) == [
        ("2026-03-02T09:15:00+00:00", "2026-03-02T11:00:00+00:00"),
        ("2026-03-02T12:00:00+00:00", "2026-03-02T12:30:00+00:00"),
    ]
    assert shown(found["free"]) == [("2026-03-02T11:00:00+00:00", "2026-03-02T12:00:00+00:00")]
    assert (await asked(ada, **day, min_minutes=61))["free"] == []
    assert (await asked(ada, **day))["free"] is None


async def test_transparent_declined_and_deleted_slots_and_places_of_work_keep_nobody_busy(
    service: Service, ada: Person
) -> None:
    await ada.create(start="2026-03-02T09:00:00Z", end="2026-03-02T10:00:00Z", transparency="transparent")
    deleted = await ada.create(start="2026-03-02T11:00:00Z", end="2026-03-02T12:00:00Z")
    await ada.delete(f"/slots/{deleted['id']}")
    guest = {"email": ada.email, "self": True}
    facts: list[dict[str, Any]] = [
        {"attendees": [{**guest, "response_status": "declined"}]},
        {"event_type": "workingLocation"},
        {"attendees": [{**guest, "response_status": "tentative"}]},
    ]
    await stored(
        service,
        *(
            google_slot(
                ada, number, MONDAY + number * DAY, GoogleCopy(f"e{number}", '"1"', MONDAY, facts=known)
            )
            for number, known in enumerate(facts)
        ),
    )
    assert shown((await asked(ada))["busy"]) == [("2026-03-04T08:00:00+00:00", "2026-03-04T09:00:00+00:00")]


async def test_all_day_slots_are_busy_for_their_dates_in_the_calendars_zone(
    service: Service, ada: Person
) -> None:
    fair = google_slot(ada, 1, MONDAY, None)
    content = SlotContent("Fair", Schedule(AllDay(date(2026, 3, 9), date(2026, 3, 11))))
    here = replace(fair, content=content, base=content)
    there = replace(here, id=UUID(int=2), calendar_id="team", google=GoogleCopy("other", '"1"', MONDAY))
    async with service.parts.container.slots._uow() as tx:
        await tx.calendars.add(
            CalendarSync(user_id=UUID(ada.id), calendar_id="team", time_zone="America/New_York")
        )
    await stored(service, here, there)
    primary, team = {"calendar_id": "primary"}, {"calendar_id": "team"}
    assert shown((await asked(ada, **primary))["busy"]) == [
        ("2026-03-09T00:00:00+00:00", "2026-03-11T00:00:00+00:00")
    ]
    assert shown((await asked(ada, **team))["busy"]) == [
        ("2026-03-09T04:00:00+00:00", "2026-03-11T04:00:00+00:00")
    ]
    assert shown((await asked(ada, **team, timezone="Asia/Tokyo"))["busy"]) == [
        ("2026-03-09T00:00:00+09:00", "2026-03-11T00:00:00+09:00")
    ]
    # Dates reach into a window that no date of theirs has in UTC.
    late = {"from": "2026-03-11T02:00:00Z", "to": "2026-03-11T23:00:00Z"}
    assert shown((await asked(ada, **team, **late))["busy"]) == [
        ("2026-03-11T02:00:00+00:00", "2026-03-11T04:00:00+00:00")
    ]


async def test_more_slots_than_one_page_holds(service: Service, ada: Person) -> None:
    hourly = [google_slot(ada, number, MONDAY + number * 2 * HOUR, None) for number in range(1001)]
    await stored(service, *hourly)
    year = {"from": "2026-03-01T00:00:00Z", "to": "2027-03-01T00:00:00Z"}
    assert len((await asked(ada, **year))["busy"]) == 1001


async def test_nobody_sees_the_time_of_others(any_service: Service, bob: Person) -> None:
    await bob.create(start="2026-03-02T09:00:00Z", end="2026-03-02T10:00:00Z")
    assert (await asked(await any_service.register()))["busy"] == []


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"from": None}, "/query/from"),
        ({"to": None}, "/query/to"),
        ({"from": "2026-03-01"}, "/query/from"),
        ({"to": "2026-03-01T00:00:00Z"}, "/query/to"),
        ({"to": "2027-03-03T00:00:00Z"}, "/query/to"),
        ({"min_minutes": "0"}, "/query/min_minutes"),
        ({"min_minutes": "soon"}, "/query/min_minutes"),
        ({"timezone": "Mars/Phobos"}, "/query/timezone"),
        ({"timezone": "../../etc/passwd"}, "/query/timezone"),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    ada: Person, params: dict[str, str | None], pointer: str
) -> None:
    given = {name: value for name, value in {**MARCH, **params}.items() if value is not None}
    refused(await ada.get("/slots/free-busy", params=given), pointer)


async def test_a_calendar_that_is_not_there_is_not_free(ada: Person) -> None:
    problem(await ada.get("/slots/free-busy", params={**MARCH, "calendar_id": "nobody's"}), 404, "not-found")
