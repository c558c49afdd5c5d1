"""What a problem document says of one error beyond its row: members from the facts that the error carries."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError

from services.core import errors


def stale(error: errors.StaleEditError) -> Mapping[str, Any]:
    """Which version was expected, and which there is."""
    return {
        "detail": f"The edit expects version {error.expected}; the current version is {error.current}.",
        "expected_version": error.expected,
        "current_version": error.current,
    }


def invalid(error: errors.InvalidSlotError | errors.InvalidKeyError) -> Mapping[str, Any]:
    """What is wrong where."""
    return {"errors": [{"pointer": error.pointer, "detail": error.detail}]}


_VENDOR_STATUS = {
    errors.FailureClass.RETRYABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.FailureClass.RATE_LIMITED: HTTPStatus.SERVICE_UNAVAILABLE,
}


def vendor(error: errors.VendorError) -> Mapping[str, Any]:
    """How Google failed; 503 where trying again may help."""
    status = _VENDOR_STATUS.get(error.failure, HTTPStatus.BAD_GATEWAY)
    return {"status": int(status), "failure": error.failure.value, "google_status": error.status}


def not_connected(error: errors.GoogleNotConnectedError) -> Mapping[str, Any]:
    """How the user stands with Google."""
    return {"google_status": error.status}


def no_instance(error: errors.UnknownInstanceError) -> Mapping[str, Any]:
    """Of which series there is no such instance."""
    return {"slot_id": error.series_id, "original_start": error.original_start}


def read_only(error: errors.ReadOnlySlotError) -> Mapping[str, Any]:
    """Which fields cannot be edited, and why."""
    return {"reason": error.reason, "fields": sorted(error.fields)}


def calendar(
    error: errors.CalendarNotSelectedError | errors.DefaultCalendarError,
) -> Mapping[str, Any]:
    """Which calendar it is about."""
    return {"calendar_id": error.calendar_id}


def read_only_calendar(error: errors.ReadOnlyCalendarError) -> Mapping[str, Any]:
    """What the user may do in that calendar."""
    return {"calendar_id": error.calendar_id, "access_role": error.access_role}


def pending(error: errors.PendingChangesError) -> Mapping[str, Any]:
    """How much waits in that calendar."""
    return {"calendar_id": error.calendar_id, "pending": error.pending, "held": error.held}


def too_many(error: errors.TooManyKeysError) -> Mapping[str, Any]:
    """How many there may be."""
    return {"limit": error.limit}


def too_often(error: errors.TooManyRequestsError) -> Mapping[str, Any]:
    """After how many seconds it may be tried again."""
    return {"retry_after": error.retry_after}


def streams(error: errors.TooManyStreamsError) -> Mapping[str, Any]:
    """How many streams there may be: the user's, or the service's."""
    facts: dict[str, Any] = {"limit": error.limit}
    if error.of_everybody:
        status = int(HTTPStatus.SERVICE_UNAVAILABLE)
        facts |= {"status": status, "detail": "The service has no room for another stream; try again."}
    return facts


_SAID_BETTER = {"extra_forbidden": "This field is unknown.", "read_only": "This field is read-only."}
_PLACES = ("path", "query", "header", "cookie")


def invalid_request(error: RequestValidationError) -> Mapping[str, Any]:
    """What is wrong where in the request, as JSON pointers; for parameters the first step names the place."""
    return {"errors": [_field_error(each) for each in error.errors()]}


def _field_error(error: Mapping[str, Any]) -> dict[str, str]:
    where, *rest = error["loc"]
    if error["type"] == "json_invalid":
        position = rest[0] if rest else 0
        return {"pointer": "", "detail": f"The body is not valid JSON at character {position}."}
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in rest]
    if where in _PLACES:
        steps.insert(0, where)
    detail = _SAID_BETTER.get(error["type"]) or str(error["msg"])
    return {"pointer": "".join(f"/{step}" for step in steps), "detail": detail.removeprefix("Value error, ")}
