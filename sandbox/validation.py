"""What Google refuses in an event that a client writes, in Google's words.

Source: Calendar API reference, `events`; Calendar API guides 'Extended properties' and
'Event types'; captured refusals.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sandbox import errors
from sandbox.model.recurrence import RecurrenceError, read_rules
from sandbox.model.zones import find_zone, moment_us, parse_date, parse_date_time

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sandbox.messages import Json
    from sandbox.model.calendars import Calendar

_CLIENT_ID = re.compile(r"^[a-v0-9]{5,1024}$")
_KEY_LENGTH = 44
_VALUE_LENGTH = 1024
_PROPERTY_COUNT = 300
_PROPERTY_BYTES = 32_768
_MOST_REMINDERS = 5
_REMINDER_MINUTES = range(40_321)
_MOST_ATTACHMENTS = 25
_CHOICES: dict[str, frozenset[str]] = {
    "status": frozenset({"confirmed", "tentative", "cancelled"}),
    "transparency": frozenset({"opaque", "transparent"}),
    "visibility": frozenset({"default", "public", "private", "confidential"}),
    "eventType": frozenset(
        {"birthday", "default", "focusTime", "fromGmail", "outOfOffice", "workingLocation"}
    ),
}
_RESPONSES = frozenset({"needsAction", "declined", "tentative", "accepted"})
_SHAPES: dict[str, type] = {
    **dict.fromkeys(("summary", "description", "location", "colorId", "id", "iCalUID"), str),
    **dict.fromkeys(("status", "transparency", "visibility", "eventType", "eventLabelId"), str),
    **dict.fromkeys(("guestsCanInviteOthers", "guestsCanModify", "guestsCanSeeOtherGuests"), bool),
    **dict.fromkeys(("anyoneCanAddSelf", "endTimeUnspecified"), bool),
    **dict.fromkeys(("attendees", "attachments", "recurrence"), list),
    **dict.fromkeys(("reminders", "source", "conferenceData", "gadget", "birthdayProperties"), dict),
    **dict.fromkeys(("focusTimeProperties", "outOfOfficeProperties", "extendedProperties"), dict),
    "workingLocationProperties": dict,
    "sequence": int,
}
"""Source: discovery document of calendar v3, schema `Event`."""
_MEANINGLESS = re.compile(
    r"(?i)^RRULE\b.*(FREQ=(SECONDLY|MINUTELY|HOURLY)|COUNT=.*UNTIL=|UNTIL=.*COUNT=)", re.DOTALL
)
"""Rules that read well but have no place: RFC 5545 excludes COUNT with UNTIL; Google shows no series that
repeats more than daily (issues of clients that tried).
"""
_PRIMARY_ONLY = frozenset({"focusTime", "outOfOffice", "workingLocation"})

_DECLINE_MODES = frozenset(
    {"declineNone", "declineAllConflictingInvitations", "declineOnlyNewConflictingInvitations"}
)
_TYPED = (
    *("eventType", "start", "end", "recurrence", "visibility", "transparency", "attendees"),
    *("focusTimeProperties", "outOfOfficeProperties", "workingLocationProperties"),
)
_TYPE_CHOICES: dict[str, tuple[tuple[str, str, frozenset[str]], ...]] = {
    "focusTime": (
        ("focusTimeProperties", "autoDeclineMode", _DECLINE_MODES),
        ("focusTimeProperties", "chatStatus", frozenset({"available", "doNotDisturb"})),
    ),
    "outOfOffice": (("outOfOfficeProperties", "autoDeclineMode", _DECLINE_MODES),),
    "workingLocation": (
        (
            "workingLocationProperties",
            "type",
            frozenset({"homeOffice", "officeLocation", "customLocation"}),
        ),
    ),
}
"""Source: Calendar API guide, 'Event types'."""


def check_client_id(event_id: object) -> None:
    """A client's own event id is 5 to 1024 characters of lower-case base32hex."""
    if not isinstance(event_id, str) or not _CLIENT_ID.match(event_id):
        raise errors.invalid("Invalid resource id value.")


