"""One slot as a VEVENT.

Source:
    RFC 5545 sections 3.6.1 (VEVENT), 3.6.6 (VALARM), 3.8.4 (attendees, RECURRENCE-ID, UID); RFC 7986 section
    5.11 (CONFERENCE). Names and values of facts: Calendar API reference, Events resource.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from icalendar import Alarm, Event
from icalendar.prop import vCalAddress, vDatetime, vDuration, vInt, vText, vUri

from services.core.slots import Timed
from services.ical.moments import Writer
from services.ical.recurrence import recurrence_properties
from services.ical.texts import call_address, clean_line, clean_text, mail_address, web_address

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from services.core.records import Slot
    from services.core.recurrence import OriginalStart
    from services.core.slots import ReminderOverride, Schedule

_STATUS = {"tentative": "TENTATIVE"}
_CLASS = {"public": "PUBLIC", "private": "PRIVATE", "confidential": "CONFIDENTIAL"}
_ANSWERS = {
    "accepted": "ACCEPTED",
    "declined": "DECLINED",
    "tentative": "TENTATIVE",
    "needsAction": "NEEDS-ACTION",
}


@dataclass(frozen=True, slots=True)
class Instance:
    """Which instance of a series a slot replaces."""

    series_id: UUID
    """The slot of the series."""
    series: Schedule
    original_start: OriginalStart


@dataclass(frozen=True, slots=True)
class Described:
    """A slot with what its event says beside it."""

    slot: Slot
    replaces: Instance | None = None
    """`None`: it stands for itself."""
    cancelled: Collection[OriginalStart] = ()
    """Of a series: the original starts of its cancelled instances."""


def event(described: Described, *, owner_email: str) -> bytes:
    """The VEVENT of a slot.

    Args:
        described: The slot.
        owner_email: Whom reminders by mail go to.

    Raises:
        ValueError: The slot holds what no calendar can.
    """
    slot, replaces = described.slot, described.replaces
    content, component = slot.content, Event()
    component["UID"] = vText(str(replaces.series_id if replaces else slot.id))
    component["DTSTAMP"] = component["LAST-MODIFIED"] = vDatetime(slot.updated_at.replace(microsecond=0))
    component["CREATED"] = vDatetime(slot.created_at.replace(microsecond=0))
    component["SEQUENCE"] = vInt(slot.version)
    if replaces is not None:
        component["RECURRENCE-ID"] = Writer.of(replaces.series).moment(replaces.original_start)
    _add_times(component, content.schedule, described.cancelled)
    component["SUMMARY"] = vText(clean_text(content.title))
    if content.description:
        component["DESCRIPTION"] = vText(clean_text(content.description))
    if content.location:
        component["LOCATION"] = vText(clean_text(content.location))
    component["TRANSP"] = vText(content.transparency.upper())
    if content.visibility in _CLASS:
        component["CLASS"] = vText(_CLASS[content.visibility])
    facts = slot.google.facts if slot.google is not None else {}
    component["STATUS"] = vText(_STATUS.get(str(facts.get("status")), "CONFIRMED"))
    _add_facts(component, facts)
    for reminder in content.reminders.overrides:
        component.add_component(_alarm(reminder, content.title, owner_email))
    return bytes(component.to_ical())


def _add_times(component: Event, schedule: Schedule, cancelled: Iterable[OriginalStart]) -> None:
    writer, span = Writer.of(schedule), schedule.span
    repeats = bool(schedule.recurrence)
    component["DTSTART"] = writer.moment(span.start, keep_wall=repeats)
    # DTEND must be later than DTSTART; an event without one and without length ends as it starts.
    if not isinstance(span, Timed) or span.end > span.start:
        component["DTEND"] = writer.moment(span.end, keep_wall=repeats)
    if repeats:
        for name, value in recurrence_properties(schedule, cancelled, writer):
            component.add(name, value, encode=False)


def _add_facts(component: Event, facts: Mapping[str, Any]) -> None:
    if link := web_address(facts.get("html_link")):
        component["URL"] = vUri(link)
    if conference := call_address(facts.get("conference_url")):
        component["CONFERENCE"] = vUri(conference, params={"VALUE": "URI"})
        component["X-GOOGLE-CONFERENCE"] = vUri(conference)
    guests = [_person(each) for each in facts.get("attendees") or ()]
    organizer = _person(facts.get("organizer") or {})
    # An organizer without guests would make a private event look like an invitation.
    if organizer is not None and any(guests):
        component["ORGANIZER"] = organizer
    for guest, known in zip(guests, facts.get("attendees") or (), strict=True):
        if guest is not None:
            _add_answer(guest, known)
            component.add("ATTENDEE", guest, encode=False)


def _person(known: Mapping[str, Any]) -> vCalAddress | None:
    address = mail_address(known.get("email"))
    if address is None:
        return None
    person = vCalAddress(address)
    if name := clean_line(str(known.get("display_name") or "")):
        person.params["CN"] = name
    return person


def _add_answer(guest: vCalAddress, known: Mapping[str, Any]) -> None:
    guest.params["PARTSTAT"] = _ANSWERS.get(str(known.get("response_status")), "NEEDS-ACTION")
    guest.params["ROLE"] = "OPT-PARTICIPANT" if known.get("optional") else "REQ-PARTICIPANT"
    guest.params["CUTYPE"] = "RESOURCE" if known.get("resource") else "INDIVIDUAL"


def _alarm(reminder: ReminderOverride, title: str, owner_email: str) -> Alarm:
    alarm = Alarm()
    alarm["TRIGGER"] = vDuration(-timedelta(minutes=reminder.minutes))
    alarm["DESCRIPTION"] = vText(clean_text(title))
    address = mail_address(owner_email)
    if reminder.method == "email" and address is not None:
        alarm["ACTION"] = vText("EMAIL")
        alarm["SUMMARY"] = vText(clean_text(title))
        alarm["ATTENDEE"] = vCalAddress(address)
    else:
        alarm["ACTION"] = vText("DISPLAY")
    return alarm
