"""The calendar feed as clients see it."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations.
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict

from schemas.common import Documented

if TYPE_CHECKING:
    from services.core.accounts import Feed


def feed_body(feed: Feed | None) -> dict[str, Any]:
    """Whether there is a feed, as JSON values."""
    return {
        "active": feed is not None,
        "created_at": feed.created_at if feed is not None else None,
        "last_used_at": feed.last_used_at if feed is not None else None,
    }


class FeedOut(Documented):
    """Whether there is an address to subscribe to."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "active": True,
                    "created_at": "2026-06-20T08:00:00+00:00",
                    "last_used_at": "2026-06-21T09:30:00+00:00",
                }
            ]
        },
    )

    active: bool
    """Whether there is such an address."""
    created_at: datetime | None
    """When it was made; null when there is none."""
    last_used_at: datetime | None
    """When a program last read it, to the hour; `null`: never."""


class NewFeedOut(Documented):
    """The address to subscribe to."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "url": "https://calendar.example.com/slots/feed.ics"
                    "?key=gcf_019a2c3f7e5a7cc19d7b3a1f6c0b52d4_zB3kQ...",
                    "created_at": "2026-06-20T08:00:00+00:00",
                }
            ]
        },
    )

    url: str
    """Whoever has it can read the calendar; shown this once."""
    created_at: datetime
    """When it was made."""
