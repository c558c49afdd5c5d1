"""Another program's idea of the same calendar: gcal-sync lists from Google what ours lists over REST."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import aiohttp
from gcal_sync.api import GoogleCalendarService
from gcal_sync.sync import CalendarEventSyncManager

from tests.sandbox.process import PeerAuth

if TYPE_CHECKING:
    from tests.e2e.world import Person

FROM, TO = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
HOME = ZoneInfo("Europe/Amsterdam")

Line = tuple[str, str, str]
"""Start, end and title of an instance."""


def timed(start: str, end: str, zone: str = "Europe/Amsterdam") -> dict[str, Any]:
    """Times for the app, on one day."""
    return {"start": start, "end": f"{start[:11]}{end}:00", "timezone": zone}


def at_google(start: str, end: str, zone: str = "Europe/Amsterdam") -> dict[str, Any]:
    """The same for Google."""
    bounds = (start, f"{start[:11]}{end}:00")
    first, last = ({"dateTime": each, "timeZone": zone} for each in bounds)
    return {"start": first, "end": last}


def days(first: str, after: str) -> dict[str, Any]:
    """Whole days for the app."""
    return {"start": first, "end": after, "timezone": None}


def _text(value: date) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value.isoformat()


async def listed_by_app(person: Person) -> list[Line]:
    """What the service lists, all pages of it."""
    window: dict[str, Any] = {"from": FROM.isoformat(), "to": TO.isoformat()}
    entries = await person.app.slots(expand="true", limit=50, **window)
    bounds = [(each["start"], each["end"], each["title"], each["all_day"]) for each in entries]
    return sorted(
        (start, end, title)
        if all_day
        else (_text(datetime.fromisoformat(start)), _text(datetime.fromisoformat(end)), title)
        for start, end, title, all_day in bounds
    )


async def listed_by_peer(manager: CalendarEventSyncManager) -> list[Line]:
    """What the other program expands from what it has pulled."""
    await manager.run()
    timeline = await manager.store_service.async_get_timeline(HOME)
    return sorted(
        (_text(event.start.value), _text(event.end.value), event.summary)
        for event in timeline.overlapping(FROM, TO)
    )


async def test_a_mixed_calendar_has_the_same_instances_for_another_program(ada: Person):
    await _filled(ada)
    async with aiohttp.ClientSession() as session:
        tokens = await ada.google.control(
            "POST", "/tokens", {"account": ada.google.email, "client_id": "peer"}
        )
        api = GoogleCalendarService(
            PeerAuth(session, ada.google.url + "/calendar/v3", tokens["access_token"])
        )
        manager = CalendarEventSyncManager(api, ada.google.email)
        await ada.come_to_rest()
        listed = await listed_by_app(ada)
        assert len(listed) > 150
        assert {title for *_, title in listed} == {
            *("Lecture", "Guest lecture", "Call", "Night", "Drinks", "Market", "Fair"),
            *("Course", "Practical", "Short", "Single", "Holiday", "New York"),
        }
        assert await listed_by_peer(manager) == listed

        await _changed(ada)
        await ada.come_to_rest()
        changed = await listed_by_app(ada)
        assert changed != listed
        assert await listed_by_peer(manager) == changed


async def _filled(ada: Person) -> None:
    """Series of both sides in several zones, over both changes of the clocks, with exceptions."""
    app, google = ada.app, ada.google
    lecture = await app.create(
        "Lecture",
        recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO,WE"],
        **timed("2026-03-02T10:00:00", "11:00"),
        wait=True,
    )
    await app.edit(_of(lecture, "20260325T090000Z"), **timed("2026-03-26T15:00:00", "16:30"))
    await app.edit(_of(lecture, "20260401T080000Z"), title="Guest lecture")
    await app.delete(_of(lecture, "20260408T080000Z"))
    await google.delete(f"{lecture['google']['event_id']}_20261026T090000Z")
    call = timed("2026-03-05T18:00:00", "18:30", "America/New_York")
    await app.create("Call", recurrence=["RRULE:FREQ=DAILY;COUNT=20"], **call)
    night = at_google("2026-10-24T01:30:00", "02:30")
    await google.create("Night", recurrence=["RRULE:FREQ=DAILY;UNTIL=20261027T003000Z"], **night)
    drinks = timed("2026-03-27T17:00:00", "19:00")
    await app.create("Drinks", recurrence=["RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=6"], **drinks)
    weekly = ["RRULE:FREQ=WEEKLY;UNTIL=20261107", "EXDATE;VALUE=DATE:20260321"]
    market = await app.create("Market", recurrence=weekly, **days("2026-03-07", "2026-03-08"), wait=True)
    await app.delete(_of(market, "20260328"))
    await app.edit(_of(market, "20260404"), **days("2026-04-05", "2026-04-07"))
    # gcal-sync takes the first day of a series without a rule only from its RDATE.
    fairs = ["RDATE:20260501T070000Z,20260503T070000Z,20261101T080000Z"]
    await google.create("Fair", recurrence=fairs, **at_google("2026-05-01T09:00:00", "10:00"))
    course = await app.create(
        "Course",
        recurrence=["RRULE:FREQ=WEEKLY;COUNT=10"],
        **timed("2026-04-06T13:00:00", "14:00"),
        wait=True,
    )
    await app.edit(_of(course, "20260504T110000Z"), scope="following", title="Practical")
    gone = await app.create(
        "Gone", recurrence=["RRULE:FREQ=DAILY;COUNT=5"], **timed("2026-06-01T09:00:00", "10:00"), wait=True
    )
    await app.edit(_of(gone, "20260602T070000Z"), title="Gone with it", wait=True)
    await app.delete(gone)
    short = await app.create(
        "Short", recurrence=["RRULE:FREQ=DAILY;COUNT=5"], **timed("2026-07-01T09:00:00", "10:00"), wait=True
    )
    await app.edit(_of(short, "20260704T070000Z"), title="Nowhere", wait=True)
    await app.edit(short, recurrence=["RRULE:FREQ=DAILY;COUNT=2"])
    await app.create("Single", **timed("2026-08-03T09:00:00", "10:00"))
    await app.create("Holiday", **days("2026-08-10", "2026-08-15"))
    early = at_google("2026-03-06T23:30:00", "23:45", "America/New_York")
    await google.create("New York", recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"], **early)


async def _changed(ada: Person) -> None:
    """Each scope once more, on the side that has not made the series."""
    google = ada.google
    await google.edit(await _event_of(ada, "Lecture", "20260504T080000Z"), scope="this", summary="Exam")
    await google.edit(await _event_of(ada, "Market", "20260502"), scope="all", summary="Flea market")
    later = at_google("2026-09-15T11:00:00", "12:00")
    await google.edit(await _event_of(ada, "Lecture", "20260914T080000Z"), scope="following", **later)
    await google.delete(await _event_of(ada, "Short", "20260702T070000Z"), scope="this")
    await ada.come_to_rest()
    drinks = await ada.app.called("Drinks")
    await ada.app.edit(_of(drinks, "20260529T150000Z"), scope="all", **timed("2026-05-29T18:00:00", "20:00"))


def _of(series: dict[str, Any], name: str) -> dict[str, Any]:
    """An instance of a series, as far as editing it needs."""
    return {"id": f"{series['id']}_{name}"}


async def _event_of(ada: Person, title: str, name: str) -> str:
    """Google's id of an instance of the series of this title."""
    found = [
        each["id"] for each in await ada.google.events() if each["summary"] == title and "recurrence" in each
    ]
    [series] = found
    return f"{series}_{name}"
