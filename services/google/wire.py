"""Google's event JSON to the core's values and back.

Reading normalises, so that two contents are equal exactly when both sides agree: what Google adds, reorders
or spells differently must not look like an edit. Writing names only what changed, since a PATCH keeps what it
does not name: attendees, conference, attachments and fields that do not exist yet survive our edits.

Source: discovery document calendar:v3, revision 20261030.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from services.core.events import EventPage, RemoteEvent, UnreadableEvent
from services.core.records import EventKind, GoogleCopy
from services.core.slots import (
    DEFAULT_REMINDERS,
    ReminderOverride,
    Reminders,
    Schedule,
    SlotContent,
    normalise_text,
)
from services.google.facts import facts_from_wire
from services.google.times import (
    UnreadableEventError,
    known_zone,
    moment_or_none,
    span_from_wire,
    span_to_wire,
)
from services.google.transport import no_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

SLOT_PROPERTY: Final = "slotId"
"""The private extended property that names the slot an event belongs to."""

READ_ONLY_ROLES: Final = frozenset({"none", "freeBusyReader", "reader"})
_ROLE_BLIND_TO_PRIVATE: Final = "writerWithoutPrivateAccess"
_TRANSPARENCIES: Final = frozenset({"opaque", "transparent"})
_VISIBILITIES: Final = frozenset({"default", "public", "private", "confidential"})
_REMINDER_METHODS: Final = frozenset({"email", "popup"})
_OCCURRENCE_ID: Final = re.compile(r"(.+)_\d{8}(?:T\d{6}Z)?")


def page_from_wire(document: Mapping[str, Any]) -> EventPage:
    """One page of `events.list`; events that cannot be read are listed, not raised.

    Raises:
        VendorError: `RETRYABLE` without a status: it is no page. Taken for an empty one, it would look as if
            everything had been deleted.
    """
    match document:
        case {"items": [*items]}:
            pass
        case {"nextPageToken": str()} | {"nextSyncToken": str()}:
            items = []
        case _:
            raise no_answer("unreadable-answer")
    zone = zone_of(document)
    role = document.get("accessRole") or "owner"
    events: list[RemoteEvent] = []
    unreadable: list[UnreadableEvent] = []
    for item in items:
        try:
            events.append(event_from_wire(item, zone, role))
        except UnreadableEventError as error:
            event_id = item.get("id") if isinstance(item, dict) else None
            unreadable.append(UnreadableEvent(event_id if isinstance(event_id, str) else "", str(error)))
    return EventPage(
        events=tuple(events),
        next_page_token=document.get("nextPageToken"),
        next_sync_token=document.get("nextSyncToken"),
        time_zone=zone,
        unreadable=tuple(unreadable),
    )


def zone_of(listing: Mapping[str, Any]) -> str:
    """The zone of the calendar that a listing is of."""
    name = listing.get("timeZone")
    return known_zone(name if isinstance(name, str) else None) or "UTC"


def event_from_wire(
    document: Mapping[str, Any], calendar_zone: str, access_role: str = "owner"
) -> RemoteEvent:
    """One event.

    Args:
        document: As parsed from JSON.
        calendar_zone: For what names no zone of its own, or one that is not in the IANA database.
        access_role: What the user may do in the calendar.

    Raises:
        UnreadableEventError: It has no id, or times that are none.
    """
    try:
        return _read_event(document, calendar_zone, access_role)
    except UnreadableEventError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UnreadableEventError(f"{type(error).__name__}: {error}"[:200]) from None


def _read_event(document: Mapping[str, Any], calendar_zone: str, access_role: str) -> RemoteEvent:
    get = document.get
    event_id = document["id"]
    if not isinstance(event_id, str) or not event_id:
        raise UnreadableEventError("no id")
    etag = get("etag", "")
    if not isinstance(etag, str):
        raise UnreadableEventError("no etag")
    cancelled = get("status") == "cancelled"
    series_id = get("recurringEventId")
    original = get("originalStartTime")
    kind = EventKind.SINGLE
    if series_id is not None or original is not None:
        kind = EventKind.CANCELLED_EXCEPTION if cancelled else EventKind.EXCEPTION
    elif get("recurrence"):
        kind = EventKind.SERIES
    elif cancelled and (occurrence := _OCCURRENCE_ID.fullmatch(event_id)):
        kind, series_id = EventKind.CANCELLED_EXCEPTION, occurrence[1]
    content = None if cancelled else _read_content(document, calendar_zone)
    reason = (
        None if cancelled and kind is EventKind.SINGLE else _read_only_reason(document, kind, access_role)
    )
    extended = get("extendedProperties")
    return RemoteEvent(
        event_id,
        content,
        GoogleCopy(
            event_id,
            etag,
            moment_or_none(get("updated")),
            kind,
            reason is None,
            reason,
            series_id,
            None if original is None else original.get("dateTime") or original.get("date"),
            facts_from_wire(document),
        ),
        None if extended is None else _slot_id(extended),
    )


def _read_only_reason(document: Mapping[str, Any], kind: EventKind, access_role: str) -> str | None:
    """Why the app may not edit the event; `None` when it may.

    Google lets a guest change the own copy's colour and reminders only, so the whole event counts as
    read-only here unless its organizer lets guests modify it.
    """
    get = document.get
    if kind is not EventKind.SINGLE:
        return "recurring-series"
    if access_role in READ_ONLY_ROLES:
        return "calendar-read-only"
    if access_role == _ROLE_BLIND_TO_PRIVATE and get("visibility") in ("private", "confidential"):
        return "calendar-read-only"
    if get("eventType", "default") != "default":
        return "event-type"
    if get("locked"):
        return "locked"
    organizer = get("organizer")
    if organizer is not None and not organizer.get("self") and not get("guestsCanModify"):
        return "not-organizer"
    return None


def _read_content(document: Mapping[str, Any], calendar_zone: str) -> SlotContent:
    get = document.get
    recurrence, reminders = get("recurrence"), get("reminders")
    transparency, visibility, colour = get("transparency"), get("visibility"), get("colorId")
    return SlotContent(
        _text(get("summary")),
        Schedule(
            span_from_wire(document, calendar_zone),
            tuple(map(str, recurrence)) if recurrence else (),
        ),
        _text(get("description")),
        _text(get("location")),
        str(colour) if colour else None,
        transparency if transparency and transparency in _TRANSPARENCIES else "opaque",
        visibility if visibility and visibility in _VISIBILITIES else "default",
        DEFAULT_REMINDERS if reminders is None else _read_reminders(reminders),
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableEventError("a text is no text")
    return normalise_text(value) if "\r" in value else value


def _read_reminders(document: Mapping[str, Any]) -> Reminders:
    if document.get("useDefault"):
        return DEFAULT_REMINDERS
    overrides = {
        ReminderOverride(each["method"], int(each["minutes"]))
        for each in document.get("overrides") or ()
        if each.get("method") in _REMINDER_METHODS
    }
    return Reminders(
        use_default=False,
        overrides=tuple(sorted(overrides, key=lambda each: (each.minutes, each.method))),
    )


def _slot_id(extended: Mapping[str, Any]) -> UUID | None:
    text = (extended.get("private") or {}).get(SLOT_PROPERTY)
    if text is None:
        return None
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None


def event_to_wire(content: SlotContent) -> dict[str, Any]:
    """A whole event, for an insert: what is at Google's default is left out."""
    document: dict[str, Any] = {"summary": content.title, "reminders": _reminders_to_wire(content.reminders)}
    document["start"], document["end"] = span_to_wire(content.schedule.span)
    if content.schedule.recurrence:
        document["recurrence"] = list(content.schedule.recurrence)
    if content.description:
        document["description"] = content.description
    if content.location:
        document["location"] = content.location
    if content.color is not None:
        document["colorId"] = content.color
    if content.transparency != "opaque":
        document["transparency"] = content.transparency
    if content.visibility != "default":
        document["visibility"] = content.visibility
    return document


