"""One week of a calendar as HTML: its days, their events, and the form behind each event."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sandbox.calendar_form import TEXTS, form_bounds
from sandbox.model.clock import to_us
from sandbox.model.recurrence import Series, instance_doc

if TYPE_CHECKING:
    from sandbox.messages import Json
    from sandbox.model.accounts import Account
    from sandbox.model.calendars import Calendar
    from sandbox.world import World

_SCOPE = (
    '<label>Applies to <select name="scope"><option value="this">this event</option>'
    '<option value="following">this and following events</option>'
    '<option value="all">all events</option></select></label>'
)


def page_url(world: World, email: str, calendar_id: str | None = None, day: date | None = None) -> str:
    """Where the week of a day stands; this week without one."""
    query = {"account": email}
    if calendar_id is not None:
        query["calendar"] = calendar_id
    if day is not None:
        query["week"] = day.isoformat()
    return f"{world.base_url}/calendar?{urlencode(query)}"


class WeekView:
    """The days of one week.

    Args:
        world: What there is to show.
        account: Who looks.
        calendar: At what.
        monday: The first day.
    """

    def __init__(self, world: World, account: Account, calendar: Calendar, monday: date) -> None:
        self._world = world
        self._account = account
        self._calendar = calendar
        self._monday = monday

    def days(self) -> str:
        """A card for each day that has events, or where the nearest event is."""
        calendar, monday = self._calendar, self._monday
        zone = calendar.zone
        first = datetime(monday.year, monday.month, monday.day, tzinfo=zone)
        shown = self._between(to_us(first), to_us(first + timedelta(days=7)))
        days: dict[date, list[str]] = {}
        for start_us, doc in shown:
            begins = datetime.fromtimestamp(start_us / 1_000_000, zone).date()
            days.setdefault(max(begins, monday), []).append(self._event(doc))
        if not days:
            elsewhere = self._nearest(to_us(first))
            return f'<div class="card"><p class="soft">Nothing this week.{elsewhere}</p></div>'
        cards = (
            f'<div class="card"><h2>{day:%A %d %B}</h2>{"".join(days[day])}</div>' for day in sorted(days)
        )
        return "".join(cards)

    def _nearest(self, from_us: int) -> str:
        """Where the nearest week with an event is, for a person who looks at an empty one."""
        calendar = self._calendar
        log = self._world.calendars.log(calendar.id)
        starts = [
            one.start_us
            for one in log.since(0)
            if one.start_us is not None and not one.cancelled and not log.has_deleted_master(one)
        ]
        if not starts:
            return ""
        nearest = min(starts, key=lambda start_us: abs(start_us - from_us))
        day = datetime.fromtimestamp(nearest / 1_000_000, calendar.zone).date()
        url = escape(page_url(self._world, self._account.email, calendar.id, day))
        return f' The nearest event is on <a href="{url}">{day:%d %B %Y}</a>.'

    def _between(self, low_us: int, high_us: int) -> list[tuple[int, Json]]:
        calendar = self._calendar
        log = self._world.calendars.log(calendar.id)
        found: list[tuple[int, Json]] = []
        for event in log.since(0):
            if event.cancelled or event.start_us is None or log.has_deleted_master(event):
                continue
            end_us = max(event.end_us or 0, event.start_us + 1)
            if not event.recurring:
                if event.start_us < high_us and end_us > low_us:
                    found.append((event.start_us, event.doc))
                continue
            taken = {one.id for one in log.exceptions_of(event.id)}
            for slot in Series(event, calendar.zone).slots():
                if slot.start_us >= high_us:
                    break
                if slot.end_us > low_us and slot.instance_id not in taken:
                    found.append((slot.start_us, instance_doc(event.doc, slot)))
        return sorted(found, key=lambda one: (one[0], one[1]["id"]))

    def _event(self, doc: Json) -> str:
        start, end = doc["start"], doc.get("end", {})
        when = (
            "All day"
            if "date" in start
            else f"{start.get('dateTime', '')[11:16]} to {end.get('dateTime', '')[11:16]}"
        )
        place = f' <span class="soft">{escape(doc["location"])}</span>' if "location" in doc else ""
        again = ' <span class="soft">(series)</span>' if "recurringEventId" in doc else ""
        return (
            f'<div class="event" id="{escape(doc["id"])}"><details><summary>{when} '
            f"<strong>{escape(doc.get('summary', '(no title)'))}</strong>{place}{again}</summary>"
            + self.form(doc)
            + "</details></div>"
        )

    def form(self, doc: Json | None = None) -> str:
        """The form of an event, or of a new one; an instance of a series asks what the edit applies to."""
        base, account, calendar, monday = self._world.base_url, self._account, self._calendar, self._monday
        doc = doc or {}
        start, end = form_bounds(doc, calendar.zone, self._world.clock.now(), monday)
        all_day = " checked" if "date" in doc.get("start", {}) else ""
        was = {"start": start, "end": end, "all_day": "on" if all_day else ""}
        was |= {name: doc.get(name, "") for name in TEXTS}
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">'
            for name, value in (
                ("account", account.email),
                ("calendar", calendar.id),
                ("event", doc.get("id", "")),
                ("week", monday.isoformat()),
                *((f"was_{name}", value) for name, value in was.items()),
            )
        )
        remove = f'<button formaction="{base}/calendar/delete" formnovalidate>Delete</button>' if doc else ""
        scope = _SCOPE if "recurringEventId" in doc else ""
        return (
            f'<form method="post" action="{base}/calendar/save">{hidden}'
            f'<label>Title<input name="summary" value="{escape(doc.get("summary", ""))}"></label>'
            '<div class="line"><label class="grow">Start<input type="datetime-local" name="start" '
            f'required value="{start}"></label><label class="grow">End<input type="datetime-local" '
            f'name="end" required value="{end}"></label></div>'
            f'<label class="row"><input type="checkbox" name="all_day" value="on"{all_day}> '
            "All day</label>"
            f'<label>Place<input name="location" value="{escape(doc.get("location", ""))}"></label>'
            '<label>Description<textarea name="description" rows="2">'
            f"{escape(doc.get('description', ''))}</textarea></label>"
            f'{scope}<p class="line"><button class="main">Save</button>{remove}</p></form>'
        )
