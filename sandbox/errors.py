"""Every refusal that Google is known to utter, with its status, reason and envelope.

Two envelopes coexist: the Calendar backend's, and the one of Google's front end, which
adds `status` and sometimes `details`. A fault names a reason and gets the right one.

Source: Calendar API guide, 'Handle API errors'; captured answers for the front end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus

import orjson

from sandbox.messages import Json, Response

_LONG_CREDENTIALS = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
    "or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_MISSING_CREDENTIALS = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login "
    "cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


@dataclass(frozen=True)
class ApiError(Exception):
    """A Calendar API call was refused."""

    status: int
    reason: str
    message: str
    domain: str = "global"
    location: str | None = None
    location_type: str | None = None
    outer_message: str | None = None
    """Set when the envelope's own message differs from the item's."""
    canonical: str | None = None
    """The front end's status word; its presence selects that envelope."""
    details: tuple[Json, ...] = field(default=())

    def response(self) -> Response:
        """The answer in the envelope that this error arrives in."""
        item: Json = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location is not None:
            item |= {"locationType": self.location_type or "parameter", "location": self.location}
        message = self.outer_message or self.message
        if self.canonical is None:
            error: Json = {"errors": [item], "code": self.status, "message": message}
        else:
            error = {
                "code": self.status,
                "message": message,
                "errors": [item],
                "status": self.canonical,
            }
            if self.details:
                error["details"] = list(self.details)
        headers = {"Content-Type": "application/json; charset=UTF-8"}
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
        return Response(self.status, headers, orjson.dumps({"error": error}))


def invalid_credentials() -> ApiError:
    """The access token is unknown, expired or revoked."""
    return ApiError(
        401,
        "authError",
        "Invalid Credentials",
        location="Authorization",
        location_type="header",
        outer_message=_LONG_CREDENTIALS,
        canonical="UNAUTHENTICATED",
    )


def login_required() -> ApiError:
    """No credentials were sent."""
    return ApiError(
        401,
        "required",
        "Login Required.",
        location="Authorization",
        location_type="header",
        outer_message=_MISSING_CREDENTIALS,
        canonical="UNAUTHENTICATED",
    )


def insufficient_scope(method: str) -> ApiError:
    """The token lacks every scope that the method accepts."""
    detail: Json = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": "calendar-json.googleapis.com", "method": method},
    }
    return ApiError(
        403,
        "insufficientPermissions",
        "Insufficient Permission",
        outer_message="Request had insufficient authentication scopes.",
        canonical="PERMISSION_DENIED",
        details=(detail,),
    )


def bad_request(message: str = "Bad Request", location: str | None = None) -> ApiError:
    """A combination that Google does not serve."""
    return ApiError(400, "badRequest", message, location=location)


def invalid(message: str = "Invalid Value", location: str | None = None) -> ApiError:
    """A value that Google does not accept."""
    return ApiError(400, "invalid", message, location=location)


def required(message: str) -> ApiError:
    """A value that Google insists on is absent."""
    return ApiError(400, "required", message)


def parse_error() -> ApiError:
    """The body is not JSON."""
    return ApiError(400, "parseError", "Parse Error")


def empty_range(location: str | None = None) -> ApiError:
    """The end lies before the start."""
    return ApiError(
        400,
        "timeRangeEmpty",
        "The specified time range is empty.",
        domain="calendar",
        location=location,
    )


def not_found() -> ApiError:
    """Missing, or not visible to this user."""
    return ApiError(404, "notFound", "Not Found")


def duplicate() -> ApiError:
    """The id is taken, perhaps by something deleted."""
    return ApiError(409, "duplicate", "The requested identifier already exists.")


def deleted() -> ApiError:
    """The thing to delete is deleted already."""
    return ApiError(410, "deleted", "Resource has been deleted")


def condition_not_met() -> ApiError:
    """`If-Match` named another version."""
    return ApiError(
        412,
        "conditionNotMet",
        "Precondition Failed",
        location="If-Match",
        location_type="header",
    )