def changes_to_wire(base: SlotContent | None, content: SlotContent) -> dict[str, Any]:
    """The body of a PATCH: what differs from `base`, and nothing else.

    Args:
        base: `None` when what Google holds is not known: then everything is named, also what is to be empty.
        content: What the event is to become.
    """
    document: dict[str, Any] = {}
    if base is None or base.title != content.title:
        document["summary"] = content.title or None
    if base is None or base.description != content.description:
        document["description"] = content.description or None
    if base is None or base.location != content.location:
        document["location"] = content.location or None
    if base is None or base.schedule != content.schedule:
        _add_schedule(document, None if base is None else base.schedule, content.schedule)
    if base is None or base.color != content.color:
        document["colorId"] = content.color
    if base is None or base.transparency != content.transparency:
        document["transparency"] = content.transparency
    if base is None or base.visibility != content.visibility:
        document["visibility"] = content.visibility
    if base is None or base.reminders != content.reminders:
        # Objects are merged key by key, so overrides have to go by name before the default can return.
        document["reminders"] = {"overrides": None, **_reminders_to_wire(content.reminders)}
    return document


def _add_schedule(document: dict[str, Any], base: Schedule | None, schedule: Schedule) -> None:
    if base is None or base.span != schedule.span:
        start, end = span_to_wire(schedule.span)
        if base is None or base.all_day != schedule.all_day:
            # Google merges start and end key by key as well and refuses a time with both kinds.
            other: dict[str, None] = (
                {"dateTime": None, "timeZone": None} if schedule.all_day else {"date": None}
            )
            start, end = {**start, **other}, {**end, **other}
        document["start"], document["end"] = start, end
    if base is None or base.recurrence != schedule.recurrence:
        document["recurrence"] = list(schedule.recurrence) or None


def _reminders_to_wire(reminders: Reminders) -> dict[str, Any]:
    if reminders.use_default:
        return {"useDefault": True}
    overrides = [{"method": each.method, "minutes": each.minutes} for each in reminders.overrides]
    return {"useDefault": False, "overrides": overrides}
