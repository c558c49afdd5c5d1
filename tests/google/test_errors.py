"""What each refusal means, by the bodies that Google was seen to send."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.core.errors import FailureClass, VendorError
from services.google.errors import failure_of, http_date, parse_json
from services.google.transport import HttpResponse

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
F = FailureClass


def backend(status: int, reason: str, message: str = "", **item: str) -> HttpResponse:
    """The calendar backend's envelope."""
    error = {"domain": "global", "reason": reason, "message": message, **item}
    return answer(status, {"error": {"errors": [error], "code": status, "message": message}})


def front_end(status: int, name: str, detail: str = "", errors: Any = None) -> HttpResponse:
    """The front end's envelope."""
    error = {"code": status, "message": "text", "status": name, "details": [{"reason": detail}]}
    return answer(status, {"error": error if errors is None else {**error, "errors": errors}})


def answer(status: int, document: Any, **headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, named, json.dumps(document, indent=1).encode())


def html(status: int) -> HttpResponse:
    return HttpResponse(status, {"content-type": "text/html"}, b"<html><title>Sorry</title></html>")


@pytest.mark.parametrize(
    ("response", "failure", "reason"),
    [
        (backend(400, "required", "Missing end time."), F.PERMANENT, "required"),
        (backend(400, "timeRangeEmpty", domain="calendar"), F.PERMANENT, "timeRangeEmpty"),
        (backend(400, "invalid", "Invalid start time."), F.PERMANENT, "invalid"),
        (backend(401, "authError", "Invalid Credentials"), F.AUTHENTICATION, "authError"),
        (front_end(401, "UNAUTHENTICATED"), F.AUTHENTICATION, ""),
        (backend(403, "userRateLimitExceeded"), F.RATE_LIMITED, "userRateLimitExceeded"),
        (backend(403, "rateLimitExceeded"), F.RATE_LIMITED, "rateLimitExceeded"),
        (backend(429, "rateLimitExceeded"), F.RATE_LIMITED, "rateLimitExceeded"),
        (front_end(429, "RESOURCE_EXHAUSTED"), F.RATE_LIMITED, "rateLimitExceeded"),
        (front_end(403, "PERMISSION_DENIED", "RATE_LIMIT_EXCEEDED"), F.RATE_LIMITED, "rateLimitExceeded"),
        (html(429), F.RATE_LIMITED, ""),
        (backend(403, "quotaExceeded"), F.RATE_LIMITED, "quotaExceeded"),
        (backend(403, "dailyLimitExceeded"), F.RATE_LIMITED, "dailyLimitExceeded"),
        (backend(403, "accessNotConfigured"), F.RATE_LIMITED, "accessNotConfigured"),
        (front_end(403, "PERMISSION_DENIED", "SERVICE_DISABLED"), F.RATE_LIMITED, "accessNotConfigured"),
        (backend(403, "forbidden"), F.PERMANENT, "forbidden"),
        (backend(403, "requiredAccessLevel"), F.PERMANENT, "requiredAccessLevel"),
        (backend(403, "forbiddenForNonOrganizer"), F.PERMANENT, "forbiddenForNonOrganizer"),
        (backend(403, "insufficientPermissions"), F.AUTHENTICATION, "insufficientPermissions"),
        (
            front_end(403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            F.AUTHENTICATION,
            "insufficientPermissions",
        ),
        (backend(404, "notFound", "Not Found"), F.INVALID_STATE, "notFound"),
        (html(404), F.RETRYABLE, ""),
        (HttpResponse(404), F.RETRYABLE, ""),
        (backend(409, "duplicate"), F.CONFLICT, "duplicate"),
        (backend(409, "conflict"), F.CONFLICT, "conflict"),
        (backend(410, "deleted"), F.INVALID_STATE, "deleted"),
        (backend(410, "fullSyncRequired", domain="calendar"), F.NEEDS_RESYNC, "fullSyncRequired"),
        (
            front_end(410, "ABORTED", errors=[{"domain": "global", "reason": "fullSyncRequired"}]),
            F.NEEDS_RESYNC,
            "fullSyncRequired",
        ),
        (backend(410, "updatedMinTooLongAgo"), F.NEEDS_RESYNC, "updatedMinTooLongAgo"),
        (backend(412, "conditionNotMet"), F.CONFLICT, "conditionNotMet"),
        (HttpResponse(412), F.CONFLICT, ""),
        (backend(500, "backendError"), F.RETRYABLE, "backendError"),
        (html(502), F.RETRYABLE, ""),
        (html(503), F.RETRYABLE, ""),
        (backend(503, "rateLimitExceeded"), F.RATE_LIMITED, "rateLimitExceeded"),
        (HttpResponse(504), F.RETRYABLE, ""),
        (HttpResponse(302), F.RETRYABLE, ""),
        (HttpResponse(408), F.RETRYABLE, ""),
        (html(403), F.RETRYABLE, ""),
        (
            answer(400, {"error": "invalid_grant", "error_description": "Bad Request"}),
            F.PERMANENT,
            "invalid_grant",
        ),
        (answer(418, {"error": {"code": 418}}), F.PERMANENT, ""),
        (answer(400, {"error": {"errors": "none", "details": 5, "message": 7}}), F.PERMANENT, ""),
        (answer(400, [1]), F.RETRYABLE, ""),
        (HttpResponse(403, {}, b'{"error": {"errors": [{"reason": "rateLim'), F.RETRYABLE, ""),
    ],
)
def test_a_refusal_means(response: HttpResponse, failure: FailureClass, reason: str) -> None:
    error = failure_of(response, now=NOW)

    assert (error.failure, error.reason, error.status) == (failure, reason, response.status)


@pytest.mark.parametrize(
    ("response", "failure"),
    [
        (backend(400, "invalid", "Invalid sync token value."), F.NEEDS_RESYNC),
        (backend(400, "badRequest", location="syncToken"), F.NEEDS_RESYNC),
        (backend(400, "badRequest", location="pageToken"), F.NEEDS_RESYNC),
        (backend(400, "badRequest"), F.PERMANENT),
        (backend(410, "gone"), F.NEEDS_RESYNC),
        (backend(404, "notFound"), F.INVALID_STATE),
        (html(410), F.RETRYABLE),
        (backend(403, "rateLimitExceeded"), F.RATE_LIMITED),
    ],
)
def test_a_cursor_may_be_at_fault(response: HttpResponse, failure: FailureClass) -> None:
    assert failure_of(response, now=NOW, with_cursor=True).failure is failure


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "30"}, 30),
        ({"retry_after": " 0 "}, 0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "99999999999"}, 86_400),
        ({"retry_after": "Fri, 20 Nov 2026 09:31:00 GMT"}, 60),
        ({"retry_after": "Fri, 20 Nov 2026 09:29:00 GMT"}, 0),
        # Both dates are Google's, so its clock does not matter.
        ({"retry_after": "Fri, 20 Nov 2026 12:00:10 GMT", "date": "Fri, 20 Nov 2026 12:00:00 GMT"}, 10),
    ],
)
def test_how_long_google_asks_to_wait(headers: dict[str, str], seconds: int | None) -> None:
    error = failure_of(answer(503, {"error": {"code": 503}}, **headers), now=NOW)

    assert error.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_a_wait_may_stand_in_the_text() -> None:
    text = "User-rate limit exceeded.  Retry after 2026-11-20T09:32:00.000Z"

    error = failure_of(backend(403, "rateLimitExceeded", text), now=NOW)

    assert error.retry_after == timedelta(minutes=2)