def full_sync_required() -> ApiError:
    """The sync token has died."""
    return ApiError(
        410,
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
        domain="calendar",
        location="syncToken",
    )


def invalid_sync_token() -> ApiError:
    """The sync token was never one of this listing's."""
    return invalid("Invalid sync token value.", "syncToken")


def updated_min_too_long_ago() -> ApiError:
    """`updatedMin` reaches back further than deletions are remembered."""
    return ApiError(
        410,
        "updatedMinTooLongAgo",
        "The requested minimum modification time lies too far in the past.",
        domain="calendar",
        location="updatedMin",
    )


def access_level() -> ApiError:
    """A reader tried to write."""
    return ApiError(
        403,
        "requiredAccessLevel",
        "You need to have writer access to this calendar.",
        domain="calendar",
    )


def forbidden(message: str = "Forbidden") -> ApiError:
    """Not for this user, whatever the scopes."""
    return ApiError(403, "forbidden", message)


def not_organizer() -> ApiError:
    """A guest tried to change what is shared by all copies."""
    return ApiError(
        403,
        "forbiddenForNonOrganizer",
        "Shared properties can only be changed by the organizer of the event.",
        domain="calendar",
    )


def not_a_calendar_user() -> ApiError:
    """The account never opened Google Calendar."""
    return ApiError(403, "notACalendarUser", "The user must be signed up for Google Calendar.", "calendar")


def event_type_restriction(message: str) -> ApiError:
    """The event's type does not allow this."""
    return ApiError(400, "eventTypeRestriction", message, domain="calendar")


def not_supported(what: str) -> ApiError:
    """This simulator does not play that part of Google."""
    return ApiError(501, "notImplemented", f"The sandbox does not simulate {what}.")


def by_reason(status: int, reason: str) -> ApiError:
    """The refusal that a fault asks for by its reason.

    Source: Calendar API guide, 'Handle API errors' (messages and domains).
    """
    known = {
        "authError": invalid_credentials(),
        "required": login_required(),
        "insufficientPermissions": insufficient_scope("calendar.v3.Events.List"),
        "fullSyncRequired": full_sync_required(),
        "updatedMinTooLongAgo": updated_min_too_long_ago(),
        "conditionNotMet": condition_not_met(),
        "deleted": deleted(),
        "duplicate": duplicate(),
        "notFound": not_found(),
    }
    if reason in known and known[reason].status == status:
        return known[reason]
    domain, message = {
        "userRateLimitExceeded": ("usageLimits", "User Rate Limit Exceeded"),
        "rateLimitExceeded": ("usageLimits", "Rate Limit Exceeded"),
        "quotaExceeded": ("usageLimits", "Calendar usage limits exceeded."),
        "dailyLimitExceeded": ("usageLimits", "Daily Limit Exceeded"),
        "accessNotConfigured": (
            "usageLimits",
            "Google Calendar API has not been used in project 1 before or it is disabled.",
        ),
        "backendError": ("global", "Backend Error"),
        "conflict": ("global", "Conflict"),
        "forbidden": ("global", "Forbidden"),
        "badRequest": ("global", "Bad Request"),
        "invalid": ("global", "Invalid Value"),
        "forbiddenForNonOrganizer": (
            "calendar",
            "Shared properties can only be changed by the organizer of the event.",
        ),
        "notACalendarUser": ("calendar", "The user must be signed up for Google Calendar."),
    }.get(reason, ("global", reason))
    return ApiError(status, reason, message, domain)


def html_unavailable() -> Response:
    """The page with which Google's front end answers when a backend is away."""
    page = (
        "<!DOCTYPE html><html lang=en><meta charset=utf-8>"
        "<title>Error 503 (Service Unavailable)!!1</title>"
        "<p><b>503.</b> <ins>That's an error.</ins><p>The service you requested is not available "
        "at this time.<p>Service error -27."
    )
    return Response(503, {"Content-Type": "text/html; charset=UTF-8"}, page.encode())
