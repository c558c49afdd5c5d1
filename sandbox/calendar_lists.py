"""Calendars themselves, and the list in which an account keeps those that it sees.

Source: Calendar API reference, `calendarList` and `calendars`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox import errors
from sandbox.messages import Json, Response, json_response
from sandbox.model.calendars import (
    Calendar,
    ListEntry,
    at_least,
    calendar_resource,
    entry_resource,
)
from sandbox.model.zones import find_zone

if TYPE_CHECKING:
    from sandbox.call import Call

_TEXTS = ("summary", "description", "location")
_ENTRY_SHAPES: dict[str, type] = {
    "summaryOverride": str,
    "colorId": str,
    "hidden": bool,
    "selected": bool,
    "defaultReminders": list,
    "notificationSettings": dict,
}
_EXTRA_CALENDAR = ("autoAcceptInvitations", "labelProperties", "workingHours")


def list_calendars(call: Call) -> Response:
    """A page of the list, in full or since a sync token."""
    world, email = call.world, call.account.email
    scope = f"calendarList/{email}"
    everything = call.flag("showDeleted")
    hidden = call.flag("showHidden")
    since = 0
    if call.text("syncToken") is not None:
        since, everything, hidden = _since(call, scope), True, True
    entries = world.calendars.entries_of(email)
    began = entries[-1].stamp_us if entries else 0
    page = call.text("pageToken")
    after = since
    if page is not None:
        cursor = world.tokens.read(page, "page", scope)
        if cursor is None:
            raise errors.invalid("Invalid Value", "pageToken")
        after, began = cursor
    least = call.text("minAccessRole") or "none"
    wanted = [
        entry
        for entry in entries
        if entry.stamp_us > after
        and (everything or not entry.deleted)
        and (hidden or not entry.hidden)
        and _visible(call, entry, least)
    ]
    size = call.number("maxResults", 100, 250)
    shown: Json = {"kind": "calendar#calendarList", "etag": f'"p{began}0o"'}
    if len(wanted) > size:
        cursor_out = (wanted[size - 1].stamp_us, began)
        shown["nextPageToken"] = world.tokens.write("page", scope, *cursor_out)
    elif "minAccessRole" not in call.params:
        shown["nextSyncToken"] = world.tokens.write("sync", scope, began)
    shown["items"] = [_entry(call, entry) for entry in wanted[:size]]
    return json_response(shown)


def get_entry(call: Call) -> Response:
    """One entry of the list."""
    return json_response(_entry(call, _own_entry(call)))


def insert_entry(call: Call) -> Response:
    """Put a calendar that exists into the list."""
    calendar = call.calendar_named(str(call.body.get("id") or ""))
    entry = call.world.calendars.entry(call.account.email, calendar.id)
    fresh = entry or ListEntry(call.account.email, calendar.id, 0)
    _apply(call, replace(fresh, deleted=False), {})
    return json_response(_entry(call, _entry_for(call, calendar.id)))


def update_entry(call: Call) -> Response:
    """Replace what a person may choose about an entry."""
    entry = _own_entry(call)
    call.check_version(f'"{entry.stamp_us}"')
    cleared = {"summaryOverride": None, "hidden": False, "selected": False}
    _apply(call, entry, cleared)
    return json_response(_entry(call, entry))


def patch_entry(call: Call) -> Response:
    """Change what is given about an entry."""
    entry = _own_entry(call)
    call.check_version(f'"{entry.stamp_us}"')
    _apply(call, entry, {})
    return json_response(_entry(call, entry))


def delete_entry(call: Call) -> Response:
    """Take a calendar off the list; its data owner cannot.

    Source: a live probe for the refusal.
    """
    entry = _own_entry(call)
    calendar = call.world.calendars.find(entry.calendar_id)
    if calendar is not None and calendar.owner == call.account.email:
        raise errors.forbidden(
            "The data owner of a calendar cannot remove such a calendar from their calendar list."
        )
    entry.deleted = True
    call.world.put_entry(entry)
    return Response(204)


def get_calendar(call: Call) -> Response:
    """A calendar's own facts."""
    return json_response(calendar_resource(call.calendar()))


def insert_calendar(call: Call) -> Response:
    """A new secondary calendar, owned by the caller."""
    summary = call.body.get("summary")
    if not isinstance(summary, str) or not summary:
        raise errors.required("Missing title.")
    calendar = call.world.add_calendar(
        call.world.new_calendar_id(),
        owner=call.account.email,
        summary=summary,
        time_zone=_zone_name(call.body),
    )
    calendar.created_by_client = call.client_id
    _change(call, calendar, call.body)
    return json_response(calendar_resource(calendar))


def patch_calendar(call: Call) -> Response:
    """Change what is given; a change of nothing keeps the etag.

    Source: a live probe.
    """
    calendar = call.owned_calendar()
    call.check_version(f'"{calendar.etag_us}"')
    _change(call, calendar, call.body)
    return json_response(calendar_resource(calendar))


