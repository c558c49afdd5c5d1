"""Slots and what is remembered of them, as immutable values.

A record knows nothing of tables. Where a property is derived (`Slot.local`, `Slot.dirty`), it is derived
here and nowhere else; persistence stores what is derived in indexed columns in the same statement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from services.core.calendars import LONG_AGO
from services.core.restrictions import editable_fields, is_of_others, restrictions_of
from services.core.slots import changed_fields

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from services.core.recurrence import OriginalStart
    from services.core.restrictions import Restriction
    from services.core.slots import SlotContent

Origin: TypeAlias = Literal["app", "google", "merge", "restore"]
Notify: TypeAlias = Literal["none", "all", "external"]
"""Whom Google mails about a change that the app makes."""


class SyncState(StrEnum):
    """How a slot stands towards Google, in the words of the REST contract."""

    LOCAL_ONLY = "local_only"
    PENDING = "pending"
    SYNCED = "synced"
    FAILED = "failed"
    CONFLICT = "conflict"
    READ_ONLY = "read_only"
    QUARANTINED = "quarantined"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class SeriesLink:
    """What an exception stands for: one instance of a series."""

    original_start: OriginalStart
    """Where the series has the instance, whatever the exception made of it."""
    series_id: UUID | None
    """The slot of the series; `None`: it is not known, for instance of an invitation to one instance only."""
    recurring_event_id: str | None = None
    """Google's id of the series; `None` for an exception that was made here."""
    went_along: bool = False
    """Whether the exception is deleted because its series or its instance is, and so comes back with it."""


UNKNOWN_ETAG: Final = "*"
"""Google's copy has changed, by our own deletion, and was not read since."""


@dataclass(frozen=True, slots=True)
class GoogleCopy:
    """What is known of Google's copy of a slot beside its content."""

    event_id: str
    etag: str
    """Or `UNKNOWN_ETAG`."""
    updated_at: datetime | None
    """Google's `updated`, by Google's clock."""
    restriction: Restriction | None = None
    """Why not everything of it can be edited; `None`: it can."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a frontend shows read-only, as JSON: html_link, event_type, status, organizer, attendees,
    conference_url."""
    only_looked_up: bool = False
    """Whether it is an instance as its series has it, found when that was looked up to be changed."""

    @property
    def restrictions(self) -> tuple[Restriction, ...]:
        """All that restricts it; empty when everything can be edited."""
        return restrictions_of(self.restriction, self.facts)

    @property
    def editable_fields(self) -> frozenset[str]:
        """What the app may edit of it, by the names that clients know; with `deleted` for its deletion."""
        return editable_fields(self.restrictions)

    @property
    def editable(self) -> bool:
        """Whether the app may edit any of it."""
        return self.restriction is None or bool(self.editable_fields)

    @property
    def of_others(self) -> bool:
        """Whether it was made by others, so that the app could not make it again."""
        return is_of_others(self.restriction, self.facts)


@dataclass(frozen=True, slots=True)
class Deletion:
    """Stands where content could: the slot's absence was sent.

    So an absence at Google is our own doing, or is to be treated so.
    """

    over: SlotContent | None = None
    """What had been sent before, if its outcome was not known yet: an event that is there may hold it."""


DELETION = Deletion()


@dataclass(frozen=True, slots=True)
class PushFailure:
    """Why the last attempt to bring a slot to Google failed."""

    reason: str
    """A slug that a program can act on."""
    detail: str
    attempts: int
    next_attempt_at: datetime | None
    """`None`: not again until the slot is edited."""


@dataclass(frozen=True, slots=True)
class LoopRecord:
    """What the circuit breaker remembers of one slot."""

    last_origin: Literal["app", "google"] | None = None
    overwrites: tuple[datetime, ...] = ()
    """When one side last replaced what the other had written, oldest first."""
    trips: int = 0
    """How often in a row the breaker opened; it decides the cool-down."""


