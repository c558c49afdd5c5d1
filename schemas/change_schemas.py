"""The change feed as clients see it."""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict

from schemas.common import Documented
from schemas.slot_bodies import slot_body
from schemas.slot_schemas import SLOT_EXAMPLE, SlotOut
from schemas.sync_schemas import SyncErrorOut, error_body
from services.change_feed import ChangesView
from services.change_streams import CalendarNews
from services.core.changes import ChangeKind
from services.sync_service import CalendarState


def changes_body(view: ChangesView) -> list[dict[str, Any]]:
    """Changes as JSON values."""
    return [
        {"seq": each.slot.seq, "kind": each.kind.value, "slot": slot_body(each.slot, view.account)}
        for each in view.page.changes
    ]


def calendar_news_body(news: CalendarNews) -> dict[str, Any]:
    """How a calendar stands now, as JSON values."""
    return {
        "calendar_id": news.calendar_id,
        "state": news.state,
        "last_success_at": news.last_success_at,
        "last_error": error_body(news.last_error),
    }


class ChangeOut(Documented):
    """One changed slot."""

    model_config = ConfigDict(extra="forbid")

    seq: int
    """Of the slot's last change; grows from item to item."""
    kind: ChangeKind
    """`created`: it may be new to you; `deleted`: it is gone, and `slot` is what it was last."""
    slot: SlotOut
    """In its latest state; a series, an exception or a single slot, never an instance by rule."""


class ChangePageOut(Documented):
    """What changed since a cursor."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "items": [{"seq": 42, "kind": "updated", "slot": SLOT_EXAMPLE}],
                    "next_cursor": "eyJzZXEiOjQyfQ",
                    "has_more": False,
                }
            ]
        },
    )

    items: list[ChangeOut]
    """Each changed slot once, in the order of its last change."""
    next_cursor: str
    """Where to go on, now or later; there always is one."""
    has_more: bool
    """Whether more is waiting already."""


class CalendarNewsOut(Documented):
    """The data of a `sync` event of the stream."""

    model_config = ConfigDict(extra="forbid")

    calendar_id: str
    """`primary`, or Google's id."""
    state: CalendarState
    """As in `GET /sync/status`."""
    last_success_at: datetime | None
    """When Google's changes were last read to the end."""
    last_error: SyncErrorOut | None
    """Why the last run failed; null when it did not."""
