"""What OpenAPI says about answers that routes have in common: each status with true examples of its own."""

import json
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.problems import problem_response
from schemas.common import ProblemOut
from services.core import errors

_MEANING = {
    400: "The request does not make sense here.",
    401: "No valid credential.",
    403: "The credential does not reach this far.",
    404: "There is no such thing for this credential.",
    408: "The body did not arrive in time.",
    409: "The state of things does not allow it.",
    410: "Deletions since then are no longer remembered; begin again.",
    412: "`If-Match` names a version that is no longer current.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The request is not valid; `errors` says what is wrong where.",
    429: "Too many requests; `Retry-After` says when to try again.",
    502: "Google refused.",
    503: "The database or Google is away; `Retry-After` says when to try again.",
}
_SCHEMA = {"$ref": "#/components/schemas/ProblemOut"}
_REQUEST_ID: Final = "019a2c40-5cf1-7a43-b09d-4c0f8f8f3b10"
_ID: Final = UUID("019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4")

EMAIL_KNOWN: Final = errors.KnownEmailError("ada@example.com")
TOO_MANY_KEYS: Final = errors.TooManyKeysError(100)
NOT_CONNECTED: Final = errors.GoogleNotConnectedError(_ID, "disconnected")
NO_WEBHOOK_ADDRESS: Final = errors.WebhookUrlNotConfiguredError()
CALENDAR_IN_USE: Final = (
    errors.DefaultCalendarError("primary"),
    errors.PendingChangesError("primary", pending=2, held=0),
)
CALENDAR_READ_ONLY: Final = errors.ReadOnlyCalendarError(
    "en.french#holiday@group.v.calendar.google.com", "reader"
)
CALENDAR_NOT_SELECTED: Final = errors.CalendarNotSelectedError("c_0a1b2c3d4e5f@group.calendar.google.com")
CALENDAR_LIST_CLOSED: Final = errors.CalendarListScopeError()
TOO_MANY_FORGED: Final = errors.TooManyNotificationsError(17)
CHANGED_SINCE: Final = errors.ChangedSinceError(
    _ID, 41, {"title": {"left": "Review", "current": "Review with Ada"}}
)
CURSOR_EXPIRED: Final = errors.CursorExpiredError(41, 57, 90)
TOO_MANY_STREAMS: Final = errors.TooManyStreamsError(10, of_everybody=False)
READ_ONLY_SLOT: Final = errors.ReadOnlySlotError(_ID, "not-organizer", frozenset({"title", "start", "end"}))
TOO_MANY_SUBSCRIPTIONS: Final = errors.TooManySubscriptionsError(10)
NOT_CONFIGURED: Final = errors.OAuthFlowError("google-not-configured", "No Google client is set here.")
NOT_LINKED: Final = tuple(
    errors.OAuthFlowError(slug, detail)
    for slug, detail in (
        ("oauth-browser-mismatch", "Another browser began this authorization."),
        ("google-token-exchange-failed", "Google did not accept the code."),
        ("google-offline-access-missing", "Google gave no lasting access."),
        ("google-consent-denied", "The person did not allow it."),
        ("google-scope-missing", "The events of the calendar were not allowed."),
        ("google-account-mismatch", "This Google account is another one."),
        ("google-account-unknown", "Nobody has linked this Google account here."),
    )
)
GOOGLE_AWAY: Final = errors.VendorError(errors.FailureClass.RETRYABLE, status=503)
INVALID_CURSOR: Final = errors.InvalidCursorError()
KEY_REUSED: Final = errors.IdempotencyKeyReusedError()

_TYPICAL: Final[dict[int, Exception]] = {
    400: errors.OAuthFlowError("oauth-state-invalid", "The authorization is unknown, finished or too old."),
    429: errors.TooManyRequestsError(17),
    401: errors.UnauthenticatedError(),
    403: errors.ForbiddenError(),
    404: errors.UnknownSlotError(_ID),
    408: HTTPException(HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time."),
    409: READ_ONLY_SLOT,
    412: errors.StaleEditError(_ID, expected='"6"', current=7),
    413: HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body must not be larger than 1048576 bytes."
    ),
    415: HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json."),
    422: RequestValidationError([{"type": "missing", "loc": ("body", "title"), "msg": "Field required"}]),
    502: errors.VendorError(errors.FailureClass.PERMANENT, status=403),
    503: errors.DatabaseUnavailableError(),
}


def _leads_to(operation: str, parameter: str, source: str) -> dict[str, Any]:
    return {"operationId": operation, "parameters": {parameter: source}}


SLOT_LINKS: Final = {
    name: _leads_to(name, "slot_id", "$response.body#/id")
    for name in ("getSlot", "replaceSlot", "patchSlot", "deleteSlot", "restoreSlot", "getSlotHistory")
}
"""What can be done with a slot that an answer holds."""
KEY_LINKS: Final = {"revokeKey": _leads_to("revokeKey", "key_id", "$response.body#/id")}
PAGE_LINKS: Final = {"nextPage": _leads_to("listSlots", "cursor", "$response.body#/next_cursor")}
_ANY_ROUTE: Final = (
    errors.UntrustedHostError(),
    errors.CrossSiteRequestError(),
    _TYPICAL[408],
    _TYPICAL[413],
    _TYPICAL[415],
)
"""What every route may answer, the latter ones where it takes a body."""

Responses = dict[int | str, dict[str, Any]]


def problems(*answers: int | Exception, throttled: bool = True) -> Responses:
    """The problem documents that a route may answer, beside the ones that any may.

    Args:
        answers: Statuses, which get their typical example, or the very errors where these say more.
        throttled: Whether too many requests are refused with 429.
    """
    always = (429, 503) if throttled else (503,)
    raised = [_TYPICAL[each] if isinstance(each, int) else each for each in (*answers, *always)]
    by_status: dict[int, dict[str, Any]] = {}
    for error in raised:
        example = _document(error)
        by_status.setdefault(example["status"], {})[_slug(example)] = _shown(example)
    documented: Responses = {
        status: {"description": _MEANING[status], "content": _content(by_status[status])}
        for status in sorted(by_status)
    }
    examples = [_document(error) for error in _ANY_ROUTE]
    # One of them carries the model, so that the schema stands among the components.
    documented["default"] = {
        "description": "A problem document.",
        "model": ProblemOut,
        "content": _content({_slug(example): _shown(example) for example in examples}),
    }
    return documented


def _document(error: Exception) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bytes(problem_response(error, _REQUEST_ID).body))
    return document


def _slug(document: dict[str, Any]) -> str:
    return str(document["type"]).rpartition("/")[2]


def _shown(document: dict[str, Any]) -> dict[str, Any]:
    return {"summary": document["title"], "value": document}


def _content(examples: dict[str, Any]) -> dict[str, Any]:
    return {"application/problem+json": {"schema": _SCHEMA, "examples": examples}}


CREDENTIAL_OPTIONAL: Final[dict[str, Any]] = {"security": [{}]}
"""For a route that may also answer who has no credential; put beside the alternatives that there are."""

NO_CONTENT = HTTPStatus.NO_CONTENT
