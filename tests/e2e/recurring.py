"""Series as both sides show them: unrolled, each instance with its title and its wall clock."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from tests.e2e.world import Person

BERLIN = ZoneInfo("Europe/Berlin")
YEAR = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
LECTURE: dict[str, Any] = {
    "start": "2026-03-09T09:00:00",
    "end": "2026-03-09T10:30:00",
    "timezone": "Europe/Berlin",
    "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=6"],
}
"""Six Mondays; the clocks go forward on 29 March, so the fourth is the first in summer time."""
MONDAYS = ("03-09", "03-16", "03-23", "03-30", "04-06", "04-13")


class Instance(NamedTuple):
    """Something that takes place, as people in Berlin read it; whole days have no clock."""

    day: str
    clock: str
    title: str

    @classmethod
    def at(cls, start: str, title: str) -> Instance:
        if len(start) == len("2026-03-09"):
            return cls(date.fromisoformat(start).strftime("%m-%d"), "", title)
        moment = datetime.fromisoformat(start).astimezone(BERLIN)
        return cls(moment.strftime("%m-%d"), moment.strftime("%H:%M"), title)


def lectures(*days: str, title: str = "Lecture", clock: str = "09:00") -> list[Instance]:
    return [Instance(day, clock, title) for day in days]


async def in_app(person: Person) -> list[dict[str, Any]]:
    """The entries of the year, series unrolled by the service."""
    window: dict[str, Any] = {"from": YEAR[0], "to": YEAR[1]}
    return await person.app.slots(expand="true", **window)


async def shown_by_app(person: Person) -> list[Instance]:
    return sorted(Instance.at(each["start"], each["title"]) for each in await in_app(person))


async def shown_by_google(person: Person) -> list[Instance]:
    events = await person.google.expanded(timeMin=YEAR[0], timeMax=YEAR[1])
    return sorted(
        Instance.at(each["start"].get("dateTime") or each["start"]["date"], each["summary"])
        for each in events
    )


async def agree(person: Person, *expected: Instance) -> None:
    """Both sides show exactly these instances, and rest."""
    await person.come_to_rest()
    assert await shown_by_app(person) == sorted(expected)
    assert await shown_by_google(person) == sorted(expected)


async def instance(person: Person, day: str) -> dict[str, Any]:
    """What the app shows on this day."""
    [found] = [each for each in await in_app(person) if each["start"][5:10] == day]
    return found


async def event(person: Person, day: str) -> dict[str, Any]:
    """What Google shows on this day."""
    events = await person.google.expanded(timeMin=YEAR[0], timeMax=YEAR[1])
    [found] = [
        each for each in events if (each["start"].get("dateTime") or each["start"]["date"])[5:10] == day
    ]
    return found


def hours(day: str, clock: str = "14:00", end: str = "15:00") -> dict[str, Any]:
    """Times for the app."""
    return {"start": f"2026-{day}T{clock}:00", "end": f"2026-{day}T{end}:00", "timezone": "Europe/Berlin"}


def google_hours(day: str, clock: str = "14:00", end: str = "15:00") -> dict[str, Any]:
    """The same for Google."""
    return {
        "start": {"dateTime": f"2026-{day}T{clock}:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": f"2026-{day}T{end}:00", "timeZone": "Europe/Berlin"},
    }
