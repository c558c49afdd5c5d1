"""Series unrolled into instances, over REST."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from schemas.slot_schemas import SlotPageOut
from services.core.records import GoogleCopy, SeriesLink, Slot
from services.core.slots import Schedule, SlotContent, Timed

if TYPE_CHECKING:
    from tests.api.service import Service

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
MARCH = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-29T00:00:00Z", "expand": "true"}


def pulled(user_id: UUID, number: int, title: str, start: datetime, copy: GoogleCopy, *rule: str) -> Slot:
    content = SlotContent(title, Schedule(Timed(start, start + HOUR, "Europe/Berlin"), rule))
    return Slot(
        user_id=user_id,
        id=UUID(int=number),
        calendar_id="primary",
        content=content,
        base=content,
        source="google",
        created_at=MONDAY,
        updated_at=MONDAY,
        google=copy,
    )


@pytest.fixture
async def timetable(any_service: Service) -> tuple[Service, dict[str, str]]:
    """A weekly lecture with one instance moved and one cancelled, and a single slot of the app."""
    service = any_service
    user = (await service.http.post("/auth/users", json={"email": "ada@example.com"})).json()
    headers, user_id = {"authorization": f"Bearer {user['api_key']}"}, UUID(user["id"])
    series = GoogleCopy("lecture", '"1"', MONDAY)
    moved = GoogleCopy("lecture_20260309T080000Z", '"1"', MONDAY)
    cancelled = replace(moved, event_id="lecture_20260316T080000Z")
    gone = pulled(user_id, 3, "", MONDAY + 2 * WEEK, cancelled)
    second = SeriesLink(MONDAY + WEEK, UUID(int=1), "lecture")
    third = SeriesLink(MONDAY + 2 * WEEK, UUID(int=1), "lecture")
    async with service.parts.container.slots._uow() as tx:
        await tx.users.lock(user_id)
        await tx.slots.add(
            [
                pulled(user_id, 1, "Lecture", MONDAY, series, "RRULE:FREQ=WEEKLY"),
                replace(pulled(user_id, 2, "Lecture, moved", MONDAY + WEEK + HOUR, moved), series=second),
                replace(gone, deleted_at=MONDAY, base=None, series=third),
            ]
        )
    dentist = {"title": "Dentist", "start": "2026-03-09T08:00:00Z", "end": "2026-03-09T08:30:00Z"}
    assert (await service.http.post("/slots", json=dentist, headers=headers)).status_code == 201
    return service, headers


async def test_instances_stand_in_order_with_their_exceptions(timetable) -> None:
    service, headers = timetable
    answer = await service.http.get("/slots", params=MARCH, headers=headers)
    items = SlotPageOut.model_validate_json(answer.content).items
    assert [(item.title, item.start) for item in items] == [
        ("Lecture", "2026-03-02T09:00:00+01:00"),
        ("Dentist", "2026-03-09T08:00:00+00:00"),
        ("Lecture, moved", "2026-03-09T10:00:00+01:00"),
        ("Lecture", "2026-03-23T09:00:00+01:00"),
    ]
    first, _, moved, _ = items
    assert first.id == f"{UUID(int=1)}_20260302T080000Z"
    assert first.recurring_slot_id == moved.recurring_slot_id == UUID(int=1)
    assert first.original_start == "2026-03-02T08:00:00+00:00"
    assert first.recurrence == []


async def test_pages_of_instances_go_on_where_the_last_one_ended(timetable) -> None:
    service, headers = timetable
    whole = (await service.http.get("/slots", params=MARCH, headers=headers)).json()["items"]
    paged, cursor = [], None
    while True:
        params = {**MARCH, "limit": "1", **({"cursor": cursor} if cursor else {})}
        page = (await service.http.get("/slots", params=params, headers=headers)).json()
        paged += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == whole


@pytest.mark.parametrize(
    "params",
    [
        {"expand": "true"},
        {"expand": "true", "from": MARCH["from"]},
        {"expand": "true", "from": MARCH["to"], "to": MARCH["from"]},
        {"expand": "true", "from": "2026-01-01T00:00:00Z", "to": "2027-01-03T00:00:00Z"},
        {**MARCH, "cursor": "bm9uc2Vuc2U"},
    ],
)
async def test_a_window_that_cannot_be_unrolled_is_refused(timetable, params: dict[str, str]) -> None:
    service, headers = timetable
    answer = await service.http.get("/slots", params=params, headers=headers)
    assert answer.status_code == 422
