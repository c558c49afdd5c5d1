"""A calendar of 200 series with 20 exceptions each: all of it arrives, first and when it changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.recurring import in_app
from tests.e2e.world import Person, somebody

if TYPE_CHECKING:
    from tests.e2e.servers import GoogleServer, Server

SERIES, EXCEPTIONS, WEEKS = 200, 20, 26
CHANGED = 20
FIRST = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.timeout(300)
async def test_every_instance_of_many_series_arrives(any_service: Server, shared_google: GoogleServer):
    async with somebody(any_service.url, shared_google.url, "dean") as dean:
        ids = await _filled(dean)
        await dean.connect()
        seen = await _instances(dean)
        assert seen == await _expected(dean)
        assert len(seen) == SERIES * (WEEKS - 2)

        changed = ids[:: SERIES // CHANGED]
        change = {"location": "Hall B", "summary": "Changed"}
        await dean.google.edit_many([{"id": _instance(each, 3), **change} for each in changed])
        await dean.google.delete(_instance(ids[1], 25))
        await dean.google.edit(_instance(ids[2], 2), status="confirmed")
        await dean.come_to_rest()
        seen = await _instances(dean)
        assert seen == await _expected(dean)
        assert sum(location == "Hall B" for *_, location in seen) == CHANGED
        assert len(seen) == SERIES * (WEEKS - 2)


async def _filled(dean: Person) -> list[str]:
    """Weekly series, each with 18 instances edited or moved and two cancelled; returns their ids."""
    times = {"start": {"dateTime": FIRST.isoformat()}, "end": {"dateTime": _after(FIRST).isoformat()}}
    weekly = {**times, "recurrence": [f"RRULE:FREQ=WEEKLY;COUNT={WEEKS}"]}
    await dean.google.create_many(SERIES, fields=weekly)
    ids = sorted(each["id"] for each in await dean.google.events())
    for event_id in ids:
        await dean.google.edit_many([_exception(event_id, number) for number in range(1, EXCEPTIONS + 1)])
    return ids


def _exception(event_id: str, number: int) -> dict[str, Any]:
    change: dict[str, Any] = {"id": _instance(event_id, number)}
    if number % 10 == 2:
        return change | {"status": "cancelled"}
    if number % 2:
        return change | {"summary": f"Lesson {number}"}
    moved = FIRST + timedelta(weeks=number, days=1)
    return change | {
        "start": {"dateTime": moved.isoformat()},
        "end": {"dateTime": _after(moved).isoformat()},
    }


def _instance(event_id: str, number: int) -> str:
    return f"{event_id}_{FIRST + timedelta(weeks=number):%Y%m%dT%H%M%SZ}"


def _after(start: datetime) -> datetime:
    return start + timedelta(hours=1)


async def _instances(dean: Person) -> list[tuple[datetime, str, str]]:
    """What the app shows."""
    return sorted(
        (datetime.fromisoformat(each["start"]), each["title"], each["location"])
        for each in await in_app(dean)
    )


async def _expected(dean: Person) -> list[tuple[datetime, str, str]]:
    """What Google shows."""
    return sorted(
        (
            datetime.fromisoformat(each["start"]["dateTime"]),
            each["summary"],
            each.get("location", ""),
        )
        for each in await dean.google.expanded()
    )
