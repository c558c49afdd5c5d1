"""THE table from exceptions to problem documents (RFC 9457).

A detail is written here from the facts of the error; messages of exceptions are for logs and never leave.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fastapi.exceptions import RequestValidationError

from api import problem_facts as facts
from api.oauth_problems import failed_link
from services.core import errors

RETRY_AFTER_SECONDS = 5
"""What a client waits when the database or Google is away for an unknown time."""

Facts: TypeAlias = Callable[[Any], Mapping[str, Any]]
"""From an exception to the members that its document gets."""


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of exception is told to clients."""

    slug: str
    title: str
    status: int
    detail: str = ""
    """Constant text; `facts` may replace it with a better one under the key `detail`."""
    facts: Facts | None = None
    """Extension members; the keys `detail`, `slug` and `status` override the row."""
    headers: Mapping[str, str] | None = None


_RETRY = {"Retry-After": str(RETRY_AFTER_SECONDS)}
_NOT_FOUND = "There is nothing here under this id."
_OURS = "The service failed; the request id finds the cause in its log."

TABLE: dict[type[Exception], Row] = {
    errors.DomainError: Row("internal-error", "The service failed", 500, _OURS),
    errors.VendorError: Row(
        "google-error",
        "Google refused or did not answer",
        502,
        "Google did not do what was asked; nothing of yours is lost.",
        facts.vendor,
        _RETRY,
    ),
    errors.ReauthorisationRequiredError: Row(
        "reauthorisation-required",
        "Google must be linked again",
        409,
        "Google no longer accepts the stored grant. Edits are kept and are pushed after linking again.",
    ),
    errors.LeaseLostError: Row(
        "try-again", "Another run took over", 503, "Another run took over; try again.", None, _RETRY
    ),
    errors.UnauthenticatedError: Row(
        "unauthenticated",
        "A valid credential is needed",
        401,
        "The credential is missing or not valid: send an API key as `Authorization: Bearer <api key>`, or "
        "sign in with Google.",
        None,
        {"WWW-Authenticate": "Bearer"},
    ),
    errors.ForbiddenError: Row(
        "forbidden", "The credential does not reach this far", 403, "This needs another credential."
    ),
    errors.CrossSiteRequestError: Row(
        "cross-site-request",
        "The request came from another site",
        403,
        "A cookie counts only for pages of this service and of origins in CORS_ORIGINS: send an API key.",
    ),
    errors.UnknownKeyError: Row("not-found", "Not found", 404, _NOT_FOUND),
    errors.InvalidKeyError: Row(
        "validation-failed",
        "The request is not valid",
        422,
        "See `errors` for what is wrong where.",
        facts.invalid,
    ),
    errors.TooManyKeysError: Row(
        "too-many-keys",
        "There are too many API keys",
        409,
        "Revoke keys that are not used any more: see `last_used_at` in GET /auth/keys.",
        facts.too_many,
    ),
    errors.TooManyRequestsError: Row(
        "too-many-requests",
        "Too many requests",
        429,
        "Wait for as many seconds as `retry_after` says; `Retry-After` says the same.",
        facts.too_often,
    ),
    # Google sends a notification again after 503, and never after 429.
    errors.TooManyNotificationsError: Row(
        "too-many-requests",
        "Too many requests",
        503,
        "Wait for as many seconds as `retry_after` says; `Retry-After` says the same.",
        facts.too_often,
    ),
    errors.UntrustedHostError: Row(
        "untrusted-host",
        "The service does not go by this name",
        400,
        "Ask under the address in PUBLIC_BASE_URL, or list the name of the host in TRUSTED_HOSTS.",
    ),
    errors.UnknownUserError: Row("not-found", "Not found", 404, _NOT_FOUND),
    errors.KnownEmailError: Row(
        "email-already-registered", "The e-mail is registered", 409, "A user with this e-mail exists already."
    ),
    errors.UnknownSlotError: Row("not-found", "Not found", 404, _NOT_FOUND),
    errors.SlotMovingError: Row(
        "slot-is-moving",
        "The slot is on its way to another calendar",
        409,
        "Google is moving the slot; it can move on once it has arrived.",
    ),
    errors.UnknownInstanceError: Row(
        "not-found",
        "Not found",
        404,
        "No instance has this original start, or it is cancelled; POST .../restore brings one back.",
        facts.no_instance,
    ),
    errors.StaleEditError: Row(
        "stale-edit",
        "The slot changed since it was read",
        412,
        facts=facts.stale,
    ),
    errors.ReadOnlySlotError: Row(
        "read-only-slot",
        "The slot cannot be edited here",
        409,
        "Google does not let you change these `fields`, for this `reason`; `google.editable_fields` of the "
        "slot names those that you can change.",
        facts.read_only,
    ),
    errors.InvalidSlotError: Row(
        "validation-failed",
        "The request is not valid",
        422,
        "See `errors` for what is wrong where.",
        facts.invalid,
    ),
    errors.InvalidCursorError: Row(
        "invalid-cursor", "The cursor is not valid", 422, "Use a `next_cursor` of this same list, unchanged."
    ),
    errors.UnknownHistoryEntryError: Row("not-found", "Not found", 404, _NOT_FOUND),
    errors.ChangedSinceError: Row(
        "changed-since",
        "The same was changed once more",
        409,
        "Undo the later change first, or edit the slot: `fields` has what the change `left` and what is now.",
        lambda error: {"seq": error.seq, "fields": {name: dict(each) for name, each in error.fields.items()}},
    ),
    errors.CursorExpiredError: Row(
        "cursor-expired",
        "The cursor is too old",
        410,
        "Deletions since then are no longer remembered: begin again without a cursor and drop what you have.",
    ),
    errors.TooManyStreamsError: Row(
        "too-many-streams",
        "Too many streams are open",
        429,
        "Close a stream that you no longer read; one stream tells of all slots.",
        facts.streams,
        _RETRY,
    ),
    errors.UnknownCalendarError: Row("not-found", "Not found", 404, _NOT_FOUND),
    errors.ReadOnlyCalendarError: Row(
        "read-only-calendar",
        "The calendar can only be read",
        409,
        "Google lets you read this calendar only; choose one that is `writable` in GET /calendars.",
        facts.read_only_calendar,
    ),
    errors.CalendarNotSelectedError: Row(
        "calendar-not-selected",
        "The calendar is not selected",
        409,
        'Only a calendar that takes part in the sync can be the default: send `"selected": true` as well.',
        facts.calendar,
    ),
    errors.DefaultCalendarError: Row(
        "default-calendar",
        "The calendar is the default",
        409,
        "Make another calendar the default first.",
        facts.calendar,
    ),
    errors.PendingChangesError: Row(
        "calendar-has-pending-changes",
        "The calendar has changes that would not reach Google",
        409,
        "Wait until `pending` edits are pushed, and decide on the `held` deletions in GET /sync/holds.",
        facts.pending,
    ),
    errors.CalendarListScopeError: Row(
        "calendar-list-scope-missing",
        "Google does not let the list of calendars be read",
        409,
        "Link the Google account again and allow the list of calendars to be seen.",
    ),
    errors.GoogleNotConnectedError: Row(
        "google-not-connected",
        "Google Calendar is not connected",
        409,
        "Link a Google account first: GET /auth/google/authorize.",
        facts.not_connected,
    ),
    errors.OAuthFlowError: Row(
        "google-sign-in-failed",
        "Connecting Google failed",
        400,
        facts=failed_link,
    ),
    errors.WebhookUrlNotConfiguredError: Row(
        "webhook-url-not-configured",
        "Google has no address to notify",
        409,
        "Set WEBHOOK_BASE_URL to an https address at which Google reaches this service.",
    ),
    errors.UnknownChannelError: Row("not-found", "Not found", 404, _NOT_FOUND),
    errors.IdempotencyKeyReusedError: Row(
        "idempotency-key-reused",
        "The Idempotency-Key was used for another request",
        422,
        "A key stands for one request and its repetitions; another request needs a key of its own.",
    ),
    errors.IdempotencyAnswerLostError: Row(
        "idempotency-answer-lost",
        "The answer to this request can no longer be shown",
        409,
        "The request was carried out when it came first. Read what it made, or send it with another key.",
    ),
    errors.UnknownSubscriptionError: Row("not-found", "Not found", 404, _NOT_FOUND),
    errors.InvalidTargetError: Row(
        "validation-failed",
        "The request is not valid",
        422,
        "See `errors` for what is wrong where.",
        lambda error: {"errors": [{"pointer": "/url", "detail": error.detail}]},
    ),
    errors.TooManySubscriptionsError: Row(
        "too-many-subscriptions",
        "There are too many subscriptions",
        409,
        "Delete one that is no longer needed first.",
        lambda error: {"limit": error.limit},
    ),
    errors.UnknownFeedError: Row("not-found", "Not found", 404, _NOT_FOUND),
    errors.UnknownConflictError: Row("not-found", "Not found", 404, _NOT_FOUND),
    errors.UnknownHoldError: Row("not-found", "Not found", 404, _NOT_FOUND),
    errors.DatabaseUnavailableError: Row(
        "database-unavailable",
        "The database is not available",
        503,
        "Nothing was stored; try again shortly.",
        None,
        _RETRY,
    ),
    errors.NetworkInTransactionError: Row("internal-error", "The service failed", 500, _OURS),
    errors.SettingsError: Row("internal-error", "The service failed", 500, _OURS),
    errors.DecryptionError: Row("internal-error", "The service failed", 500, _OURS),
    RequestValidationError: Row(
        "validation-failed",
        "The request is not valid",
        422,
        "See `errors` for what is wrong where.",
        facts.invalid_request,
    ),
    Exception: Row("internal-error", "The service failed", 500, _OURS),
}
