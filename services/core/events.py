"""Google's side as the core sees it: events, pages of changes, channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from services.core.records import GoogleCopy
    from services.core.recurrence import OriginalStart
    from services.core.slots import SlotContent


@dataclass(frozen=True, slots=True)
class InstanceName:
    """Which instance of which series an event is."""

    recurring_event_id: str
    original_start: OriginalStart


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    """One event as Google has it now."""

    event_id: str
    content: SlotContent | None
    """`None`: deleted (or, as an exception, cancelled)."""
    copy: GoogleCopy
    slot_id: UUID | None = None
    """The slot that our private extended property names; a copied event may carry a foreign one."""
    instance: InstanceName | None = None
    """Set when the event is an instance of a series."""


@dataclass(frozen=True, slots=True)
class UnreadableEvent:
    """An event that could not be understood; it is reported and never stops a page."""

    event_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of a listing, full or since a token."""

    events: tuple[RemoteEvent, ...]
    next_page_token: str | None
    next_sync_token: str | None
    """Only on the last page."""
    time_zone: str
    """IANA name of the calendar's zone."""
    unreadable: tuple[UnreadableEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenedChannel:
    """Google's answer to a watch call."""

    resource_id: str
    expires_at: datetime | None