def check_event(draft: Json, calendar: Calendar, before: Json | None = None) -> None:
    """Refuse what Google would refuse of a whole event, be it new or merged.

    Args:
        draft: The event as it is to be.
        calendar: Where.
        before: The event as it stands; what its type asks of fields that stay the same is not asked again.
    """
    for name, shape in _SHAPES.items():
        if name in draft and not _has_shape(draft[name], shape):
            raise errors.invalid(f"Invalid value for: {name}")
    for name, choices in _CHOICES.items():
        if name in draft and draft[name] not in choices:
            raise errors.invalid(f"Invalid value for: {name}")
    _check_times(draft, calendar.zone)
    check_attendees(draft.get("attendees", []))
    _check_reminders(draft.get("reminders"))
    _check_links(draft)
    if draft.get("colorId") and draft["colorId"] not in {str(n) for n in range(1, 12)}:
        raise errors.invalid("Invalid color id.")
    if before is None or any(draft.get(name) != before.get(name) for name in _TYPED):
        _check_event_type(draft, calendar)


def kept_properties(properties: object) -> Json:
    """Extended properties as Google keeps them: long keys dropped, long values cut.

    Source: Calendar API guide, 'Extended properties' (limits).
    """
    if not isinstance(properties, dict):
        raise errors.invalid("Invalid value for: extendedProperties")
    kept: Json = {}
    count = size = 0
    for side, values in properties.items():
        if side not in {"private", "shared"} or not isinstance(values, dict):
            raise errors.invalid("Invalid value for: extendedProperties")
        side_kept: dict[str, str] = {}
        for key, value in values.items():
            if not isinstance(value, str):
                raise errors.invalid("Invalid value for: extendedProperties")
            if len(key) <= _KEY_LENGTH:
                side_kept[key] = value[:_VALUE_LENGTH]
                count += 1
                size += len(key.encode()) + len(side_kept[key].encode())
        if side_kept:
            kept[side] = side_kept
    if count > _PROPERTY_COUNT or size > _PROPERTY_BYTES:
        raise errors.invalid("Too many extended properties.")
    return kept


def _has_shape(value: object, shape: type) -> bool:
    """Whether a value is of a JSON type; true and false are no numbers."""
    return isinstance(value, shape) and (shape is bool or not isinstance(value, bool))


def _check_times(draft: Json, zone: ZoneInfo) -> None:
    for bound in ("end", "start"):
        if not isinstance(draft.get(bound), dict) or not (
            draft[bound].get("date") or draft[bound].get("dateTime")
        ):
            raise errors.required(f"Missing {bound} time.")
    recurring = bool(draft.get("recurrence"))
    for bound in ("start", "end"):
        _check_bound(draft[bound], bound, recurring=recurring)
    if ("date" in draft["start"]) != ("date" in draft["end"]):
        raise errors.invalid("Invalid end time.")
    start_us, end_us = moment_us(draft["start"], zone), moment_us(draft["end"], zone)
    if start_us is not None and end_us is not None and end_us < start_us:
        raise errors.empty_range()
    if recurring:
        _check_recurrence(draft, find_zone(draft["start"].get("timeZone")) or zone)


def _check_recurrence(draft: Json, zone: ZoneInfo) -> None:
    if draft.get("recurringEventId"):
        raise errors.invalid("Invalid value for: recurrence")
    lines = draft["recurrence"]
    if not all(isinstance(line, str) for line in lines) or any(map(_MEANINGLESS.match, lines)):
        raise errors.invalid("Invalid recurrence rule.")
    try:
        rules = read_rules(lines, draft["start"], zone)
    except RecurrenceError as problem:
        raise errors.invalid("Invalid recurrence rule.") from problem
    # Single exclusions can take every occurrence away; to find out that rules do could take for ever.
    if not any(line.upper().startswith("EXRULE") for line in lines) and next(iter(rules), None) is None:
        raise errors.invalid("Invalid recurrence rule.")


def _check_bound(value: Json, bound: str, *, recurring: bool) -> None:
    if "date" in value and "dateTime" in value:
        raise errors.invalid(f"Invalid {bound} time.")
    zone = value.get("timeZone")
    if zone is not None and find_zone(zone) is None:
        raise errors.invalid(f"Invalid time zone definition for {bound} time.")
    if "date" in value:
        if parse_date(value["date"]) is None:
            raise errors.invalid(f"Invalid {bound} time.")
        return
    instant = parse_date_time(value["dateTime"])
    if instant is None:
        raise errors.invalid(f"Invalid {bound} time.")
    if zone is None and (instant.tzinfo is None or recurring):
        raise errors.required(f"Missing time zone definition for {bound} time.")


