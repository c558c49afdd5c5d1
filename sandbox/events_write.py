"""Writing events: insert, import, update, patch, delete, quickAdd.

Each method makes a whole draft, checks it, and hands it to `World.write_event`. A change
of one occurrence of a series becomes an exception of its own.

Source: Calendar API reference, `events`; guide 'Recurring events' for occurrences.
"""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from sandbox import errors
from sandbox.change_rules import answered, check_change, check_sequence, own_row_changed
from sandbox.conference import settle_conference
from sandbox.event_resource import READ_ONLY, finish, is_organizer, is_private, merged
from sandbox.events_read import find_event
from sandbox.mails import mail_guests
from sandbox.messages import Json, Response, json_response
from sandbox.model.zones import in_zone
from sandbox.validation import check_attendees, check_client_id, check_event, kept_properties

if TYPE_CHECKING:
    from sandbox.call import Call
    from sandbox.model.calendars import Calendar
    from sandbox.model.event_log import StoredEvent

_TIME_FIELDS = ("start", "end", "recurrence")


def insert_event(call: Call) -> Response:
    """A new event, under the caller's id or one of ours."""
    calendar = call.writable_calendar()
    body = call.body
    draft = {name: value for name, value in body.items() if name not in READ_ONLY}
    if body.get("id") is not None:
        check_client_id(body["id"])
        if body.get("iCalUID") is not None:
            raise errors.invalid("Invalid resource id value.")
        draft["id"] = body["id"]
    elif body.get("iCalUID") is not None:
        draft["iCalUID"] = body["iCalUID"]
    draft = {name: value for name, value in draft.items() if value is not None}
    check_event(draft, calendar)
    if draft.get("eventType") == "fromGmail":
        raise errors.event_type_restriction("An event of type fromGmail cannot be created.")
    if draft.get("birthdayProperties", {}).get("type", "birthday") != "birthday":
        raise errors.event_type_restriction("Only birthdays of type birthday can be created.")
    log = call.world.calendars.log(calendar.id)
    if draft.get("id") in log.by_id:
        raise errors.duplicate()
    draft = call.world.new_event(draft, calendar, call.account.email)
    return _written(call, calendar, draft, before=None)


def import_event(call: Call) -> Response:
    """A private copy of somebody's event, under the id that its UID gives it.

    Source: Calendar API reference, `events.import`; captured ids of imported events.
    """
    calendar = call.writable_calendar()
    body = call.body
    i_cal_uid = body.get("iCalUID")
    if not isinstance(i_cal_uid, str) or not i_cal_uid:
        raise errors.required("Missing iCalUID.")
    if body.get("eventType", "default") != "default":
        raise errors.event_type_restriction("Only events of type default can be imported.")
    draft = {name: value for name, value in body.items() if name not in READ_ONLY and value is not None}
    check_event(draft, calendar)
    known = call.world.calendars.log(calendar.id).with_uid(i_cal_uid)
    draft |= {"id": known[0].id if known else imported_id(i_cal_uid), "iCalUID": i_cal_uid}
    if isinstance(body.get("organizer"), dict):
        draft["organizer"] = body["organizer"]
    before = known[0].doc if known else None
    if before is not None:
        check_sequence(before, draft)
        draft = {**{name: before[name] for name in ("created", "creator")}, **draft}
    draft = call.world.new_event(draft, calendar, call.account.email)
    draft["privateCopy"] = True
    event = call.world.write_event(calendar, _settled(call, draft, before))
    return _answer(event)


def imported_id(i_cal_uid: str) -> str:
    """The id of an event from elsewhere: `_` and the UID in base32hex.

    Source: ids decoded from captured events.
    """
    return "_" + base64.b32hexencode(i_cal_uid.encode()).decode().rstrip("=").lower()


def update_event(call: Call) -> Response:
    """Replace an event: what the body leaves out is cleared."""
    calendar = call.writable_calendar()
    before = _event_to_change(call, calendar)
    body = call.body
    kept = {name: before[name] for name in READ_ONLY if name in before}
    draft = {name: value for name, value in body.items() if name not in READ_ONLY} | kept
    draft = {name: value for name, value in draft.items() if value is not None}
    draft["eventType"] = body.get("eventType") or before["eventType"]
    if isinstance(draft.get("attendees"), list):
        draft["attendees"] = _guest_list(call, calendar, before, draft["attendees"])
    check_sequence(before, draft)
    draft.setdefault("sequence", before.get("sequence", 0))
    if not call.flag("supportsAttachments") and "attachments" in before:
        draft["attachments"] = before["attachments"]
    return _changed(call, calendar, before, draft)


def patch_event(call: Call) -> Response:
    """Change the fields that are given; `null` deletes, lists are replaced whole."""
    calendar = call.writable_calendar()
    before = _event_to_change(call, calendar)
    change = {name: value for name, value in call.body.items() if name not in READ_ONLY}
    if isinstance(change.get("attendees"), list):
        change["attendees"] = _guest_list(call, calendar, before, change["attendees"])
    draft = merged(before, change)
    check_sequence(before, draft)
    return _changed(call, calendar, before, draft)


