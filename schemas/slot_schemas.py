"""Slots as OpenAPI describes them; `schemas.slot_bodies` builds the values."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict

from schemas.common import Documented
from services.core.records import SyncState
from services.core.restrictions import Restriction
from services.core.slots import ResponseStatus


class _Out(Documented):
    model_config = ConfigDict(extra="forbid")


class ReminderOverrideOut(_Out):
    """One reminder."""

    method: Literal["email", "popup"]
    """How Google reminds."""
    minutes: int
    """Before the start."""


class RemindersOut(_Out):
    """Who is reminded how."""

    use_default: bool
    """Whether the calendar's default reminders hold."""
    overrides: list[ReminderOverrideOut]
    """The slot's own reminders, in place of these."""


class AttendeeOut(_Out):
    """Somebody who is invited."""

    email: str
    """In lower case."""
    optional: bool
    """Whether it goes without this guest."""


class GoogleOut(_Out):
    """What Google alone owns of the slot, read-only."""

    event_id: str
    """Of the event in its calendar."""
    html_link: str | None
    """Where the event can be seen in Google Calendar."""
    event_type: str
    """Google's word: `default`, `outOfOffice`, `focusTime`, `birthday` and others."""
    organizer: dict[str, Any] | None
    """As Google has it."""
    attendees: list[dict[str, Any]]
    """As Google has them."""
    conference_url: str | None
    """Where to join."""
    attachments: list[dict[str, Any]]
    """Files, as Google has them."""
    editable: bool
    """Whether Google lets the user change anything of the event."""
    editable_fields: list[str]
    """The slot's fields that Google lets the user change; others are refused with 409 `read-only-slot`.
    `response_status` is among them where the user is invited."""
    deletable: bool
    """Whether Google lets the user delete the event."""
    restriction: Restriction | None
    """Why not everything can be edited; null when it can. `calendar-read-only`: the user may only read the
    calendar. `private-event`: it is private in a calendar whose private events the user may not see.
    `not-organizer`: somebody else invited the user. `locked`: Google fixed what it is about and when.
    `birthday`, `from-gmail`, `focus-time`, `out-of-office`, `working-location`: its type allows some changes
    only. `event-type`: a type newer than this service. `attendees-omitted`: Google did not tell of all."""


class SyncOut(_Out):
    """How the slot stands towards Google."""

    state: SyncState
    """Where the slot stands; `local_only` while no Google account is linked."""
    reason: str | None
    """Why it is not `synced`; null when there is nothing to say."""
    last_synced_at: datetime | None
    """When both sides last agreed."""
    next_attempt_at: datetime | None
    """When Google is tried again; null when nothing waits."""


SLOT_EXAMPLE: dict[str, Any] = {
    "id": "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4",
    "title": "Review with Ada",
    "description": "Bring the numbers.",
    "location": "Room 4",
    "start": "2026-07-01T10:00:00+02:00",
    "end": "2026-07-01T10:45:00+02:00",
    "timezone": "Europe/Paris",
    "all_day": False,
    "recurrence": [],
    "recurring_slot_id": None,
    "original_start": None,
    "color": "5",
    "transparency": "opaque",
    "visibility": "default",
    "reminders": {"use_default": False, "overrides": [{"method": "popup", "minutes": 10}]},
    "attendees": [{"email": "ada@example.com", "optional": False}],
    "response_status": None,
    "calendar_id": "primary",
    "source": "app",
    "status": "confirmed",
    "version": 1,
    "created_at": "2026-06-20T08:00:00+00:00",
    "updated_at": "2026-06-20T08:00:00+00:00",
    "deleted_at": None,
    "google": None,
    "sync": {"state": "pending", "reason": None, "last_synced_at": None, "next_attempt_at": None},
}

_INSTANCE_EXAMPLE: dict[str, Any] = {
    **SLOT_EXAMPLE,
    "id": "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4_20260708T080000Z",
    "start": "2026-07-08T10:00:00+02:00",
    "end": "2026-07-08T10:45:00+02:00",
    "recurring_slot_id": "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4",
    "original_start": "2026-07-08T08:00:00+00:00",
}


class SlotOut(_Out):
    """A slot."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [SLOT_EXAMPLE, _INSTANCE_EXAMPLE]}
    )

    id: str
    """A UUID; of an instance of a series that UUID and the instance's original start."""
    title: str
    """What is to be seen in the calendar."""
    description: str
    """Empty when there is none."""
    location: str
    """Empty when there is none."""
    start: str
    """A date-time with the offset of the slot's zone, or a date."""
    end: str
    """Of the same kind; of dates the first day after."""
    timezone: str | None
    """IANA name; null when it is all-day."""
    all_day: bool
    """Whether start and end are dates."""
    recurrence: list[str]
    """RFC 5545 lines without DTSTART; empty when it takes place once."""
    recurring_slot_id: UUID | None
    """The series that this is an instance of; null when there is none."""
    original_start: str | None
    """Where the series had this instance; null when there is no series."""
    color: str | None
    """Google's event colour id; null is the calendar's colour."""
    transparency: Literal["opaque", "transparent"]
    """`transparent` leaves the time free."""
    visibility: Literal["default", "public", "private", "confidential"]
    """Who may see it in Google."""
    reminders: RemindersOut
    """The reminders of this slot."""
    attendees: list[AttendeeOut]
    """Who is invited; what they answered is in `google.attendees`."""
    response_status: ResponseStatus | None
    """What the user answered; null when not invited."""
    calendar_id: str
    """`primary`, or Google's id."""
    source: Literal["app", "google"]
    """Where it was created."""
    status: str
    """`confirmed`, `tentative` or, once deleted, `cancelled`."""
    version: int
    """Grows with each change from either side; for `If-Match` as `"7"`."""
    created_at: datetime
    """When it appeared here."""
    updated_at: datetime
    """When its content changed last."""
    deleted_at: datetime | None
    """When it was deleted; null while it is there."""
    google: GoogleOut | None
    """What Google alone owns of it; null while Google does not have it."""
    sync: SyncOut
    """How it stands towards Google."""


class SlotPageOut(_Out):
    """A page of slots."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [SLOT_EXAMPLE], "next_cursor": None}]}
    )

    items: list[SlotOut]
    """In the order of the list."""
    next_cursor: str | None
    """For the next page, as `cursor`; null on the last one."""


_CHANGED: dict[str, Any] = {
    "seq": 3,
    "at": "2026-07-01T08:00:00+00:00",
    "origin": "google",
    "fields": {"location": {"before": "", "after": "Room 4"}},
}


class FieldChangeOut(_Out):
    """One field before and after a change."""

    before: Any
    """The value that was."""
    after: Any
    """The value that came."""


class HistoryEntryOut(_Out):
    """Who changed what when."""

    seq: int
    """Grows with each change of anything of the user's."""
    at: datetime
    """When the change was made here."""
    origin: Literal["app", "google", "merge", "restore"]
    """Who changed it; `merge`: both sides, different fields."""
    fields: dict[str, FieldChangeOut]
    """What changed, by field."""


class HistoryOut(_Out):
    """Every change of a slot after it appeared, oldest first."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_CHANGED], "next_cursor": None}]}
    )

    items: list[HistoryEntryOut]
    """In the order of the list."""
    next_cursor: str | None
    """For the next page, as `cursor`; null on the last one."""
