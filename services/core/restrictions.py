"""What Google lets the app edit of an event that is not the user's alone, or of a special type.

An edit beyond these rules is refused before anything is stored, since Google would refuse it for ever. Fields
go by the names that clients know; `deleted` stands for deleting a slot and bringing it back.

Source:
    Calendar API reference, Events resource (`locked`, `guestsCanModify`, `eventType`, `attendeesOmitted`);
    guides 'Event types' (what may be updated of birthdays and events from Gmail), 'Manage focus time, out of
    office, and working location events' (what these must keep) and 'Events and calendars' (what a guest's own
    copy holds: reminders, colour, visibility, and whether it blocks time).
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DELETED: Final = "deleted"

FIELDS: Final = (
    "title",
    "description",
    "location",
    "start",
    "end",
    "timezone",
    "recurrence",
    "color",
    "transparency",
    "visibility",
    "reminders",
    "attendees",
    "response_status",
)
"""What a client may write of a slot, in the order in which it is shown; `all_day` follows from the times."""


class Restriction(StrEnum):
    """Why not everything of an event can be edited."""

    CALENDAR_READ_ONLY = "calendar-read-only"
    """The user may only read the calendar."""
    PRIVATE_EVENT = "private-event"
    """The user may write to the calendar, but sees of private events only when they take place."""
    NOT_ORGANIZER = "not-organizer"
    """Somebody else's event: what is the user's own copy's can be changed, and the user's answer."""
    LOCKED = "locked"
    """Google fixed what the event is about and when."""
    BIRTHDAY = "birthday"
    FROM_GMAIL = "from-gmail"
    FOCUS_TIME = "focus-time"
    OUT_OF_OFFICE = "out-of-office"
    WORKING_LOCATION = "working-location"
    UNKNOWN_TYPE = "event-type"
    """A type of event that is newer than this service."""
    ATTENDEES_OMITTED = "attendees-omitted"
    """Google did not tell all guests, so that the list cannot be sent back."""


_EVERYTHING: Final = frozenset({*FIELDS, DELETED})
_OWN_COPY: Final = frozenset({"color", "reminders", "transparency", "visibility"})
_GUESTS: Final = frozenset({"attendees", "response_status"})
_WHAT_AND_WHEN: Final = frozenset(
    {"title", "description", "location", "start", "end", "timezone", "recurrence"}
)

_ALLOWED: Final[Mapping[Restriction, frozenset[str]]] = {
    Restriction.CALENDAR_READ_ONLY: frozenset(),
    Restriction.PRIVATE_EVENT: frozenset(),
    Restriction.NOT_ORGANIZER: _OWN_COPY | {"response_status", DELETED},
    Restriction.LOCKED: _EVERYTHING - _WHAT_AND_WHEN,
    Restriction.BIRTHDAY: frozenset({"title", "start", "end", "color", "reminders", DELETED}),
    Restriction.FROM_GMAIL: _OWN_COPY | _GUESTS | {DELETED},
    Restriction.FOCUS_TIME: _EVERYTHING - _GUESTS - {"transparency"},
    Restriction.OUT_OF_OFFICE: _EVERYTHING - _GUESTS - {"transparency"},
    Restriction.WORKING_LOCATION: _EVERYTHING - _GUESTS - {"transparency", "visibility"},
    Restriction.UNKNOWN_TYPE: frozenset(),
    Restriction.ATTENDEES_OMITTED: _EVERYTHING - {"attendees"},
}
_NEVER_OURS: Final = frozenset(
    {
        Restriction.CALENDAR_READ_ONLY,
        Restriction.PRIVATE_EVENT,
        Restriction.NOT_ORGANIZER,
        Restriction.BIRTHDAY,
        Restriction.FROM_GMAIL,
        Restriction.UNKNOWN_TYPE,
    }
)


def restrictions_of(restriction: Restriction | None, facts: Mapping[str, Any]) -> tuple[Restriction, ...]:
    """All that restricts an event, beginning with what was found first.

    Args:
        restriction: The one that Google's copy is stored with.
        facts: What is shown of the copy.
    """
    if restriction is None and not facts.get("attendees_omitted"):
        return ()
    found = {} if restriction is None else {restriction: True}
    if restriction is not None:
        if _is_guests_copy(facts) and not facts.get("guests_can_modify"):
            found[Restriction.NOT_ORGANIZER] = True
        if facts.get("locked"):
            found[Restriction.LOCKED] = True
    if facts.get("attendees_omitted"):
        found[Restriction.ATTENDEES_OMITTED] = True
    return tuple(found)


@lru_cache(maxsize=256)
def editable_fields(restrictions: tuple[Restriction, ...]) -> frozenset[str]:
    """What may be edited under all of these; everything when there is none."""
    return _EVERYTHING.intersection(*(_ALLOWED[each] for each in restrictions))


def is_of_others(restriction: Restriction | None, facts: Mapping[str, Any]) -> bool:
    """Whether an event was made by others, so that once it is gone the app could not make it again.

    An event in its place would be the user's own, to which the user invites all its guests.
    """
    return restriction in _NEVER_OURS or _is_guests_copy(facts)


def _is_guests_copy(facts: Mapping[str, Any]) -> bool:
    organizer = facts.get("organizer")
    return isinstance(organizer, dict) and not organizer.get("self")