def check_attendees(attendees: Any) -> None:
    """Refuse a guest list with a row that names nobody, or an answer that is none."""
    if not isinstance(attendees, list):
        raise errors.invalid("Invalid value for: attendees")
    for row in attendees:
        if not isinstance(row, dict) or not row.get("email"):
            raise errors.required("Missing attendee email.")
        if not isinstance(row["email"], str) or "@" not in row["email"]:
            raise errors.invalid("Invalid attendee email.")
        if row.get("responseStatus", "needsAction") not in _RESPONSES:
            raise errors.invalid("Invalid value for: responseStatus")


def _check_reminders(reminders: Any) -> None:
    if reminders is None:
        return
    if not isinstance(reminders, dict):
        raise errors.invalid("Invalid value for: reminders")
    overrides = reminders.get("overrides", [])
    if overrides and reminders.get("useDefault"):
        raise errors.ApiError(
            400,
            "cannotUseDefaultRemindersAndSpecifyOverride",
            "Cannot specify both default reminders and overrides at the same time.",
            domain="calendar",
        )
    if not isinstance(overrides, list) or len(overrides) > _MOST_REMINDERS:
        raise errors.invalid("Invalid value for: reminders")
    for override in overrides:
        minutes = override.get("minutes") if isinstance(override, dict) else None
        if not isinstance(minutes, int) or minutes not in _REMINDER_MINUTES:
            raise errors.invalid("Invalid reminder minutes.")
        if override.get("method") not in {"email", "popup"}:
            raise errors.invalid("Invalid reminder method.")


def _check_links(draft: Json) -> None:
    attachments = draft.get("attachments", [])
    if len(attachments) > _MOST_ATTACHMENTS:
        raise errors.invalid("Too many attachments.")
    if not all(isinstance(attachment, dict) for attachment in attachments):
        raise errors.invalid("Invalid value for: attachments")
    if not isinstance((draft.get("conferenceData") or {}).get("createRequest", {}), dict):
        raise errors.invalid("Invalid value for: conferenceData")
    url = (draft.get("source") or {}).get("url")
    if url is not None and not str(url).startswith(("http://", "https://")):
        raise errors.invalid("Invalid value for: source.url")


def _check_event_type(draft: Json, calendar: Calendar) -> None:
    kind = draft.get("eventType", "default")
    if kind in _PRIMARY_ONLY and not calendar.primary:
        raise errors.event_type_restriction(
            f"An event of type {kind} can only be created on a primary calendar."
        )
    if kind in {"focusTime", "outOfOffice"}:
        _check_busy_time(draft, kind)
    if kind == "workingLocation":
        _check_working_location(draft)
    if kind in _PRIMARY_ONLY and draft.get("attendees"):
        raise errors.event_type_restriction(f"An event of type {kind} cannot have attendees.")
    if kind == "birthday":
        _check_birthday(draft)
    for name, field, choices in _TYPE_CHOICES.get(kind, ()):
        chosen = draft.get(name, {}).get(field)
        if chosen is not None and str(chosen) not in choices:
            raise errors.invalid(f"Invalid value for: {name}.{field}")


def _check_busy_time(draft: Json, kind: str) -> None:
    if "date" in draft["start"]:
        raise errors.event_type_restriction(f"An event of type {kind} cannot be an all-day event.")
    if draft.get("transparency", "opaque") != "opaque":
        raise errors.event_type_restriction(f"An event of type {kind} must have transparency opaque.")


def _check_working_location(draft: Json) -> None:
    if draft.get("visibility") != "public" or draft.get("transparency") != "transparent":
        raise errors.event_type_restriction(
            "A working location event must have visibility public and transparency transparent."
        )
    first, last = parse_date(draft["start"].get("date")), parse_date(draft["end"].get("date"))
    if first is not None and last is not None and (last - first).days != 1:
        raise errors.event_type_restriction("A working location event of whole days spans exactly one.")


def _check_birthday(draft: Json) -> None:
    first, last = parse_date(draft["start"].get("date")), parse_date(draft["end"].get("date"))
    leap_day = "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"
    is_leap_day = first is not None and (first.month, first.day) == (2, 29)
    yearly = {leap_day} if is_leap_day else {"RRULE:FREQ=YEARLY", leap_day}
    if first is None or last is None or (last - first).days != 1:
        raise errors.event_type_restriction("A birthday event must be an all-day event of one day.")
    if draft.get("visibility") != "private" or draft.get("transparency") != "transparent":
        raise errors.event_type_restriction(
            "A birthday event must have visibility private and transparency transparent."
        )
    if "recurringEventId" not in draft and not yearly.intersection(draft.get("recurrence", [])):
        raise errors.event_type_restriction("A birthday event must recur every year.")
