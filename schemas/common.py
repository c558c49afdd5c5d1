"""Shapes that every part of the interface shares."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Documented(BaseModel):
    """A shape whose fields say in OpenAPI what their docstrings say."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class FieldErrorOut(Documented):
    """One thing that is wrong with a request."""

    pointer: str
    """JSON pointer into the body; `/query/...`, `/path/...` and `/header/...` for the other places."""
    detail: str
    """What is wrong with it."""


class ProblemOut(Documented):
    """A problem document (RFC 9457), with the facts of the case as further members."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "https://calendar-sync.example/problems/not-found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "There is nothing here under this id.",
                    "instance": "019a2c40-5cf1-7a43-b09d-4c0f8f8f3b10",
                }
            ]
        },
    )

    type: str
    """A stable URI whose last part names the kind of problem; it is a name, not a page."""
    title: str
    """The kind of problem, always the same text for the same type."""
    status: int
    """The HTTP status."""
    detail: str
    """What is the matter this time, and where possible what to do."""
    instance: str
    """The request id, which also stands in `X-Request-ID` and in the log."""
    errors: list[FieldErrorOut] | None = None
    """What is wrong where; with `validation-failed` only."""


class HealthOut(Documented):
    """Whether the process lives."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str
    """`ok`."""


class ReadyOut(Documented):
    """Whether the service can do its work."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ready", "problems": {}}]})

    status: str
    """`ready` or `not ready`."""
    problems: dict[str, str]
    """What is wrong, by part; empty when nothing is."""


class LinksOut(Documented):
    """Where to go from here."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Calendar Sync", "links": {"documentation": "/docs", "slots": "/slots"}}]
        }
    )

    name: str
    """Of the service."""
    links: dict[str, Any]
    """Addresses by name."""