def update_calendar(call: Call) -> Response:
    """Replace a calendar's facts."""
    calendar = call.owned_calendar()
    call.check_version(f'"{calendar.etag_us}"')
    if not call.body.get("summary"):
        raise errors.required("Missing title.")
    _change(call, calendar, {"description": None, "location": None, **call.body})
    return json_response(calendar_resource(calendar))


def delete_calendar(call: Call) -> Response:
    """Remove a secondary calendar with all its events, for everybody."""
    calendar = call.owned_calendar()
    if calendar.primary:
        raise errors.forbidden("Cannot delete a primary calendar.")
    entries = list(call.world.calendars.entries_for(calendar.id))
    calendar.deleted = True
    call.world.calendars.save(calendar)
    for entry in entries:
        entry.deleted = True
        call.world.put_entry(entry)
    return Response(204)


def clear_calendar(call: Call) -> Response:
    """Delete every event of a primary calendar."""
    calendar = call.owned_calendar()
    if not calendar.primary:
        raise errors.invalid("Only a primary calendar can be cleared.")
    log = call.world.calendars.log(calendar.id)
    for event in list(log.since(0)):
        if not event.cancelled:
            gone = {**event.doc, "status": "cancelled"}
            call.world.write_event(calendar, gone, quietly=True)
    call.world.announce_events(calendar)
    return Response(204)


def _since(call: Call, scope: str) -> int:
    """Where the last listing left off."""
    for name in ("minAccessRole", "showOwnOrganizationOnly"):
        if name in call.params:
            raise errors.bad_request("Sync token cannot be used together with it.", name)
    for name in ("showDeleted", "showHidden"):
        if name in call.params and not call.flag(name):
            raise errors.bad_request("Sync token cannot be used together with it.", name)
    facts = call.world.tokens.read(call.text("syncToken") or "", "sync", scope)
    if facts is None:
        raise errors.invalid_sync_token()
    return int(facts[0])


def _change(call: Call, calendar: Calendar, body: Json) -> None:
    before = calendar_resource(calendar)
    for name in _TEXTS:
        if name in body:
            if body[name] is not None and not isinstance(body[name], str):
                raise errors.invalid(f"Invalid value for: {name}")
            setattr(calendar, name, body[name] or ("" if name == "summary" else None))
    for name in _EXTRA_CALENDAR:
        if name in body:
            calendar.extra[name] = body[name]
    zone = _zone_name(body)
    if zone is not None and zone != calendar.time_zone:
        call.world.change_zone(calendar, zone)
    if calendar_resource(calendar) != before:
        call.world.touch_calendar(calendar)


def _zone_name(body: Json) -> str | None:
    name = body.get("timeZone")
    if name is None:
        return None
    if find_zone(name) is None:
        raise errors.invalid("Invalid time zone.")
    return str(name)


def _apply(call: Call, entry: ListEntry, cleared: Json) -> None:
    _check_entry(call.body)
    body = {**cleared, **call.body}
    if "summaryOverride" in body:
        entry.summary_override = body["summaryOverride"] or None
    for name in ("hidden", "selected"):
        if isinstance(body.get(name), bool):
            setattr(entry, name, body[name])
    if entry.hidden:
        entry.selected = False
    if body.get("colorId"):
        entry.color_id = str(body["colorId"])
    if call.flag("colorRgbFormat"):
        entry.background = str(body.get("backgroundColor", entry.background))
        entry.foreground = str(body.get("foregroundColor", entry.foreground))
    if isinstance(body.get("defaultReminders"), list):
        entry.default_reminders = body["defaultReminders"]
    if "notificationSettings" in body:
        entry.notification_settings = body["notificationSettings"]
    call.world.put_entry(entry)


def _check_entry(body: Json) -> None:
    for name, shape in _ENTRY_SHAPES.items():
        if not isinstance(body.get(name), shape | None):
            raise errors.invalid(f"Invalid value for: {name}")
    if not all(isinstance(one, dict) for one in body.get("defaultReminders") or []):
        raise errors.invalid("Invalid value for: defaultReminders")


def _visible(call: Call, entry: ListEntry, least: str) -> bool:
    calendar = call.world.calendars.find(entry.calendar_id)
    if calendar is None or entry.deleted:
        return True
    return at_least(calendar.role_of(call.account.email), least)


def _entry(call: Call, entry: ListEntry) -> Json:
    return entry_resource(call.world.calendars.find(entry.calendar_id), entry)


def _own_entry(call: Call) -> ListEntry:
    wanted = call.path["calendarId"]
    return _entry_for(call, call.account.email if wanted == "primary" else wanted)


def _entry_for(call: Call, calendar_id: str) -> ListEntry:
    entry = call.world.calendars.entry(call.account.email, calendar_id)
    if entry is None or entry.deleted:
        raise errors.not_found()
    call.calendar_named(calendar_id)
    return entry
