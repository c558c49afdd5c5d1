"""What Google alone owns of an event and a frontend shows: plain JSON, never compared, never sent back.

`html_link`, `event_type` and `status` are always there; any other key is absent when Google says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_ATTENDEE: Final = (
    ("email", "email"),
    ("displayName", "display_name"),
    ("self", "self"),
    ("responseStatus", "response_status"),
    ("organizer", "organizer"),
    ("optional", "optional"),
    ("resource", "resource"),
    ("comment", "comment"),
    ("additionalGuests", "additional_guests"),
)
_ATTACHMENT: Final = (
    ("title", "title"),
    ("fileUrl", "file_url"),
    ("mimeType", "mime_type"),
    ("iconLink", "icon_link"),
)
_SOURCE: Final = (("title", "title"), ("url", "url"))
_FLAGS: Final = (
    ("attendeesOmitted", "attendees_omitted"),
    ("guestsCanModify", "guests_can_modify"),
    ("guestsCanInviteOthers", "guests_can_invite_others"),
    ("guestsCanSeeOtherGuests", "guests_can_see_other_guests"),
    ("privateCopy", "private_copy"),
    ("locked", "locked"),
    ("endTimeUnspecified", "end_time_unspecified"),
)
# What most events lack; one look tells whether any of it is there.
_RARE: Final = frozenset(
    {
        "attendees",
        "attachments",
        "source",
        "conferenceData",
        "hangoutLink",
        *(theirs for theirs, _ in _FLAGS),
    }
)


def facts_from_wire(document: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of one event document."""
    get = document.get
    facts: dict[str, Any] = {
        "html_link": get("htmlLink"),
        "event_type": get("eventType", "default"),
        "status": get("status", "confirmed"),
    }
    if organizer := get("organizer"):
        facts["organizer"] = person = {
            "email": organizer.get("email"),
            "self": organizer.get("self", False),
        }
        if "displayName" in organizer:
            person["display_name"] = organizer["displayName"]
    if not _RARE.isdisjoint(document):
        _add_rare(facts, document)
    return facts


def _add_rare(facts: dict[str, Any], document: Mapping[str, Any]) -> None:
    get = document.get
    facts.update(_renamed(document, _FLAGS))
    if attendees := get("attendees"):
        facts["attendees"] = [_renamed(each, _ATTENDEE) for each in attendees]
    if attachments := get("attachments"):
        facts["attachments"] = [_renamed(each, _ATTACHMENT) for each in attachments]
    if source := get("source"):
        facts["source"] = _renamed(source, _SOURCE)
    conference, hangout_link = get("conferenceData"), get("hangoutLink")
    if conference or hangout_link:
        _add_conference(facts, conference or {}, hangout_link)


def _renamed(document: Mapping[str, Any], names: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {ours: document[theirs] for theirs, ours in names if theirs in document}


def _add_conference(facts: dict[str, Any], conference: Mapping[str, Any], hangout_link: str | None) -> None:
    entry_points = {
        each.get("entryPointType"): each.get("uri") for each in reversed(conference.get("entryPoints") or ())
    }
    url = entry_points.get("video") or hangout_link or entry_points.get("more") or entry_points.get("phone")
    if url:
        facts["conference_url"] = url
    if name := (conference.get("conferenceSolution") or {}).get("name"):
        facts["conference_name"] = name
