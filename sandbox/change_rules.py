"""What may be changed of an event that exists, and by whom.

Source: Calendar API reference, `events` (`locked`, `attendees`, `guestsCanModify`); guides 'Handle API
errors' (forbiddenForNonOrganizer) and 'Event types'; a live probe for answers of guests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import errors
from sandbox.event_resource import GUEST_RIGHTS, READ_ONLY, is_organizer

if TYPE_CHECKING:
    from sandbox.messages import Json
    from sandbox.model.calendars import Calendar

_OWN_ROW = ("responseStatus", "comment", "additionalGuests")
_SHARED = frozenset(
    {
        "summary",
        "description",
        "location",
        "start",
        "end",
        "recurrence",
        "attendees",
        "attachments",
        "conferenceData",
        "anyoneCanAddSelf",
    }
)
"""What all copies of an event have in common."""
_LOCKED = frozenset({"summary", "description", "location", "start", "end", "recurrence"})
_CHANGEABLE = {
    "birthday": frozenset({"summary", "colorId", "reminders", "start", "end"}),
    "fromGmail": frozenset(
        {
            "colorId",
            "reminders",
            "visibility",
            "transparency",
            "status",
            "attendees",
            "extendedProperties",
        }
    ),
}
"""What may be changed of events that Google makes."""


def check_change(before: Json, after: Json, calendar: Calendar) -> None:
    """Refuse a change that this calendar's copy of the event does not allow.

    Args:
        before: The event as it stands.
        after: The finished event that would take its place.
        calendar: Where it stands.

    Raises:
        ApiError: 403 for a guest who changes what is shared and for what is locked, 400 for what the
            event's type forbids.
    """
    touched = {name for name in {*after, *before} - READ_ONLY if after.get(name) != before.get(name)}
    # To bring an event back is no change of it; whether that works is another matter.
    touched -= {"sequence", "status"} if before["status"] == "cancelled" else {"sequence"}
    if not is_organizer(before, calendar):
        _check_guest(before, after, touched)
    if before.get("locked") and touched & _LOCKED:
        raise errors.forbidden()
    allowed = _CHANGEABLE.get(before["eventType"])
    if allowed is not None and not touched <= allowed:
        raise errors.event_type_restriction(
            f"Only some properties of an event of type {before['eventType']} can be changed."
        )


def check_sequence(before: Json, draft: Json) -> None:
    """Refuse a sequence number that was passed already."""
    sequence = draft.get("sequence", before.get("sequence", 0))
    if not isinstance(sequence, int) or sequence < before.get("sequence", 0):
        raise errors.invalid(
            "Invalid sequence value. The specified sequence number is below the current sequence "
            "number of the resource. Re-fetch the resource and use its sequence number on the "
            "following request."
        )


def answered(before: Json, rows: list[Json], calendar: Calendar) -> list[Json]:
    """The guest list that a guest's own list of rows amounts to.

    Rows that are left out stay; of the own row only the answer counts. Other rows may come back as they
    were. Where guests may modify the event, a list with others in it replaces the stored one.

    Raises:
        ApiError: 403 when a row of somebody else is new or differs.
    """
    stored = {row.get("email"): dict(row) for row in before.get("attendees", [])}
    others = [row for row in rows if row.get("email") != calendar.id]
    if others and before.get("guestsCanModify"):
        return rows
    if any(_differs(row, stored.get(row.get("email"))) for row in others):
        raise errors.not_organizer()
    return own_row_changed(before, rows, calendar)


def own_row_changed(before: Json, rows: list[Json], calendar: Calendar) -> list[Json]:
    """The stored guest list with only the own answer taken over."""
    mine = next((row for row in rows if row.get("email") == calendar.id), None)
    attendees = [dict(row) for row in before.get("attendees", [])]
    for row in attendees:
        if mine is not None and row.get("email") == calendar.id:
            row.update({name: mine[name] for name in _OWN_ROW if name in mine})
    return attendees


def _check_guest(before: Json, after: Json, touched: set[str]) -> None:
    """What guests may do is the organizer's to say, not even by leaving it out may they change it."""
    shared = touched & _SHARED
    if _shared_properties(before) != _shared_properties(after):
        shared.add("extendedProperties")
    if "attendees" in shared and _same_but_answers(before, after):
        shared.remove("attendees")
    if touched & GUEST_RIGHTS.keys() or (shared and not before.get("guestsCanModify")):
        raise errors.not_organizer()


def _same_but_answers(before: Json, after: Json) -> bool:
    rows = [
        [
            {name: value for name, value in row.items() if name not in _OWN_ROW}
            for row in doc.get("attendees", [])
        ]
        for doc in (before, after)
    ]
    return rows[0] == rows[1]


def _shared_properties(doc: Json) -> object:
    return doc.get("extendedProperties", {}).get("shared")


def _differs(row: Json, stored: Json | None) -> bool:
    if stored is None:
        return True
    given = {
        name: value for name, value in row.items() if name not in {"self", "organizer", "id", "displayName"}
    }
    return any(value not in (None, False, 0) and stored.get(name) != value for name, value in given.items())
