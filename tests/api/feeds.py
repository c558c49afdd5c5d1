"""A calendar feed as its reader meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import icalendar

from schemas.feed_schemas import NewFeedOut
from tests.api.service import ORIGIN

if TYPE_CHECKING:
    from tests.api.service import Person


async def address(person: Person) -> str:
    answer = await person.post("/slots/feed")
    assert answer.status_code == 201, answer.text
    url = NewFeedOut.model_validate_json(answer.content).url
    assert url.startswith(f"{ORIGIN}/slots/feed.ics?key=")
    return url


async def document(person: Person) -> str:
    answer = await person.http.get(await address(person))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    return answer.text


def events(text: str) -> list[Any]:
    return list(icalendar.Calendar.from_ical(text).events)
