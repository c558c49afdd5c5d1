"""Domain errors: facts as attributes, no HTTP status and no prose for users."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, timedelta
    from uuid import UUID


class FailureClass(StrEnum):
    """What kind of failure an answer of Google's is, and so what to do about it."""

    RETRYABLE = "retryable"
    """Try the same again later."""
    RATE_LIMITED = "rate_limited"
    """Try the same again later, and everything else of this user too."""
    AUTHENTICATION = "authentication"
    """The access token was refused."""
    CONFLICT = "conflict"
    """Somebody was faster (409, 412): read, merge, try again."""
    INVALID_STATE = "invalid_state"
    """The thing is gone or hidden (404, 410)."""
    NEEDS_RESYNC = "needs_resync"
    """The cursor is worthless: list everything."""
    PERMANENT = "permanent"
    """The same request will always be refused."""


class DomainError(Exception):
    """The base of everything that the services refuse or report."""


class VendorError(DomainError):
    """Google refused or did not answer a call."""

    def __init__(
        self,
        failure: FailureClass,
        *,
        status: int | None = None,
        reason: str = "",
        message: str = "",
        retry_after: timedelta | None = None,
    ) -> None:
        """Hold the facts of the refusal; `status` is `None` when no answer came."""
        super().__init__(f"{failure} ({status} {reason}): {message}")
        self.failure = failure
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class ReauthorisationRequiredError(DomainError):
    """Google refuses the refresh token for good; only the person can link again."""

    def __init__(self, user_id: UUID, reason: str) -> None:
        super().__init__(f"{user_id}: {reason}")
        self.user_id = user_id
        self.reason = reason


class LeaseLostError(DomainError):
    """Another worker claimed the calendar; nothing of this run may be stored."""

    def __init__(self, user_id: UUID, calendar_id: str, epoch: int) -> None:
        super().__init__(f"{user_id}/{calendar_id} epoch {epoch}")
        self.user_id = user_id
        self.calendar_id = calendar_id
        self.epoch = epoch


class UnauthenticatedError(DomainError):
    """No credential, or one that is not valid."""


class ForbiddenError(DomainError):
    """The credential is valid but does not reach this far."""


class CrossSiteRequestError(DomainError):
    """A page of another site wants to act by a cookie that its browser has."""


class UnknownKeyError(DomainError):
    """There is no such API key for this user."""

    def __init__(self, key_id: UUID) -> None:
        super().__init__(str(key_id))
        self.key_id = key_id


class InvalidKeyError(DomainError):
    """An API key cannot be made so."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer}: {detail}")
        self.pointer = pointer
        self.detail = detail


class TooManyKeysError(DomainError):
    """The user has as many API keys as one may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit}")
        self.limit = limit


class TooManyRequestsError(DomainError):
    """Somebody asks too often."""

    def __init__(self, retry_after: int) -> None:
        """`retry_after` is in whole seconds, at least 1."""
        super().__init__(f"{retry_after} s")
        self.retry_after = retry_after


class TooManyNotificationsError(TooManyRequestsError):
    """Notifications come that no channel explains, and too many of them."""


class UntrustedHostError(DomainError):
    """The request names a host that this service does not go by."""


class UnknownUserError(DomainError):
    """There is no such user for this principal."""

    def __init__(self, user_id: UUID) -> None:
        super().__init__(str(user_id))
        self.user_id = user_id


class KnownEmailError(DomainError):
    """A user with this e-mail exists already."""


class UnknownSlotError(DomainError):
    """There is no such slot for this user."""

    def __init__(self, slot_id: UUID) -> None:
        super().__init__(str(slot_id))
        self.slot_id = slot_id


class SlotMovingError(DomainError):
    """The slot is on its way to another calendar; where it is cannot be told before it has arrived."""

    def __init__(self, slot_id: UUID, calendar_id: str) -> None:
        super().__init__(f"{slot_id}: {calendar_id}")
        self.slot_id = slot_id
        self.calendar_id = calendar_id


class UnknownInstanceError(DomainError):
    """The series has no such instance, or it is cancelled."""

    def __init__(self, series_id: UUID, original_start: datetime | date) -> None:
        super().__init__(f"{series_id}: {original_start}")
        self.series_id = series_id
        self.original_start = original_start


class StaleEditError(DomainError):
    """The client edits a version that is no longer current."""

    def __init__(self, slot_id: UUID, *, expected: str, current: int) -> None:
        super().__init__(f"{slot_id}: expected {expected}, current {current}")
        self.slot_id = slot_id
        self.expected = expected
        self.current = current


class ReadOnlySlotError(DomainError):
    """Google does not let the app edit that of the slot."""

    def __init__(self, slot_id: UUID, reason: str, fields: frozenset[str] = frozenset()) -> None:
        """Hold the facts; `fields` are those (or `deleted`) that may not be touched, as clients name them."""
        super().__init__(f"{slot_id}: {reason}")
        self.slot_id = slot_id
        self.reason = reason
        self.fields = fields


class InvalidSlotError(DomainError):
    """The values of a slot do not fit together."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer}: {detail}")
        self.pointer = pointer
        self.detail = detail


class InvalidCursorError(DomainError):
    """A page cursor that this service did not issue."""


class UnknownHistoryEntryError(DomainError):
    """The slot's history has no change of this number."""

    def __init__(self, slot_id: UUID, seq: int) -> None:
        super().__init__(f"{slot_id}: {seq}")
        self.slot_id = slot_id
        self.seq = seq


