"""Google's event JSON to the core's values and back.

Reading normalises, so that two contents are equal exactly when both sides agree: what Google adds, reorders
or spells differently must not look like an edit. Writing names only what changed, since a PATCH keeps what it
does not name: attendees, conference, attachments and fields that do not exist yet survive our edits.

Source: discovery document calendar:v3, revision 20261030.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from services.core.events import EventPage, InstanceName, RemoteEvent, UnreadableEvent
from services.core.records import GoogleCopy
from services.core.recurrence import normalise_recurrence, parse_instance_key, read_original_start
from services.core.slots import (
    DEFAULT_REMINDERS,
    ReminderOverride,
    Reminders,
    Schedule,
    SlotContent,
    normalise_text,
)
from services.google.attendees import NO_GUESTS, GuestList, attendees_to_wire, guests_to_wire, read_attendees
from services.google.facts import facts_from_wire
from services.google.restrictions import restriction_on
from services.google.templates import SLOT_PROPERTY, carried_from
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

_NOBODY: Final = ((), None)
_NO_TEMPLATE: Final[Mapping[str, Any]] = MappingProxyType({})
_TRANSPARENCIES: Final = frozenset({"opaque", "transparent"})
_VISIBILITIES: Final = frozenset({"default", "public", "private", "confidential"})
_REMINDER_METHODS: Final = frozenset({"email", "popup"})
_MISREAD: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
_OCCURRENCE_ID: Final = re.compile(r"(.+)_(\d{8}(?:T\d{6}Z)?)")


def page_from_wire(document: Mapping[str, Any], own_address: str | None = None) -> EventPage:
    """One page of `events.list`; events that cannot be read are listed, not raised.

    Args:
        document: As parsed from JSON.
        own_address: The user's, in lower case.

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
            events.append(event_from_wire(item, zone, role, own_address))
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
    document: Mapping[str, Any],
    calendar_zone: str,
    access_role: str = "owner",
    own_address: str | None = None,
) -> RemoteEvent:
    """One event.

    Args:
        document: As parsed from JSON.
        calendar_zone: For what names no zone of its own, or one that is not in the IANA database.
        access_role: What the user may do in the calendar.
        own_address: The user's, in lower case, for guest lists of which no row says `self`.

    Raises:
        UnreadableEventError: It has no id, or times that are none.
    """
    try:
        return _read_event(document, calendar_zone, access_role, own_address)
    except UnreadableEventError:
        raise
    except _MISREAD as error:
        raise UnreadableEventError(f"{type(error).__name__}: {error}"[:200]) from None


def content_or_none(
    document: Mapping[str, Any], calendar_zone: str, own_address: str | None = None
) -> SlotContent | None:
    """What an event holds, be it cancelled or not; `None` when it does not tell."""
    try:
        return _read_content(document, calendar_zone, own_address)
    except _MISREAD:
        return None


def _read_event(
    document: Mapping[str, Any], calendar_zone: str, access_role: str, own_address: str | None
) -> RemoteEvent:
    get = document.get
    event_id = document["id"]
    if not isinstance(event_id, str) or not event_id:
        raise UnreadableEventError("no id")
    etag = get("etag", "")
    if not isinstance(etag, str):
        raise UnreadableEventError("no etag")
    cancelled = get("status") == "cancelled"
    extended = get("extendedProperties")
    return RemoteEvent(
        event_id,
        None if cancelled else _read_content(document, calendar_zone, own_address),
        GoogleCopy(
            event_id,
            etag,
            moment_or_none(get("updated")),
            restriction_on(document, access_role),
            facts_from_wire(document),
        ),
        None if extended is None else _slot_id(extended),
        _read_instance(document, event_id, calendar_zone, cancelled=cancelled),
    )


def _read_instance(
    document: Mapping[str, Any], event_id: str, calendar_zone: str, *, cancelled: bool
) -> InstanceName | None:
    """The instance that an event is, if it is one; its id tells what a tombstone may leave out."""
    series_id, original = document.get("recurringEventId"), document.get("originalStartTime")
    if series_id is None and original is None and not cancelled:
        return None
    named = _OCCURRENCE_ID.fullmatch(event_id)
    if series_id is None:
        if named is None:
            return None
        series_id = named[1]
    start = None
    if original is not None:
        text = original.get("dateTime") or original.get("date")
        start = read_original_start(text, known_zone(original.get("timeZone")) or calendar_zone)
    if start is None and named is not None:
        start = parse_instance_key(named[2])
    if start is None:
        raise UnreadableEventError("an instance without its original start")
    return InstanceName(series_id, start)


def _read_content(document: Mapping[str, Any], calendar_zone: str, own_address: str | None) -> SlotContent:
    get = document.get
    recurrence, reminders = get("recurrence"), get("reminders")
    transparency, visibility, colour = get("transparency"), get("visibility"), get("colorId")
    return SlotContent(
        _text(get("summary")),
        Schedule(
            span_from_wire(document, calendar_zone),
            normalise_recurrence(map(str, recurrence)) if recurrence else (),
        ),
        _text(get("description")),
        _text(get("location")),
        str(colour) if colour else None,
        transparency if transparency and transparency in _TRANSPARENCIES else "opaque",
        visibility if visibility and visibility in _VISIBILITIES else "default",
        DEFAULT_REMINDERS if reminders is None else _read_reminders(reminders),
        *(read_attendees(attendees, own_address) if (attendees := get("attendees")) else _NOBODY),
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


def event_to_wire(content: SlotContent, template: Mapping[str, Any] = _NO_TEMPLATE) -> dict[str, Any]:
    """A whole event, for an insert: what is at Google's default is left out.

    Args:
        content: What the event is to be.
        template: An event from which it takes what the content does not say: type, conference, attachments,
            what guests answered and what they may do, and fields that are newer than this service.
    """
    document = carried_from(template)
    document["summary"] = content.title
    document["reminders"] = _reminders_to_wire(content.reminders)
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
    if content.attendees:
        document["attendees"] = attendees_to_wire(content, GuestList(template.get("attendees") or ()))
    return document


def changes_guests(base: SlotContent | None, content: SlotContent) -> bool:
    """Whether a PATCH from `base` to `content` needs to know the guests' rows as Google has them."""
    if base is None:
        return True
    return base.attendees != content.attendees or base.response != content.response


def changes_to_wire(
    base: SlotContent | None, content: SlotContent, guests: GuestList = NO_GUESTS
) -> dict[str, Any]:
    """The body of a PATCH: what differs from `base`, and nothing else.

    Args:
        base: `None` when what Google holds is not known: then everything is named, also what is to be empty.
        content: What the event is to become.
        guests: As Google has them, when `changes_guests`; a list goes whole, so what they said has to go
            back with it.
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
    if changes_guests(base, content):
        document.update(guests_to_wire(base, content, guests))
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