def delete_event(call: Call) -> Response:
    """Cancel an event; the tombstone gets a new etag.

    Source: Calendar API guide, 'Handle API errors' (410); captured second deletions (412).
    """
    calendar = call.writable_calendar()
    stored, before = find_event(call, calendar, call.path["eventId"])
    _check_private(call, calendar, before)
    call.check_version(stored.etag)
    if before["status"] == "cancelled":
        raise errors.deleted()
    call.world.write_event(calendar, {**before, "status": "cancelled"})
    mail_guests(call, calendar, before, None)
    return Response(204)


def quick_add_event(call: Call) -> Response:
    """An event from a line of text: `Title at 15:00`, else the next full hour, one hour long."""
    calendar = call.writable_calendar()
    text = call.text("text")
    if text is None:
        raise errors.required("Missing text.")
    start = call.world.clock.now().astimezone(calendar.zone)
    start = start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    found = re.search(r"\s+(?:at|@)\s+([01]?\d|2[0-3]):([0-5]\d)\s*$", text)
    if found:
        text = text[: found.start()]
        start = start.replace(hour=int(found[1]), minute=int(found[2]))
    zone = {"timeZone": calendar.time_zone}
    draft: Json = {
        "summary": text,
        "start": {"dateTime": in_zone(start, calendar.zone), **zone},
        "end": {"dateTime": in_zone(start + timedelta(hours=1), calendar.zone), **zone},
    }
    draft = call.world.new_event(draft, calendar, call.account.email)
    return _written(call, calendar, draft, before=None)


def _event_to_change(call: Call, calendar: Calendar) -> Json:
    """The event that the path names, in the version that the caller knows.

    Raises:
        ApiError: 404 also for an instance that is no more: its series was deleted, or lost the occurrence.
    """
    stored, before = find_event(call, calendar, call.path["eventId"])
    _check_private(call, calendar, before)
    call.check_version(stored.etag)
    master = call.world.calendars.log(calendar.id).by_id.get(before.get("recurringEventId", ""))
    if stored.orphaned or (master is not None and master.cancelled):
        raise errors.not_found()
    return before


def _check_private(call: Call, calendar: Calendar, doc: Json) -> None:
    """Refuse those who may write to the calendar but see of private events only when they are.

    Source: Calendar API reference, `accessRole` (writerWithoutPrivateAccess); that it is this refusal is a
    guess.
    """
    if call.role(calendar) == "writerWithoutPrivateAccess" and is_private(doc):
        raise errors.access_level()


def _guest_list(call: Call, calendar: Calendar, before: Json, rows: list[Json]) -> list[Json]:
    """The guest list that a body's rows amount to: all of it from the organizer, an answer from a guest."""
    check_attendees(rows)
    if not is_organizer(before, calendar):
        return answered(before, rows, calendar)
    return own_row_changed(before, rows, calendar) if call.body.get("attendeesOmitted") else rows


def _changed(call: Call, calendar: Calendar, before: Json, draft: Json) -> Response:
    """Check a merged or replaced event and write it."""
    world = call.world
    if before["status"] == "cancelled" and draft.get("status") != "cancelled":
        if world.switches.revival_status != HTTPStatus.OK:
            raise errors.forbidden()
        draft.setdefault("status", "confirmed")
    if draft.get("eventType", before["eventType"]) != before["eventType"]:
        raise errors.event_type_restriction("The type of an event cannot be changed.")
    check_event(draft, calendar, before)
    proposed = finish(_settled(call, dict(draft), before), calendar, 0, world.base_url)
    check_change(before, proposed, calendar)
    moved = any(proposed.get(name) != before.get(name) for name in _TIME_FIELDS)
    if moved and draft.get("sequence") == before.get("sequence"):
        draft["sequence"] = before.get("sequence", 0) + 1
    return _written(call, calendar, draft, before=before)


def _written(call: Call, calendar: Calendar, draft: Json, *, before: Json | None) -> Response:
    draft = _settled(call, draft, before)
    if draft.get("status") == "cancelled" and before is None:
        raise errors.invalid("Invalid value for: status")
    event = call.world.write_event(calendar, draft)
    mail_guests(call, calendar, before, event.doc)
    return _answer(event)


def _settled(call: Call, draft: Json, before: Json | None) -> Json:
    """A draft without what Google silently drops."""
    if "extendedProperties" in draft:
        draft["extendedProperties"] = kept_properties(draft["extendedProperties"]) or None
    if not call.flag("supportsAttachments") and before is None:
        draft.pop("attachments", None)
    return settle_conference(call, draft, before)


def _answer(event: StoredEvent) -> Response:
    answer = json_response(event.doc)
    answer.headers["ETag"] = event.etag
    return answer
