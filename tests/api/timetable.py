"""A weekly lecture, and what its instances are, as a frontend sees them over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.slot_schemas import SlotOut, SlotPageOut

if TYPE_CHECKING:
    import httpx

    from tests.api.service import Person

LECTURE: dict[str, Any] = {
    "title": "Lecture",
    "start": "2026-03-02T09:00:00",
    "end": "2026-03-02T10:30:00",
    "timezone": "Europe/Berlin",
    "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"],
}
"""Four Mondays; on 29 March the clocks of Berlin go forward, the day before the last of them is 23 March."""
FIRST, SECOND, THIRD, FOURTH = (f"202603{day:02}T080000Z" for day in (2, 9, 16, 23))
"""The names of its instances."""
SPRING = {"from": "2026-02-01T00:00:00Z", "to": "2026-07-01T00:00:00Z"}


def seen(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """The slot that an answer shows, which has the shape that OpenAPI promises."""
    assert answer.status_code == status, answer.text
    SlotOut.model_validate_json(answer.content)
    assert answer.headers["etag"].startswith(f'"{answer.json()["version"]}')
    return dict(answer.json())


async def lecture(person: Person, **fields: Any) -> dict[str, Any]:
    """The lecture as a series of this person."""
    return seen(await person.post("/slots", json={**LECTURE, **fields}), 201)


async def entries(person: Person, **query: Any) -> list[dict[str, Any]]:
    """What takes place in spring, series unrolled."""
    answer = await person.get("/slots", params={**SPRING, "expand": "true", "limit": "200", **query})
    assert answer.status_code == 200, answer.text
    SlotPageOut.model_validate_json(answer.content)
    assert answer.json()["next_cursor"] is None
    return list(answer.json()["items"])


async def timeline(person: Person, **query: Any) -> list[tuple[str, str]]:
    """The same, as titles and starts."""
    return [(each["title"], each["start"]) for each in await entries(person, **query)]


async def starts(person: Person) -> list[str]:
    """The local starts alone."""
    return [each["start"][:16].removesuffix("T00:00") for each in await entries(person)]