class ChangedSinceError(DomainError):
    """A change cannot be undone, since the same was changed once more."""

    def __init__(self, slot_id: UUID, seq: int, fields: Mapping[str, Mapping[str, Any]]) -> None:
        """Hold the facts: `fields` says what the change `left` and what is `current`, by field name."""
        super().__init__(f"{slot_id}: {seq}, {sorted(fields)}")
        self.slot_id = slot_id
        self.seq = seq
        self.fields = fields


class CursorExpiredError(DomainError):
    """A reader of the change feed stands where deletions are no longer remembered."""

    def __init__(self, seq: int, forgotten_seq: int, last_seq: int) -> None:
        super().__init__(f"{seq}: not within {forgotten_seq}..{last_seq}")
        self.seq = seq
        self.forgotten_seq = forgotten_seq
        self.last_seq = last_seq


class TooManyStreamsError(DomainError):
    """As many streams are open as there may be."""

    def __init__(self, limit: int, *, of_everybody: bool) -> None:
        """Hold the limit that was met: the user's own, or that of the whole process."""
        super().__init__(f"{limit}, {of_everybody=}")
        self.limit = limit
        self.of_everybody = of_everybody


class UnknownCalendarError(DomainError):
    """There is no such calendar for this user."""

    def __init__(self, calendar_id: str) -> None:
        super().__init__(calendar_id)
        self.calendar_id = calendar_id


class ReadOnlyCalendarError(DomainError):
    """The user may only read the calendar."""

    def __init__(self, calendar_id: str, access_role: str) -> None:
        super().__init__(f"{calendar_id}: {access_role}")
        self.calendar_id = calendar_id
        self.access_role = access_role


class CalendarNotSelectedError(DomainError):
    """The calendar does not take part in the sync."""

    def __init__(self, calendar_id: str) -> None:
        super().__init__(calendar_id)
        self.calendar_id = calendar_id


class DefaultCalendarError(DomainError):
    """The default calendar was to be taken out, with no other in its place."""

    def __init__(self, calendar_id: str) -> None:
        super().__init__(calendar_id)
        self.calendar_id = calendar_id


class PendingChangesError(DomainError):
    """Slots of the calendar hold what would be lost with it."""

    def __init__(self, calendar_id: str, *, pending: int, held: int) -> None:
        """`pending` counts edits on their way to Google, `held` deletions that wait for a person."""
        super().__init__(f"{calendar_id}: {pending} pending, {held} held")
        self.calendar_id = calendar_id
        self.pending = pending
        self.held = held


class CalendarListScopeError(DomainError):
    """The user did not grant the scope that lets the list of calendars be read."""


class GoogleNotConnectedError(DomainError):
    """The user has no usable Google account."""

    def __init__(self, user_id: UUID, status: str) -> None:
        super().__init__(f"{user_id}: {status}")
        self.user_id = user_id
        self.status = status


class OAuthFlowError(DomainError):
    """Connecting Google failed; `slug` names the cause in the contract's words."""

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.detail = detail


class WebhookUrlNotConfiguredError(DomainError):
    """No address is set at which Google could reach this service."""


class UnknownChannelError(DomainError):
    """A notification that no channel of ours explains."""


class IdempotencyKeyReusedError(DomainError):
    """An `Idempotency-Key` came with another request than the first time."""


class IdempotencyAnswerLostError(DomainError):
    """A request was carried out before, and its answer can no longer be read."""


class UnknownSubscriptionError(DomainError):
    """There is no such webhook subscription for this user."""

    def __init__(self, subscription_id: UUID) -> None:
        super().__init__(str(subscription_id))
        self.subscription_id = subscription_id


class InvalidTargetError(DomainError):
    """An address to which no webhook may go."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class TooManySubscriptionsError(DomainError):
    """The user has as many webhook subscriptions as there may be."""

    def __init__(self, limit: int) -> None:
        super().__init__(str(limit))
        self.limit = limit


class UnknownFeedError(DomainError):
    """A key that opens no calendar feed."""


class UnknownConflictError(DomainError):
    """There is no such open conflict for this user."""

    def __init__(self, conflict_id: UUID) -> None:
        super().__init__(str(conflict_id))
        self.conflict_id = conflict_id


class UnknownHoldError(DomainError):
    """There is no such open hold for this user."""

    def __init__(self, hold_id: UUID) -> None:
        super().__init__(str(hold_id))
        self.hold_id = hold_id


class DatabaseFault(StrEnum):
    """What keeps a database from its work."""

    UNREACHABLE = "unreachable"
    """No server answers."""
    REFUSED = "refused"
    """The server does not accept user or password."""
    MISSING = "missing"
    """The server has no such database."""
    CANNOT_OPEN = "cannot-open"
    """There is no such file, or it may not be opened."""
    READ_ONLY = "read-only"
    """The file may be read only."""
    NO_DATABASE = "no-database"
    """The file holds something else."""
    LOCKED = "locked"
    """Somebody else writes for too long."""
    OTHER = "other"


class DatabaseUnavailableError(DomainError):
    """The database could not be reached or gave up; nothing was stored."""

    def __init__(self, message: str = "", *, fault: DatabaseFault = DatabaseFault.OTHER) -> None:
        super().__init__(message)
        self.fault = fault


class NetworkInTransactionError(DomainError):
    """A call to Google was about to be made while a database transaction was open."""


class SettingsError(DomainError):
    """A setting that does not let the service start."""

    def __init__(self, variable: str, detail: str) -> None:
        super().__init__(f"{variable}: {detail}")
        self.variable = variable
        self.detail = detail


class DecryptionError(DomainError):
    """A stored secret that no known key opens."""
