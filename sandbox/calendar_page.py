"""The page on which a person is Google: sees an account's events, adds, edits, deletes.

Source of none of this is Google's own page; it stands in for a person with a phone.
"""

from __future__ import annotations

import base64
import binascii
from datetime import date, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote

from sandbox.calendar_form import TEXTS, changed, read_bounds
from sandbox.calendar_week import WeekView, page_url
from sandbox.event_resource import merged
from sandbox.messages import Json, Request, Response, html_response, only, redirect
from sandbox.model.recurrence import located
from sandbox.model.zones import parse_date
from sandbox.pages import page
from sandbox.series_edits import edit_instance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from sandbox.model.accounts import Account
    from sandbox.model.calendars import Calendar
    from sandbox.world import World

Fields: TypeAlias = "Mapping[str, list[str]]"
Target: TypeAlias = "tuple[Account, Calendar, Json | None]"
"""Who edits where, and the event as it stands; `None` for a new one."""

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
            f'<p><a href="{page_url(self._world, account.email)}">{escape(account.email)}</a> '
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
        week = WeekView(self._world, account, calendar, monday)
        version = str(self._world.calendars.log(calendar.id).last_position)
        if request.headers.get("x-only") == "version":
            return Response(204, {"X-Version": version})
        body = (
            f'<p><a href="{self._world.base_url}/">Google simulator</a></p>'
            f"<h1>{escape(calendar.summary)}</h1>"
            f'<p class="soft">{escape(account.email)} · {escape(calendar.time_zone)}</p>'
            + self._calendar_links(account, calendar)
            + self._week_links(account, calendar, monday)
            + week.days()
            + '<div class="card"><details><summary>New event</summary>'
            + week.form()
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
                url = page_url(self._world, account.email, calendar.id)
                links.append(f'<a class="button" href="{url}"{here}>{escape(calendar.summary)}</a>')
        return f'<nav class="line" aria-label="Calendars">{"".join(links)}</nav>'

    def _week_links(self, account: Account, calendar: Calendar, monday: date) -> str:
        def link(day: date, text: str) -> str:
            url = page_url(self._world, account.email, calendar.id, day)
            return f'<a class="button" href="{url}">{text}</a>'

        sunday = monday + timedelta(days=6)
        return (
            '<nav class="line" aria-label="Weeks" style="margin-top:1rem">'
            f"{link(monday - timedelta(days=7), 'Earlier')}"
            f"<strong>{monday:%d %b} to {sunday:%d %b %Y}</strong>"
            f"{link(monday + timedelta(days=7), 'Later')}</nav>"
        )

    def _save(self, request: Request) -> Response:
        fields = request.form()
        found = self._target(fields)
        if found is None:
            return _not_saved("There is no such event any more.")
        bounds = read_bounds(fields, found[1], found[2] or {})
        if bounds is None:
            return _not_saved("The start or the end is not a time. Go back and correct it.")
        account, calendar, before = found
        texts = {name: only(fields, name) for name in TEXTS if before is None or changed(fields, name)}
        if before is not None and not any(changed(fields, name) for name in ("start", "end", "all_day")):
            bounds = {}
        if before is not None and "recurringEventId" in before:
            return self._save_instance(fields, found, {**bounds, **texts})
        change: Json = {**bounds, **texts, "status": "confirmed"}
        draft = merged(before, change) if before else self._new(change, calendar, account)
        self._world.write_event(calendar, {**draft, **bounds})
        shown = parse_date(only(fields, "start")[:10])
        return redirect(page_url(self._world, account.email, calendar.id, shown), 303)

    def _save_instance(self, fields: Fields, found: Target, change: Json) -> Response:
        account, calendar, before = found
        try:
            edit_instance(self._world, calendar, before or {}, change, only(fields, "scope", "this"))
        except ValueError as problem:
            return _not_saved(str(problem))
        shown = parse_date(only(fields, "week" if "status" in change else "start")[:10])
        return redirect(page_url(self._world, account.email, calendar.id, shown), 303)

    def _new(self, change: Json, calendar: Calendar, account: Account) -> Json:
        return self._world.new_event(change, calendar, account.email)

    def _delete(self, request: Request) -> Response:
        fields = request.form()
        found = self._target(fields)
        if found is None or found[2] is None:
            return redirect(f"{self._world.base_url}/", 303)
        account, calendar, before = found
        if before is not None and "recurringEventId" in before:
            return self._save_instance(fields, found, {"status": "cancelled"})
        self._world.write_event(calendar, {**(before or {}), "status": "cancelled"})
        return redirect(self._back(fields, account, calendar), 303)

    def _add_account(self, request: Request) -> Response:
        email = only(request.form(), "email").strip().lower()
        if "@" not in email:
            return redirect(f"{self._world.base_url}/", 303)
        if self._world.accounts.find(email) is None:
            self._world.add_account(email)
        return redirect(page_url(self._world, email), 303)

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
        return redirect(f"{page_url(self._world, calendar.owner, calendar.id, day)}#{quote(event_id)}")

    def _target(self, fields: Fields) -> Target | None:
        account = self._world.accounts.find(only(fields, "account"))
        calendar = self._world.calendars.find(only(fields, "calendar"))
        if account is None or calendar is None or calendar.role_of(account.email) == "none":
            return None
        wanted = only(fields, "event")
        if not wanted:
            return account, calendar, None
        event = located(self._world.calendars.log(calendar.id), wanted, calendar.zone)
        return None if event is None else (account, calendar, event[1])

    def _chosen(self, account: Account, query: Fields) -> Calendar:
        wanted = self._world.calendars.find(only(query, "calendar", account.email))
        if wanted is None or wanted.role_of(account.email) == "none":
            wanted = self._world.calendars.find(account.email)
        if wanted is None:
            raise LookupError(account.email)
        return wanted

    def _week(self, query: Fields, zone: ZoneInfo) -> date:
        today = self._world.clock.now().astimezone(zone).date()
        day = parse_date(only(query, "week")) or today
        return day - timedelta(days=day.weekday())

    def _back(self, fields: Fields, account: Account, calendar: Calendar) -> str:
        return page_url(self._world, account.email, calendar.id, parse_date(only(fields, "week")))


def _not_saved(why: str) -> Response:
    return html_response(page("Not saved", f"<h1>Not saved</h1><p>{escape(why)}</p>"), 400)
