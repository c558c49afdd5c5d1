"""Another program's idea of a calendar: gcal-sync expands what it synced, and sees what Google lists."""

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import aiohttp
from gcal_sync.api import GoogleCalendarService
from gcal_sync.sync import CalendarEventSyncManager

from tests.sandbox.driver import ANN, EVENTS, all_day, timed
from tests.sandbox.process import PeerAuth, Server

FROM, TO = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
HOME = ZoneInfo("Europe/Amsterdam")

Line = tuple[str, str, str, str]
"""Start, end, id and title of an instance."""


class Calendar:
    """A calendar that is edited through the API and by hand."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def add(self, summary: str, times: dict[str, Any], *recurrence: str) -> str:
        body = {**times, "summary": summary, "recurrence": list(recurrence)}
        return str(self.server.http.post(EVENTS, json=body).raise_for_status().json()["id"])

    def change(self, event_id: str, **fields: Any) -> None:
        self.server.http.patch(f"{EVENTS}/{event_id}", json=fields).raise_for_status()

    def delete(self, event_id: str) -> None:
        self.server.http.delete(f"{EVENTS}/{event_id}").raise_for_status()

    def by_hand(self, scope: str, event_id: str, **fields: Any) -> None:
        self.server.control(f"/calendars/{quote(ANN)}/primary/events?scope={scope}", id=event_id, **fields)

    def listed(self) -> list[Line]:
        """What Google itself expands."""
        params = {"singleEvents": "true", "orderBy": "startTime", "maxResults": "2500"}
        window = {"timeMin": FROM.isoformat(), "timeMax": TO.isoformat()}
        answer = self.server.http.get(EVENTS, params={**params, **window}).raise_for_status().json()
        return sorted(
            (_bound(item["start"]), _bound(item["end"]), item["id"], item["summary"])
            for item in answer["items"]
        )


def _bound(value: dict[str, str]) -> str:
    return value.get("date") or datetime.fromisoformat(value["dateTime"]).astimezone(UTC).isoformat()


def _text(value: date) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value.isoformat()


async def seen(manager: CalendarEventSyncManager) -> list[Line]:
    """What the other program expands from what it has."""
    await manager.run()
    timeline = await manager.store_service.async_get_timeline(HOME)
    return sorted(
        (_text(event.start.value), _text(event.end.value), event.id or "", event.summary)
        for event in timeline.overlapping(FROM, TO)
    )


async def test_its_timeline_lists_the_instances_that_google_lists(server: Server) -> None:
    calendar = Calendar(server)
    lecture = calendar.add("Lecture", timed("2026-03-02T10:00:00"), "RRULE:FREQ=WEEKLY;BYDAY=MO,WE")
    calendar.change(f"{lecture}_20260325T090000Z", **timed("2026-03-26T15:00:00"))
    calendar.change(f"{lecture}_20260401T080000Z", summary="Guest lecture")
    calendar.delete(f"{lecture}_20260408T080000Z")
    calendar.delete(f"{lecture}_20261026T090000Z")
    calendar.add("Call", timed("2026-03-05T18:00:00", zone="America/New_York"), "RRULE:FREQ=DAILY;COUNT=20")
    calendar.add("Night", timed("2026-10-24T01:30:00"), "RRULE:FREQ=DAILY;UNTIL=20261027T003000Z")
    calendar.add("Drinks", timed("2026-03-27T17:00:00"), "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=6")
    market = calendar.add(
        "Market",
        all_day("2026-03-07", "2026-03-08"),
        "RRULE:FREQ=WEEKLY;UNTIL=20261107",
        "EXDATE;VALUE=DATE:20260321",
    )
    calendar.delete(f"{market}_20260328")
    calendar.change(f"{market}_20260404", **all_day("2026-04-05", "2026-04-07"))
    # gcal-sync takes the first day of a series without a rule only from its RDATE.
    fairs = "RDATE:20260501T070000Z,20260503T070000Z,20261101T080000Z"
    calendar.add("Fair", timed("2026-05-01T09:00:00"), fairs)
    course = calendar.add("Course", timed("2026-04-06T13:00:00"), "RRULE:FREQ=WEEKLY;COUNT=10")
    calendar.by_hand("following", f"{course}_20260504T110000Z", summary="Practical")
    gone = calendar.add("Gone", timed("2026-06-01T09:00:00"), "RRULE:FREQ=DAILY;COUNT=5")
    calendar.change(f"{gone}_20260602T070000Z", summary="Gone with it")
    calendar.delete(gone)
    short = calendar.add("Short", timed("2026-07-01T09:00:00"), "RRULE:FREQ=DAILY;COUNT=5")
    calendar.change(f"{short}_20260704T070000Z", summary="Orphan")
    calendar.change(short, recurrence=["RRULE:FREQ=DAILY;COUNT=2"])

    async with aiohttp.ClientSession() as session:
        api = GoogleCalendarService(PeerAuth(session, server.url + "/calendar/v3", server.token))
        manager = CalendarEventSyncManager(api, ANN)
        listed = calendar.listed()
        assert len(listed) > 150
        assert {line[3] for line in listed} == {
            *("Lecture", "Guest lecture", "Call", "Night", "Drinks", "Market", "Fair"),
            *("Course", "Practical", "Short"),
        }
        assert await seen(manager) == listed

        calendar.by_hand("this", f"{lecture}_20260504T080000Z", summary="Exam")
        calendar.by_hand("all", f"{market}_20260502", summary="Flea market")
        calendar.by_hand("following", f"{lecture}_20260914T080000Z", **timed("2026-09-15T11:00:00"))
        calendar.delete(f"{short}_20260702T070000Z")
        changed = calendar.listed()
        assert changed != listed
        assert await seen(manager) == changed
