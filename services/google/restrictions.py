"""What Google's fields say of who may edit an event.

Source:
    Calendar API reference, Events resource and `accessRole`; guide 'Event types'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.core.restrictions import Restriction

if TYPE_CHECKING:
    from collections.abc import Mapping

READ_ONLY_ROLES: Final = frozenset({"none", "freeBusyReader", "reader"})
_ROLE_BLIND_TO_PRIVATE: Final = "writerWithoutPrivateAccess"
_TYPES: Final = {
    "birthday": Restriction.BIRTHDAY,
    "fromGmail": Restriction.FROM_GMAIL,
    "focusTime": Restriction.FOCUS_TIME,
    "outOfOffice": Restriction.OUT_OF_OFFICE,
    "workingLocation": Restriction.WORKING_LOCATION,
}


def restriction_on(document: Mapping[str, Any], access_role: str) -> Restriction | None:
    """The first reason why the app may not edit all of an event; `None` when it may.

    Args:
        document: The event; a tombstone may tell next to nothing.
        access_role: What the user may do in the calendar.
    """
    get = document.get
    if access_role in READ_ONLY_ROLES:
        return Restriction.CALENDAR_READ_ONLY
    if access_role == _ROLE_BLIND_TO_PRIVATE and get("visibility") in ("private", "confidential"):
        return Restriction.PRIVATE_EVENT
    event_type = get("eventType", "default")
    if event_type != "default":
        return _TYPES.get(event_type, Restriction.UNKNOWN_TYPE)
    organizer = get("organizer")
    if organizer is not None and not organizer.get("self") and not get("guestsCanModify"):
        return Restriction.NOT_ORGANIZER
    if get("locked"):
        return Restriction.LOCKED
    return None
