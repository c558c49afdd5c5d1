"""What Google alone owns of an event and a frontend shows: plain JSON, never compared, never sent back.

`html_link`, `event_type` and `status` are always there; any other key is absent when Google says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PERSON: Final = (("email", "email"), ("displayName", "display_name"), ("self", "self"))
_ATTENDEE: Final = (
    *_PERSON,
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
_FLAGS: Final = (
    ("attendeesOmitted", "attendees_omitted"),
    ("guestsCanModify", "guests_can_modify"),
    ("guestsCanInviteOthers", "guests_can_invite_others"),
    ("guestsCanSeeOtherGuests", "guests_can_see_other_guests"),
    ("privateCopy", "private_copy"),
    ("locked", "locked"),
    ("endTimeUnspecified", "end_time_unspecified"),
)
_FLAG_KEYS: Final = frozenset(theirs for theirs, _ in _FLAGS)


def facts_from_wire(document: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of one event document."""
    get = document.get
    facts: dict[str, Any] = {
        "html_link": get("htmlLink"),
        "event_type": get("eventType", "default"),
        "status": get("status", "confirmed"),
    }
    if organizer := get("organizer"):
        facts["organizer"] = _renamed(organizer, _PERSON)
    if not _FLAG_KEYS.isdisjoint(document):
        facts.update(_renamed(document, _FLAGS))
    if attendees := get("attendees"):
        facts["attendees"] = [_renamed(each, _ATTENDEE) for each in attendees]
    if attachments := get("attachments"):
        facts["attachments"] = [_renamed(each, _ATTACHMENT) for each in attachments]
    if source := get("source"):
        facts["source"] = _renamed(source, (("title", "title"), ("url", "url")))
    conference = get("conferenceData")
    if conference or "hangoutLink" in document:
        _add_conference(facts, conference or {}, get("hangoutLink"))
    return facts


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
