"""Exceptions are answered with problem documents (RFC 9457), as `api.problem_table` has them."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.allowed_methods import allowed_methods
from api.problem_table import TABLE, Row
from api.responses import json_bytes
from services.core import errors

TYPE_ROOT = "https://calendar-sync.example/problems/"
"""Problem types are names, not pages: this prefix never changes, wherever the service runs."""

_log = logging.getLogger(__name__)


_HTTP_SLUGS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    408: "body-timeout",
    413: "body-too-large",
    415: "unsupported-media-type",
}


def slug_of(error: errors.DomainError) -> str:
    """The last part of the problem type of an error."""
    return _row_of(error).slug


def _row_of(error: Exception) -> Row:
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def problem_response(error: Exception, request_id: str) -> Response:
    """The problem document of an exception."""
    if isinstance(error, HTTPException):
        slug = _HTTP_SLUGS.get(error.status_code, "http-error")
        row = Row(slug, HTTPStatus(error.status_code).phrase, error.status_code, headers=error.headers)
        return _document(row, {"detail": str(error.detail)}, request_id)
    row = _row_of(error)
    return _document(row, row.facts(error) if row.facts else {}, request_id)


def _document(row: Row, facts: Mapping[str, Any], request_id: str) -> Response:
    members = dict(facts)
    slug, status = members.pop("slug", row.slug), members.pop("status", row.status)
    body = {
        "type": TYPE_ROOT + slug,
        "title": row.title,
        "status": status,
        "detail": members.pop("detail", row.detail),
        "instance": request_id,
        **members,
    }
    headers = dict(row.headers) if row.headers else {}
    if "retry_after" in members:
        headers["Retry-After"] = str(members["retry_after"])
    return Response(json_bytes(body), status, headers, media_type="application/problem+json")


def request_id_of(request: Request) -> str:
    """The id under which the request is logged."""
    return cast("str", getattr(request.state, "request_id", ""))


async def _answer(request: Request, error: Exception) -> Response:
    response = problem_response(error, request_id_of(request))
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = allowed_methods(request.app, request.url.path)
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        facts = {"request_id": request_id_of(request), "error": type(error).__name__}
        unexpected = response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
        _log.error("request failed", extra=facts, exc_info=error if unexpected else None)
    return response


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every exception with its problem document; unforeseen ones are the boundary's."""
    for kind in (errors.DomainError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _answer)
