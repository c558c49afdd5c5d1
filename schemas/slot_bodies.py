"""Slots, instances and their history as the JSON values that clients get.

They are built as plain values, since lists of slots are read far more often than anything is written;
`schemas.slot_schemas` says the same to OpenAPI, and a test holds real answers against it.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any

from schemas.slot_times import zone_named
from services.core.accounts import AccountStatus
from services.core.agenda import Entry
from services.core.records import GoogleCopy, HistoryEntry, Slot, SyncState
from services.core.restrictions import DELETED, FIELDS
from services.core.slots import AllDay, Schedule, attendees_to_document, reminders_to_document

_CONFERENCE = "conference_url"


def slot_body(slot: Slot, account: AccountStatus) -> dict[str, Any]:
    """One slot as JSON values.

    Args:
        slot: The slot.
        account: How its user stands with Google.
    """
    content = slot.content
    span = content.schedule.span
    start: Any = span.start
    end: Any = span.end
    timezone = None
    if not isinstance(span, AllDay):
        timezone = span.timezone
        zone = zone_named(timezone)
        if zone is not None:
            start, end = start.astimezone(zone), end.astimezone(zone)
    google, series = slot.google, slot.series
    facts = google.facts if google is not None else {}
    return {
        "id": slot.id,
        "title": content.title,
        "description": content.description,
        "location": content.location,
        "start": start,
        "end": end,
        "timezone": timezone,
        "all_day": timezone is None,
        "recurrence": list(content.schedule.recurrence),
        "recurring_slot_id": series.series_id if series is not None else None,
        "original_start": series.original_start if series is not None else None,
        "color": content.color,
        "transparency": content.transparency,
        "visibility": content.visibility,
        "reminders": reminders_to_document(content.reminders),
        "attendees": attendees_to_document(content.attendees) if content.attendees else [],
        "response_status": content.response,
        "calendar_id": slot.wanted_calendar_id,
        "source": slot.source,
        "status": "cancelled" if slot.deleted_at is not None else facts.get("status", "confirmed"),
        "version": slot.version,
        "created_at": slot.created_at,
        "updated_at": slot.updated_at,
        "deleted_at": slot.deleted_at,
        "google": None
        if google is None
        else {
            "event_id": google.event_id,
            "html_link": facts.get("html_link"),
            "event_type": facts.get("event_type", "default"),
            "organizer": facts.get("organizer"),
            "attendees": facts.get("attendees", []),
            "conference_url": facts.get(_CONFERENCE),
            "attachments": facts.get("attachments", []),
            "editable": google.editable,
            "editable_fields": _editable_fields(slot, google),
            "deletable": DELETED in google.editable_fields,
            "restriction": next(iter(google.restrictions), None),
        },
        "sync": _sync_body(slot, account),
    }


def _editable_fields(slot: Slot, google: GoogleCopy) -> tuple[str, ...]:
    """The fields that the user may edit, in their order; only who is invited can answer."""
    movable = google.restriction is None and not google.of_others and slot.series is None
    return _shown_fields(google.editable_fields, slot.content.response is not None, movable)


@lru_cache(maxsize=256)
def _shown_fields(allowed: frozenset[str], invited: bool, movable: bool) -> tuple[str, ...]:  # noqa: FBT001  # a key
    fields = [name for name in FIELDS if name in allowed and (invited or name != "response_status")]
    return (*fields, "calendar_id") if movable else tuple(fields)


def entry_body(entry: Entry, account: AccountStatus) -> dict[str, Any]:
    """A slot as it is, or one instance of a series."""
    slot, occurrence = entry.slot, entry.occurrence
    if occurrence is None:
        return slot_body(slot, account)
    content = replace(slot.content, schedule=Schedule(occurrence.span))
    return {
        **slot_body(replace(slot, content=content), account),
        "id": entry.id,
        "recurring_slot_id": slot.id,
        "original_start": occurrence.original_start,
    }


def _sync_body(slot: Slot, account: AccountStatus) -> dict[str, Any]:
    state = slot.sync_state
    reason = None
    if state is SyncState.PENDING and account is AccountStatus.DISCONNECTED:
        state = SyncState.LOCAL_ONLY
    elif state is SyncState.PENDING and account is AccountStatus.REAUTHORISATION_REQUIRED:
        reason = "reauthorisation-required"
    elif state is SyncState.READ_ONLY and slot.google is not None:
        reason = slot.google.restriction
    elif state is SyncState.QUARANTINED:
        reason = "overwritten-in-turns"
    elif state is SyncState.HELD:
        reason = "mass-deletion-held"
    elif slot.failure is not None:
        reason = slot.failure.reason
    next_attempt = slot.failure.next_attempt_at if slot.failure is not None else slot.quarantined_until
    return {
        "state": state.value,
        "reason": reason,
        "last_synced_at": slot.last_synced_at,
        "next_attempt_at": next_attempt,
    }


def history_body(entry: HistoryEntry) -> dict[str, Any]:
    """One change of a slot as JSON values."""
    return {"seq": entry.seq, "at": entry.at, "origin": entry.origin, "fields": dict(entry.fields)}
