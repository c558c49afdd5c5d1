"""What a new event takes from another one that it continues, beside what the content says.

Whatever is not listed here goes along, so that fields that are newer than this service are not lost when a
series is split.

Source: Calendar API reference, Events resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SLOT_PROPERTY: Final = "slotId"
"""The private extended property that names the slot an event belongs to."""

_IDENTITY: Final = frozenset(
    {
        *("kind", "etag", "id", "iCalUID", "status", "htmlLink", "created", "updated", "sequence"),
        *("creator", "organizer", "recurringEventId", "originalStartTime"),
    }
)
_SET_BY_GOOGLE: Final = frozenset({"locked", "privateCopy", "attendeesOmitted", "hangoutLink"})
_CONTENT: Final = frozenset(
    {
        *("summary", "description", "location", "start", "end", "endTimeUnspecified", "recurrence"),
        *("colorId", "transparency", "visibility", "reminders", "attendees"),
    }
)
_NOT_CARRIED: Final = _IDENTITY | _SET_BY_GOOGLE | _CONTENT | {"extendedProperties"}


def carried_from(template: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a new event takes over; none of an empty template."""
    carried = {name: value for name, value in template.items() if name not in _NOT_CARRIED}
    extended = template.get("extendedProperties") or {}
    private = dict(extended.get("private") or {})
    private.pop(SLOT_PROPERTY, None)
    sides = {"private": private, "shared": extended.get("shared")}
    if kept := {side: values for side, values in sides.items() if values}:
        carried["extendedProperties"] = kept
    return carried
