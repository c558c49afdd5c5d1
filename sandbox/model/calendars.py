"""Calendars, and how each person's list shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson

from sandbox.model.event_log import EventLog, StoredEvent
from sandbox.store import Journal, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.messages import Json

ROLES = ("none", "freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")
"""Access roles, weakest first."""


def at_least(role: str, wanted: str) -> bool:
    """Whether a role grants what another one does."""
    return ROLES.index(role) >= ROLES.index(wanted)


@dataclass(slots=True)
class Calendar:
    """A calendar, shared by all who see it."""

    id: str
    owner: str
    """Address of the data owner; empty for calendars of Google's own, such as holidays."""
    summary: str
    time_zone: str
    etag_us: int
    description: str | None = None
    location: str | None = None
    acl: dict[str, str] = field(default_factory=dict)
    """Role by address; `default` is everybody."""
    deleted: bool = False
    push_supported: bool = True
    created_by_client: str | None = None
    """The OAuth client that made it; what `calendar.app.created` may touch."""
    token_generation: int = 0
    """Raised to kill every sync token of the calendar."""
    unlistable: int = 0
    """How many of the next full listings come back empty."""
    extra: Json = field(default_factory=dict)
    """Other fields that were written to it."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which its events are written."""
        return ZoneInfo(self.time_zone)

    def role_of(self, email: str) -> str:
        """What this account may do here."""
        return self.acl.get(email) or self.acl.get("default") or "none"

    @property
    def primary(self) -> bool:
        """Whether it is somebody's main calendar."""
        return self.id == self.owner


@dataclass(slots=True)
class ListEntry:
    """One calendar in one account's list."""

    account: str
    calendar_id: str
    stamp_us: int
    """When it last changed; its etag and its place in the list's history."""
    color_id: str = "14"
    background: str = "#9fe1e7"
    foreground: str = "#000000"
    summary_override: str | None = None
    hidden: bool = False
    selected: bool = True
    deleted: bool = False
    default_reminders: list[Json] = field(default_factory=list)
    notification_settings: Json | None = None
    extra: Json = field(default_factory=dict)


class Calendars:
    """Every calendar with its events, and every account's list."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.table = Table(journal, "calendar", lambda row: Calendar(**orjson.loads(row)))
        self.entries = Table(journal, "list-entry", lambda row: ListEntry(**orjson.loads(row)))
        self._logs: dict[str, EventLog] = {}

    def find(self, calendar_id: str) -> Calendar | None:
        """A calendar that exists, whoever may see it."""
        calendar = self.table.rows.get(calendar_id)
        return None if calendar is None or calendar.deleted else calendar

    def save(self, calendar: Calendar) -> None:
        """Keep a new or changed calendar."""
        self.table.save(calendar.id, calendar)

    def log(self, calendar_id: str) -> EventLog:
        """The events of a calendar."""
        log = self._logs.get(calendar_id)
        if log is None:
            log = self._logs[calendar_id] = EventLog()
        return log

    def put_event(self, calendar: Calendar, event: StoredEvent) -> None:
        """Keep a new or changed event."""
        self.log(calendar.id).put(event)
        self._journal.put("event", f"{calendar.id}\n{event.id}", event.row())

    def drop_event(self, calendar: Calendar, event_id: str) -> None:
        """Forget an event without a trace."""
        self.log(calendar.id).drop(event_id)
        self._journal.remove("event", f"{calendar.id}\n{event_id}")

    def restore_event(self, key: str, value: bytes) -> None:
        """Take over a stored event; the order of rows does not matter."""
        calendar_id = key.partition("\n")[0]
        zone = self.table.rows[calendar_id].zone
        self.log(calendar_id).stage(StoredEvent.from_row(orjson.loads(value), zone))

    def settle(self) -> None:
        """Finish after all stored events were taken over."""
        for log in self._logs.values():
            log.settle()

    def entry(self, account: str, calendar_id: str) -> ListEntry | None:
        """How an account's list shows a calendar, removed entries included."""
        return self.entries.rows.get(f"{account}\n{calendar_id}")

    def save_entry(self, entry: ListEntry) -> None:
        """Keep a new or changed entry."""
        self.entries.save(f"{entry.account}\n{entry.calendar_id}", entry)

    def entries_of(self, account: str) -> list[ListEntry]:
        """An account's list, removed entries included, oldest change first."""
        mine = (entry for entry in self.entries.rows.values() if entry.account == account)
        return sorted(mine, key=lambda entry: entry.stamp_us)

    def entries_for(self, calendar_id: str) -> Iterable[ListEntry]:
        """Every list that shows a calendar."""
        return [
            entry
            for entry in self.entries.rows.values()
            if entry.calendar_id == calendar_id and not entry.deleted
        ]


def calendar_resource(calendar: Calendar) -> dict[str, Any]:
    """The calendar as `calendars.get` shows it."""
    shown: dict[str, Any] = {
        "kind": "calendar#calendar",
        "etag": f'"{calendar.etag_us}"',
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        **({"dataOwner": calendar.owner} if calendar.owner else {}),
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
        **calendar.extra,
    }
    if calendar.description:
        shown["description"] = calendar.description
    if calendar.location:
        shown["location"] = calendar.location
    return shown


def entry_resource(calendar: Calendar | None, entry: ListEntry) -> dict[str, Any]:
    """The entry as `calendarList` shows it; a removed one is reduced to its id."""
    if calendar is None or entry.deleted:
        return {
            "kind": "calendar#calendarListEntry",
            "etag": f'"{entry.stamp_us}"',
            "id": entry.calendar_id,
            "deleted": True,
        }
    shown = calendar_resource(calendar)
    shown |= {
        "kind": "calendar#calendarListEntry",
        "etag": f'"{entry.stamp_us}"',
        "colorId": entry.color_id,
        "backgroundColor": entry.background,
        "foregroundColor": entry.foreground,
        "accessRole": calendar.role_of(entry.account),
        "defaultReminders": entry.default_reminders,
        **entry.extra,
    }
    for name in ("workingHours", "labelProperties"):
        shown.pop(name, None)
    if entry.summary_override:
        shown["summaryOverride"] = entry.summary_override
    if entry.notification_settings is not None:
        shown["notificationSettings"] = entry.notification_settings
    if entry.hidden:
        shown["hidden"] = True
    if entry.selected:
        shown["selected"] = True
    if calendar.id == entry.account:
        shown["primary"] = True
    return shown
