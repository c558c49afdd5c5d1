"""The state of one synced calendar: cursor, lease, due times, channels, holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.calendar_entry import CalendarEntry

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Due at once, or never before."""


class CalendarStatus(StrEnum):
    """Whether a calendar takes part in the sync."""

    ACTIVE = "active"
    REAUTHORISATION_REQUIRED = "reauthorisation_required"
    DISCONNECTED = "disconnected"
    UNSELECTED = "unselected"
    """The person took it out; no link to Google puts it back."""


@dataclass(frozen=True, slots=True)
class SyncCounters:
    """What the runs of a calendar did, added up since it was connected."""

    pulled: int = 0
    pushed: int = 0
    deleted: int = 0
    conflicts: int = 0
    failed: int = 0
    unreadable: int = 0

    def plus(self, other: SyncCounters) -> SyncCounters:
        """The sum, field by field."""
        return SyncCounters(
            self.pulled + other.pulled,
            self.pushed + other.pushed,
            self.deleted + other.deleted,
            self.conflicts + other.conflicts,
            self.failed + other.failed,
            self.unreadable + other.unreadable,
        )

    def minus(self, other: SyncCounters) -> SyncCounters:
        """The difference, field by field."""
        return SyncCounters(
            self.pulled - other.pulled,
            self.pushed - other.pushed,
            self.deleted - other.deleted,
            self.conflicts - other.conflicts,
            self.failed - other.failed,
            self.unreadable - other.unreadable,
        )


NO_COUNTS = SyncCounters()


@dataclass(frozen=True, slots=True)
class SyncError:
    """Why the last run of a calendar failed."""

    reason: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far Google's changes have been read.

    No token and no listing under way: never synced. A page token: a full listing is under way and goes on
    there. Otherwise: changes since `sync_token`.
    """

    sync_token: str | None = None
    listing: int = 0
    """The number of the full listing under way or last finished."""
    listing_page: str | None = None
    """Where the listing under way goes on; `None` when none is under way."""
    suspect_missing: int = 0
    """How many events the previous full listing missed so suspiciously that it is being repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSync:
    """The state of one synced calendar: cursor, lease, due times, health."""

    user_id: UUID
    calendar_id: str
    """`primary` or Google's calendar id."""
    status: CalendarStatus = CalendarStatus.ACTIVE
    cursor: Cursor = Cursor()
    time_zone: str | None = None
    """Google's zone of the calendar; `None` before the first listing."""
    due_at: datetime = LONG_AGO
    pull_due_at: datetime = LONG_AGO
    """When Google's changes are to be read next."""
    not_before: datetime = LONG_AGO
    """The calendar's circuit breaker: nothing is sent to Google before."""
    dirty_seq: int = 0
    """Grows with every trigger."""
    done_seq: int = 0
    """The `dirty_seq` that the last run which came to an end, well or not, had seen when it began."""
    lease_owner: str | None = None
    lease_until: datetime = LONG_AGO
    epoch: int = 0
    attempts: int = 0
    """Failed runs in a row."""
    counters: SyncCounters = NO_COUNTS
    last_error: SyncError | None = None
    last_success_at: datetime | None = None
    last_notified_at: datetime | None = None
    progress: tuple[int, int | None] | None = None
    """Events applied of the listing under way, and how many there are if that is known."""
    push_supported: bool = True
    """Whether Google sends notifications for this calendar (not for holidays and the like)."""
    is_default: bool = False
    """Whether slots that name no calendar go there; where no calendar says so, they go to `primary`."""
    entry: CalendarEntry | None = None
    """What the user's list at Google said of it last; `None` while the list was never read."""


CALENDAR_GONE: Final = "calendar-not-found"
"""The reason of a run that failed because Google shows the account no such calendar any more."""


def has_lost_its_calendar(calendar: CalendarSync) -> bool:
    """Whether Google, when it was asked last, let the account see no such calendar."""
    error = calendar.last_error
    return calendar.attempts > 0 and error is not None and error.reason in (CALENDAR_GONE, "forbidden")


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """A mass deletion that the brake stopped; a person approves or rejects it."""

    id: UUID
    user_id: UUID
    calendar_id: str
    held: int
    """How many slots would be deleted."""
    known: int
    """How many slots Google had before."""
    at: datetime
    resolved_at: datetime | None = None
    resolution: Literal["approved", "rejected"] | None = None


class ChannelStatus(StrEnum):
    """Where a notification channel is in its life."""

    OPENING = "opening"
    """Stored before the watch call, since Google's first message may arrive before its answer."""
    ACTIVE = "active"
    RETIRING = "retiring"
    """Replaced; still answered until Google stopped it."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A webhook channel of one calendar."""

    user_id: UUID
    id: str
    calendar_id: str
    token_hash: str
    """SHA-256 in hex of the channel's own secret."""
    status: ChannelStatus
    created_at: datetime
    resource_id: str | None = None
    """Google's name of the watched resource; `None` before the watch answer."""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A calendar under lease, as it was when it was claimed."""

    calendar: CalendarSync
    notified_until: datetime | None = None
    """When the last of its active channels expires; `None`: Google notifies us of nothing in it."""

    @property
    def user_id(self) -> UUID:
        """Whose calendar it is."""
        return self.calendar.user_id

    @property
    def calendar_id(self) -> str:
        """Which calendar it is."""
        return self.calendar.calendar_id

    @property
    def epoch(self) -> int:
        """The fence of this claim."""
        return self.calendar.epoch