NO_LOOP = LoopRecord()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One slot of a user with all that the sync knows of it."""

    user_id: UUID
    id: UUID
    calendar_id: str
    """Where Google's copy is, or will be made."""
    content: SlotContent
    """The local content; of a deleted slot the content it had last."""
    source: Literal["app", "google"]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    moving_to: str | None = None
    """The calendar that the slot is to move to, once Google has moved its event; `None`: it stays."""
    series: SeriesLink | None = None
    """Of an exception: the instance that it stands for."""
    base: SlotContent | None = None
    """What both sides last agreed on; `None` when Google has, or should have, nothing.

    Of an exception that Google has not got yet: the instance as the series had it.
    """
    edited_at: Mapping[str, datetime] = field(default_factory=dict)
    """When the app last edited each field group (or `deleted`) that Google has not confirmed yet."""
    version: int = 1
    seq: int = 0
    """The user's sequence number of the last visible change; assigned when the slot is saved."""
    generation: int = 0
    """Part of the event id that the next insert uses; grows when an id has become a tombstone."""
    google: GoogleCopy | None = None
    template_event_id: str | None = None
    """The event from which the first insert takes what only Google knows: guests' answers, conference."""
    sent: SlotContent | Deletion | None = None
    """What an unanswered call may have brought to Google; `None` when no outcome is unknown."""
    refetch: bool = False
    """Google's copy changed in a way that was not taken in; read it before anything else."""
    notify: Notify = "none"
    failure: PushFailure | None = None
    loop: LoopRecord = NO_LOOP
    quarantined_until: datetime | None = None
    hold_id: UUID | None = None
    open_conflicts: int = 0
    seen_listing: int = 0
    """The number of the full listing that last contained the event."""
    last_synced_at: datetime | None = None

    @property
    def sent_content(self) -> SlotContent | None:
        """The content that an unanswered call may have brought to Google, whatever was sent after it."""
        return self.sent.over if isinstance(self.sent, Deletion) else self.sent

    @property
    def local(self) -> SlotContent | None:
        """The app's side of the comparison."""
        return None if self.deleted_at is not None else self.content

    def changes_to(self, content: SlotContent | None) -> dict[str, dict[str, Any]]:
        """What a new local content changes, by field; of what comes back, also what is new since it left."""
        changes = changed_fields(self.local, content)
        if self.deleted_at is not None and content is not None:
            changes |= changed_fields(self.content, content)
        return changes

    @property
    def wanted_calendar_id(self) -> str:
        """Where the app wants the slot to be."""
        return self.calendar_id if self.moving_to is None else self.moving_to

    @property
    def is_series(self) -> bool:
        """Whether the slot recurs."""
        return bool(self.content.schedule.recurrence)

    @property
    def dirty(self) -> bool:
        """Whether Google does not have yet what the app has."""
        return self.local != self.base

    @property
    def needs_attention(self) -> bool:
        """Whether the push phase has anything to do or to find out."""
        return self.sent is not None or self.refetch or self.dirty or self._is_to_move

    @property
    def _is_to_move(self) -> bool:
        """Whether there is anything that could move: what is gone on both sides waits until it is back."""
        return self.moving_to is not None and (self.local is not None or self.base is not None)

    @property
    def push_at(self) -> datetime | None:
        """When the push phase may look at the slot; `None`: there is nothing to do, or a person must act."""
        if not self.needs_attention or self.hold_id is not None:
            return None
        if self.quarantined_until is not None:
            return self.quarantined_until
        if self.failure is not None and not (self.refetch and self.failure.next_attempt_at is None):
            return self.failure.next_attempt_at
        # Also what Google refuses for good goes on being read.
        return LONG_AGO

    @property
    def sync_state(self) -> SyncState:
        """How the slot stands, as far as the slot alone can tell (never `LOCAL_ONLY`)."""
        if self.quarantined_until is not None:
            return SyncState.QUARANTINED
        if self.hold_id is not None:
            return SyncState.HELD
        if self.failure is not None:
            return SyncState.FAILED
        if self.needs_attention:
            return SyncState.PENDING
        if self.open_conflicts:
            return SyncState.CONFLICT
        if self.google is not None and not self.google.editable:
            return SyncState.READ_ONLY
        return SyncState.SYNCED


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """Who changed which fields of a slot when."""

    user_id: UUID
    slot_id: UUID
    seq: int
    """The slot's sequence number after the change; filled in when saved with its slot."""
    at: datetime
    origin: Origin
    fields: Mapping[str, Mapping[str, Any]]
    """`{name: {"before": ..., "after": ...}}`."""


@dataclass(frozen=True, slots=True)
class ConflictRecord:
    """A losing value that waits to be seen."""

    id: UUID
    user_id: UUID
    slot_id: UUID
    group: str
    """A field group, or `deleted`."""
    winner: Literal["local", "remote"]
    losing_value: Any
    winning_value: Any
    at: datetime
    resolved_at: datetime | None = None
    resolution: Literal["winner", "loser"] | None = None


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """How many slots of a calendar stand how."""

    total: int = 0
    pending: int = 0
    failed: int = 0
    conflicts: int = 0
    quarantined: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class CancelledInstance:
    """An instance that its series does not have (any more)."""

    series_id: UUID
    original_start: OriginalStart


@dataclass(frozen=True, slots=True)
class ZoneUse:
    """How a zone is used by the slots of a user."""

    timezone: str
    """IANA name."""
    first_start: datetime
    last_end: datetime
    """Of a series: of its first occurrence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotQuery:
    """Which slots to list; `None` means no restriction."""

    starts_before: datetime | None = None
    """Exclusive upper bound on the start of timed slots."""
    ends_after: datetime | None = None
    """Exclusive lower bound on the end of timed slots."""
    all_day_starts_before: datetime | None = None
    """The same bounds for all-day slots, whose dates count as midnight UTC."""
    all_day_ends_after: datetime | None = None
    text: str | None = None
    """Case-insensitive, in title, description or location."""
    calendar_id: str | None = None
    sync_state: SyncState | None = None
    source: Literal["app", "google"] | None = None
    recurring: bool | None = None
    """`True`: only series; `False`: all but series."""
    include_deleted: bool = False
    after: tuple[datetime, UUID] | None = None
    """Only slots behind this (sort start, id)."""
    limit: int = 50