def test_a_nonsensical_wait_in_the_text_is_no_wait() -> None:
    error = failure_of(backend(403, "rateLimitExceeded", "Retry after 2026-99-20T09:32:00Z"), now=NOW)

    assert error.retry_after is None


@pytest.mark.parametrize("reason", ["quotaExceeded", "dailyLimitExceeded", "accessNotConfigured"])
def test_a_lasting_limit_is_not_asked_again_soon(reason: str) -> None:
    error = failure_of(backend(403, reason), now=NOW)

    assert error.retry_after is not None
    assert error.retry_after >= timedelta(hours=1)


def test_an_answer_is_mended_for_storage() -> None:
    assert parse_json(rb'{"a\u0000": ["x\u0000y", {"b": 1}]}') == {"a": ["xy", {"b": 1}]}
    assert parse_json(rb'{"a": "half \ud83d pair"}') == {"a": "half ? pair"}
    assert parse_json(rb'{"a": "\\u0000"}') == {"a": "\\u0000"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"items": [{"id": "x',
        b"\xff\xfe",
        b'{"a": NaN}',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * 1_000 + rb'"\u0000"' + b"]" * 1_000,
    ],
    ids=lambda body: body[:20].decode("latin-1"),
)
def test_an_answer_that_cannot_be_read_is_no_answer(body: bytes) -> None:
    with pytest.raises(VendorError) as caught:
        parse_json(body)

    assert (caught.value.failure, caught.value.status) == (F.RETRYABLE, None)


@pytest.mark.parametrize(
    "text",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 +0000", "Sun, 06 Nov 1994 09:49:37 +0100"],
)
def test_http_dates(text: str) -> None:
    assert http_date(text) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", [None, "", "tomorrow", "Fri, 99 Nov 2026 09:31:00 GMT", "Fri, 20 Nov 2026 25:31:00 GMT"]
)
def test_what_is_no_http_date(text: str | None) -> None:
    assert http_date(text) is None
