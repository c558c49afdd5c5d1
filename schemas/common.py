"""Shapes that every part of the interface shares."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class FieldErrorOut(BaseModel):
    """One thing that is wrong with a request."""

    pointer: str
    """JSON pointer into the body; `/query/...`, `/path/...` and `/header/...` for the other places."""
    detail: str


class ProblemOut(BaseModel):
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
    title: str
    status: int
    detail: str
    instance: str
    """The request id, which also stands in `X-Request-ID` and in the log."""
    errors: list[FieldErrorOut] | None = None


class HealthOut(BaseModel):
    """Whether the process lives."""

    status: str


class ReadyOut(BaseModel):
    """Whether the service can do its work."""

    status: str
    problems: dict[str, str]


class LinksOut(BaseModel):
    """Where to go from here."""

    name: str
    links: dict[str, Any]
