"""The shape of an event as Google shows it: which fields stand, in which order, how written.

Source: captured events of the live API, and the discovery document of calendar v3.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sandbox.model.event_log import etag_of
from sandbox.model.zones import in_zone, parse_date_time, shown_in, stamp_ms

if TYPE_CHECKING:
    from sandbox.messages import Json
    from sandbox.model.calendars import Calendar

READ_ONLY = frozenset(
    {
        "kind",
        "etag",
        "id",
        "htmlLink",
        "created",
        "updated",
        "creator",
        "organizer",
        "iCalUID",
        "hangoutLink",
        "recurringEventId",
        "originalStartTime",
        "locked",
        "privateCopy",
        "attendeesOmitted",
    }
)
"""Fields that a client may send back but not change."""

GUEST_RIGHTS = {
    "guestsCanInviteOthers": True,
    "guestsCanModify": False,
    "guestsCanSeeOtherGuests": True,
}
"""What guests may do, with the defaults that stand when a field is absent."""

_DEFAULTS: Json = {
    "transparency": "opaque",
    "visibility": "default",
    **GUEST_RIGHTS,
    "anyoneCanAddSelf": False,
    "endTimeUnspecified": False,
    "locked": False,
    "privateCopy": False,
    "attendeesOmitted": False,
    "summary": "",
    "description": "",
    "location": "",
    "colorId": "",
    "recurrence": [],
    "attendees": [],
    "attachments": [],
}

_ORDER = (
    "kind",
    "etag",
    "id",
    "status",
    "htmlLink",
    "created",
    "updated",
    "summary",
    "description",
    "location",
    "colorId",
    "creator",
    "organizer",
    "start",
    "end",
    "endTimeUnspecified",
    "recurrence",
    "recurringEventId",
    "originalStartTime",
    "transparency",
    "visibility",
    "iCalUID",
    "sequence",
    "attendees",
    "attendeesOmitted",
    "extendedProperties",
    "hangoutLink",
    "conferenceData",
)
_FREE_BUSY_FIELDS = (
    "kind",
    "etag",
    "id",
    "status",
    "start",
    "end",
    "recurringEventId",
    "originalStartTime",
    "visibility",
    "transparency",
)
_BOUND_FIELDS = ("date", "dateTime", "timeZone")
_PRIVATE = frozenset({"private", "confidential"})
_BLIND_TO_PRIVATE = frozenset({"reader", "writerWithoutPrivateAccess"})


def finish(draft: Json, calendar: Calendar, updated_us: int, base_url: str) -> Json:
    """Make a draft into the resource that is stored and answered.

    The draft carries the system's fields (id, created, creator, organizer, iCalUID,
    sequence) beside what was written; unknown fields pass through untouched.
    """
    doc = {
        name: value
        for name, value in draft.items()
        if value is not None and not (name in _DEFAULTS and value == _DEFAULTS[name])
    }
    doc |= {
        "kind": "calendar#event",
        "etag": etag_of(updated_us),
        "updated": stamp_ms(updated_us),
        "htmlLink": html_link(doc["id"], calendar.id, base_url),
        "status": doc.get("status", "confirmed"),
        "eventType": doc.get("eventType", "default"),
        "reminders": doc.get("reminders", {"useDefault": True}),
        "sequence": doc.get("sequence", 0),
    }
    for person in ("creator", "organizer"):
        if isinstance(doc.get(person), dict):
            doc[person] = _marked_self(doc[person], calendar)
    if "attendees" in doc:
        doc["attendees"] = [_attendee(row, doc, calendar) for row in doc["attendees"]]
    zone = calendar.zone
    for bound in ("start", "end", "originalStartTime"):
        if isinstance(doc.get(bound), dict):
            doc[bound] = _written(doc[bound], zone)
    ordered = {name: doc.pop(name) for name in _ORDER if name in doc}
    reminders, event_type = doc.pop("reminders"), doc.pop("eventType")
    return {**ordered, "reminders": reminders, **doc, "eventType": event_type}


def html_link(event_id: str, calendar_id: str, base_url: str) -> str:
    """The address of the event's page; the id and calendar are in it, base64 encoded."""
    eid = base64.urlsafe_b64encode(f"{event_id} {calendar_id}".encode()).rstrip(b"=").decode()
    return f"{base_url}/calendar/event?eid={eid}"


def viewed(
    doc: Json, *, zone: ZoneInfo | None, max_attendees: int | None, role: str, calendar: Calendar
) -> Json:
    """The resource as one caller asked for it.

    Args:
        doc: The stored resource.
        zone: The zone to write times in; `None` for the calendar's.
        max_attendees: Above this many, only the owner's own row is shown.
        role: What the caller may see.
        calendar: Where the event stands.
    """
    if zone is not None:
        for bound in ("start", "end", "originalStartTime"):
            if isinstance(doc.get(bound), dict):
                doc[bound] = shown_in(doc[bound], zone)
    if role == "freeBusyReader" or (role in _BLIND_TO_PRIVATE and is_private(doc)):
        shown = {name: doc[name] for name in _FREE_BUSY_FIELDS if name in doc}
        return {**shown, "visibility": "private"}
    attendees = doc.get("attendees", [])
    if max_attendees is not None and len(attendees) > max_attendees:
        doc["attendees"] = [row for row in attendees if row.get("email") == calendar.id]
        doc["attendeesOmitted"] = True
    return doc


def is_private(doc: Json) -> bool:
    """Whether only those see the event who see everything in its calendar."""
    return doc.get("visibility") in _PRIVATE


def merged(current: Any, change: Json) -> Json:
    """A JSON merge: objects meet field by field, `null` removes, all else replaces.

    Source: Calendar API guide, 'Work with partial resources' (patch semantics).
    """
    result: Json = dict(current) if isinstance(current, dict) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            result[name] = merged(result.get(name), value)
        else:
            result[name] = value
    return result


def is_organizer(doc: Json, calendar: Calendar) -> bool:
    """Whether the event is this calendar's own, not a guest's copy."""
    organizer = doc.get("organizer") or {}
    return bool(organizer.get("email", calendar.id) == calendar.id)


def _marked_self(person: Json, calendar: Calendar) -> Json:
    marked = {name: value for name, value in person.items() if name != "self"}
    if marked.get("email") == calendar.id:
        marked["self"] = True
    return marked


def _attendee(row: Json, doc: Json, calendar: Calendar) -> Json:
    shown = {
        name: value
        for name, value in row.items()
        if name not in {"self", "organizer"} and value not in (None, False)
    }
    shown.setdefault("responseStatus", "needsAction")
    if shown.get("additionalGuests") == 0:
        del shown["additionalGuests"]
    if shown.get("email") == calendar.id:
        shown["self"] = True
    if shown.get("email") == (doc.get("organizer") or {}).get("email"):
        shown["organizer"] = True
    return shown


def _written(bound: Json, zone: ZoneInfo) -> Json:
    """A start or end in the calendar's offset, with its zone named.

    Source: captured events.
    """
    bound = {name: bound[name] for name in _BOUND_FIELDS if bound.get(name) is not None}
    instant = parse_date_time(bound.get("dateTime"))
    if instant is None:
        return bound
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=ZoneInfo(bound.get("timeZone") or str(zone)))
    return {
        **bound,
        "dateTime": in_zone(instant, zone),
        "timeZone": bound.get("timeZone") or str(zone),
    }
