"""What Google lets the app edit of an event that is not the user's alone, or of a special type.

An edit beyond these rules is refused before anything is stored, since Google would refuse it for ever.

Source:
    Calendar API reference, Events resource (`locked`, `guestsCanModify`, `eventType`); guides 'Event types'
    (what may be updated of birthdays and events from Gmail) and 'Events and calendars' (what a guest's own
    copy holds: reminders, colour, visibility, and whether it blocks time).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from services.core.slots import FIELD_GROUPS, FieldGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

Editable: TypeAlias = FieldGroup | Literal["deleted"]
"""A field group, or `deleted`: whether the slot may be deleted and brought back."""


class Restriction(StrEnum):
    """Why not everything of an event can be edited."""

    CALENDAR_READ_ONLY = "calendar-read-only"
    NOT_ORGANIZER = "not-organizer"
    LOCKED = "locked"
    BIRTHDAY = "birthday"
    FROM_GMAIL = "from-gmail"
    FOCUS_TIME = "focus-time"
    OUT_OF_OFFICE = "out-of-office"
    WORKING_LOCATION = "working-location"
    UNKNOWN_TYPE = "event-type"
    """A type of event that is newer than this service."""


EVERYTHING: Final[frozenset[Editable]] = frozenset((*FIELD_GROUPS, "deleted"))
_OWN_COPY: Final[frozenset[Editable]] = frozenset({"color", "reminders", "transparency", "visibility"})
_BUSY_TIME: Final = EVERYTHING - {"attendees", "response"}

_ALLOWED: Final[Mapping[Restriction, frozenset[Editable]]] = {
    Restriction.CALENDAR_READ_ONLY: frozenset(),
    Restriction.NOT_ORGANIZER: _OWN_COPY | {"response", "deleted"},
    Restriction.LOCKED: _OWN_COPY | {"attendees", "response", "deleted"},
    Restriction.BIRTHDAY: frozenset({"title", "color", "reminders", "deleted"}),
    Restriction.FROM_GMAIL: _OWN_COPY | {"deleted"},
    Restriction.FOCUS_TIME: _BUSY_TIME,
    Restriction.OUT_OF_OFFICE: _BUSY_TIME,
    Restriction.WORKING_LOCATION: frozenset({"schedule", "color", "reminders", "deleted"}),
    Restriction.UNKNOWN_TYPE: frozenset(),
}


def editable_groups(restriction: Restriction | None) -> frozenset[Editable]:
    """What may be edited; everything when nothing restricts it."""
    return EVERYTHING if restriction is None else _ALLOWED[restriction]
