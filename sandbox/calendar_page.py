"""The page on which a person is Google: sees an account's events, adds, edits, deletes.

Source of none of this is Google's own page; it stands in for a person with a phone.
"""

from __future__ import annotations

import base64
import binascii
from datetime import date, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from sandbox.calendar_form import TEXTS, changed, form_bounds, read_bounds
from sandbox.event_resource import merged
from sandbox.messages import Json, Request, Response, html_response, only, redirect
from sandbox.model.clock import to_us
from sandbox.model.recurrence import Series, instance_doc
from sandbox.model.zones import parse_date
from sandbox.pages import page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from sandbox.model.accounts import Account
    from sandbox.model.calendars import Calendar
    from sandbox.model.event_log import StoredEvent
    from sandbox.world import World

_REFRESH = """
<script>
let seen = document.body.dataset.version;
async function look() {
  if (document.querySelector("details[open]") || document.hidden) return;
  try {
    const answer = await fetch(location.href, {headers: {"X-Only": "version"}});
    const version = answer.headers.get("X-Version");
    if (version && version !== seen) location.reload();
  } catch (problem) { /* the simulator is away; the next look may find it */ }
}
document.body.dataset.version && setInterval(look, 1500);
</script>
"""


class CalendarPage:
    """Serves `/`, `/calendar` and what its forms post."""

    def __init__(self, world: World) -> None:
        self._world = world

    def handle(self, request: Request, path: str) -> Response | None:
        """Answer a page or a form; `None` when the path is none of them."""
        match request.method, path:
            case "GET", "/":
                return self._front()
            case "GET", "/calendar":
                return self._calendar(request)
            case "GET", "/calendar/event":
                return self._event_link(request)
            case "POST", "/calendar/save":
                return self._save(request)
            case "POST", "/calendar/delete":
                return self._delete(request)
            case "POST", "/calendar/account":
                return self._add_account(request)
            case _:
                return None

    def _front(self) -> Response:
        rows = "".join(
            f'<p><a href="{self._url(account.email)}">{escape(account.email)}</a> '
            f'<span class="soft">{escape(account.name)}</span></p>'
            for account in self._world.accounts.all()
        )
        nobody = '<p class="soft">There is no account yet: link one, or make one here.</p>'
        body = (
            "<h1>Google simulator</h1>"
            '<p class="soft">A stand-in for Google sign-in and Google Calendar. Nothing here '
            "reaches Google.</p>"
            f'<div class="card"><h2>Accounts</h2>{rows or nobody}'
            f'<form method="post" action="{self._world.base_url}/calendar/account" class="line">'
            '<label class="grow">New account<input type="email" name="email" required '
            'placeholder="someone@example.com"></label><button>Make</button></form></div>'
        )
        return html_response(page("Google simulator", body))

    def _calendar(self, request: Request) -> Response:
        query = request.query()
        account = self._world.accounts.find(only(query, "account"))
        if account is None:
            return redirect(f"{self._world.base_url}/")
        calendar = self._chosen(account, query)
        monday = self._week(query, calendar.zone)
        version = str(self._world.calendars.log(calendar.id).last_position)
        if request.headers.get("x-only") == "version":
            return Response(204, {"X-Version": version})
        body = (
            f'<p><a href="{self._world.base_url}/">Google simulator</a></p>'
            f"<h1>{escape(calendar.summary)}</h1>"
            f'<p class="soft">{escape(account.email)} · {escape(calendar.time_zone)}</p>'
            + self._calendar_links(account, calendar)
            + self._week_links(account, calendar, monday)
            + self._days(account, calendar, monday)
            + '<div class="card"><details><summary>New event</summary>'
            + self._form(account, calendar, None, monday)
            + "</details></div>"
        )
        html = page(f"{calendar.summary} - Google simulator", body + _REFRESH)
        html = html.replace("<body>", f'<body data-version="{version}">', 1)
        return html_response(html)

    def _calendar_links(self, account: Account, current: Calendar) -> str:
        links = []
        for entry in self._world.calendars.entries_of(account.email):
            calendar = self._world.calendars.find(entry.calendar_id)
            if calendar is not None and not entry.deleted:
                here = ' aria-current="page"' if calendar is current else ""
                url = self._url(account.email, calendar.id)
                links.append(f'<a class="button" href="{url}"{here}>{escape(calendar.summary)}</a>')
        return f'<nav class="line" aria-label="Calendars">{"".join(links)}</nav>'

    def _week_links(self, account: Account, calendar: Calendar, monday: date) -> str:
        def link(day: date, text: str) -> str:
            url = self._url(account.email, calendar.id, day)
            return f'<a class="button" href="{url}">{text}</a>'

        sunday = monday + timedelta(days=6)
        return (
            '<nav class="line" aria-label="Weeks" style="margin-top:1rem">'
            f"{link(monday - timedelta(days=7), 'Earlier')}"
            f"<strong>{monday:%d %b} to {sunday:%d %b %Y}</strong>"
            f"{link(monday + timedelta(days=7), 'Later')}</nav>"
        )

    def _days(self, account: Account, calendar: Calendar, monday: date) -> str:
        zone = calendar.zone
        first = datetime(monday.year, monday.month, monday.day, tzinfo=zone)
        shown = self._between(calendar, to_us(first), to_us(first + timedelta(days=7)))
        days: dict[date, list[str]] = {}
        for start_us, event, doc in shown:
            begins = datetime.fromtimestamp(start_us / 1_000_000, zone).date()
            days.setdefault(max(begins, monday), []).append(
                self._event(account, calendar, event, doc, monday)
            )
        if not days:
            elsewhere = self._nearest(account, calendar, to_us(first))
            return f'<div class="card"><p class="soft">Nothing this week.{elsewhere}</p></div>'
        cards = (
            f'<div class="card"><h2>{day:%A %d %B}</h2>{"".join(days[day])}</div>' for day in sorted(days)
        )
        return "".join(cards)

    def _nearest(self, account: Account, calendar: Calendar, from_us: int) -> str:
        """Where the nearest week with an event is, for a person who looks at an empty one."""
        log = self._world.calendars.log(calendar.id)
        starts = [one.start_us for one in log.since(0) if not one.cancelled and one.start_us is not None]
        if not starts:
            return ""
        nearest = min(starts, key=lambda start_us: abs(start_us - from_us))
        day = datetime.fromtimestamp(nearest / 1_000_000, calendar.zone).date()
        url = escape(self._url(account.email, calendar.id, day))
        return f' The nearest event is on <a href="{url}">{day:%d %B %Y}</a>.'

    def _between(self, calendar: Calendar, low_us: int, high_us: int) -> list[tuple[int, StoredEvent, Json]]:
        log = self._world.calendars.log(calendar.id)
        found: list[tuple[int, StoredEvent, Json]] = []
        for event in log.since(0):
            if event.cancelled or event.start_us is None:
                continue
            end_us = max(event.end_us or 0, event.start_us + 1)
            if not event.recurring:
                if event.start_us < high_us and end_us > low_us:
                    found.append((event.start_us, event, event.doc))
                continue
            taken = {one.id for one in log.exceptions_of(event.id)}
            for slot in Series(event, calendar.zone).slots():
                if slot.start_us >= high_us:
                    break
                if slot.end_us > low_us and slot.instance_id not in taken:
                    found.append((slot.start_us, event, instance_doc(event.doc, slot)))
        return sorted(found, key=lambda one: (one[0], one[1].id))

    def _event(
        self,
        account: Account,
        calendar: Calendar,
        event: StoredEvent,
        doc: Json,
        monday: date,
    ) -> str:
        start, end = doc["start"], doc.get("end", {})
        when = (
            "All day"
            if "date" in start
            else f"{start.get('dateTime', '')[11:16]} to {end.get('dateTime', '')[11:16]}"
        )
        place = f' <span class="soft">{escape(doc["location"])}</span>' if "location" in doc else ""
        again = ' <span class="soft">(series)</span>' if event.recurring else ""
        return (
            f'<div class="event" id="{escape(doc["id"])}"><details><summary>{when} '
            f"<strong>{escape(doc.get('summary', '(no title)'))}</strong>{place}{again}</summary>"
            + self._form(account, calendar, event.doc, monday)
            + "</details></div>"
        )

    def _form(self, account: Account, calendar: Calendar, doc: Json | None, monday: date) -> str:
        base = self._world.base_url
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
            f'<p class="line"><button class="main">Save</button>{remove}</p></form>'
        )

    def _save(self, request: Request) -> Response:
        fields = request.form()
        found = self._target(fields)
        bounds = None if found is None else read_bounds(fields, found[1], found[2] or {})
        if found is None or bounds is None:
            wrong = "<h1>Not saved</h1><p>The start or the end is not a time. Go back and correct it.</p>"
            return html_response(page("Not saved", wrong), 400)
        account, calendar, before = found
        texts = {name: only(fields, name) for name in TEXTS if before is None or changed(fields, name)}
        if before is not None and not any(changed(fields, name) for name in ("start", "end", "all_day")):
            bounds = {}
        change: Json = {**bounds, **texts, "status": "confirmed"}
        draft = merged(before, change) if before else self._new(change, calendar, account)
        self._world.write_event(calendar, {**draft, **bounds})
        shown = parse_date(only(fields, "start")[:10])
        return redirect(self._url(account.email, calendar.id, shown), 303)

    def _new(self, change: Json, calendar: Calendar, account: Account) -> Json:
        return self._world.new_event(change, calendar, account.email)

    def _delete(self, request: Request) -> Response:
        fields = request.form()
        found = self._target(fields)
        if found is None or found[2] is None:
            return redirect(f"{self._world.base_url}/", 303)
        account, calendar, before = found
        self._world.write_event(calendar, {**(before or {}), "status": "cancelled"})
        return redirect(self._back(fields, account, calendar), 303)

    def _add_account(self, request: Request) -> Response:
        email = only(request.form(), "email").strip().lower()
        if "@" not in email:
            return redirect(f"{self._world.base_url}/", 303)
        if self._world.accounts.find(email) is None:
            self._world.add_account(email)
        return redirect(self._url(email), 303)

    def _event_link(self, request: Request) -> Response:
        """Where `htmlLink` leads: the week of the event on its calendar's page."""
        eid = only(request.query(), "eid")
        try:
            event_id, _, calendar_id = (
                base64.urlsafe_b64decode(eid + "=" * (-len(eid) % 4)).decode().partition(" ")
            )
        except (binascii.Error, ValueError):
            return redirect(f"{self._world.base_url}/")
        calendar = self._world.calendars.find(calendar_id)
        if calendar is None:
            return redirect(f"{self._world.base_url}/")
        log = self._world.calendars.log(calendar.id)
        event = log.by_id.get(event_id) or log.by_id.get(event_id.rpartition("_")[0])
        day = None
        if event is not None and event.start_us is not None:
            day = datetime.fromtimestamp(event.start_us / 1_000_000, calendar.zone).date()
        return redirect(f"{self._url(calendar.owner, calendar.id, day)}#{quote(event_id)}")

    def _target(self, fields: Mapping[str, list[str]]) -> tuple[Account, Calendar, Json | None] | None:
        account = self._world.accounts.find(only(fields, "account"))
        calendar = self._world.calendars.find(only(fields, "calendar"))
        if account is None or calendar is None or calendar.role_of(account.email) == "none":
            return None
        event = self._world.calendars.log(calendar.id).by_id.get(only(fields, "event"))
        return account, calendar, None if event is None else event.doc

    def _chosen(self, account: Account, query: Mapping[str, list[str]]) -> Calendar:
        wanted = self._world.calendars.find(only(query, "calendar", account.email))
        if wanted is None or wanted.role_of(account.email) == "none":
            wanted = self._world.calendars.find(account.email)
        if wanted is None:
            raise LookupError(account.email)
        return wanted

    def _week(self, query: Mapping[str, list[str]], zone: ZoneInfo) -> date:
        today = self._world.clock.now().astimezone(zone).date()
        day = parse_date(only(query, "week")) or today
        return day - timedelta(days=day.weekday())

    def _back(self, fields: Mapping[str, list[str]], account: Account, calendar: Calendar) -> str:
        return self._url(account.email, calendar.id, parse_date(only(fields, "week")))

    def _url(self, email: str, calendar_id: str | None = None, day: date | None = None) -> str:
        query = {"account": email}
        if calendar_id is not None:
            query["calendar"] = calendar_id
        if day is not None:
            query["week"] = day.isoformat()
        return f"{self._world.base_url}/calendar?{urlencode(query)}"
