"""The columns of a slot that hold JSON."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import orjson

from persistence.types import to_json
from services.core.records import DELETION, Deletion, LoopRecord, PushFailure
from services.core.slots import (
    SlotContent,
    attendees_to_document,
    content_from_document,
    content_to_document,
    reminders_to_document,
)


def content_out(content: SlotContent) -> str:
    """A content."""
    return to_json(content_to_document(content))


def reminders_out(content: SlotContent) -> str:
    """The reminders of a content."""
    return to_json(reminders_to_document(content.reminders))


def attendees_out(content: SlotContent) -> str:
    """The guests of a content."""
    return to_json(attendees_to_document(content.attendees))


def sent_out(sent: SlotContent | Deletion) -> str:
    """What was sent; `null` stands for the slot's absence, `{"over": …}` for one after this content."""
    if not isinstance(sent, Deletion):
        return content_out(sent)
    return "null" if sent.over is None else to_json({"over": content_to_document(sent.over)})


def sent_in(text: str) -> SlotContent | Deletion:
    """The inverse of `sent_out`."""
    document = orjson.loads(text)
    if document is None:
        return DELETION
    if "over" in document:
        return Deletion(content_from_document(document["over"]))
    return content_from_document(document)


def failure_out(failure: PushFailure) -> str:
    """A failure."""
    return to_json([failure.reason, failure.detail, failure.attempts, failure.next_attempt_at])


def failure_in(text: str) -> PushFailure:
    """The inverse of `failure_out`."""
    reason, detail, attempts, next_attempt_at = orjson.loads(text)
    return PushFailure(reason, detail, attempts, _instant_or_none(next_attempt_at))


def loop_out(loop: LoopRecord) -> str:
    """What the circuit breaker remembers."""
    return to_json([loop.last_origin, loop.overwrites, loop.trips])


def loop_in(text: str) -> LoopRecord:
    """The inverse of `loop_out`."""
    last_origin, overwrites, trips = orjson.loads(text)
    return LoopRecord(
        last_origin, tuple(cast("datetime", _instant_or_none(each)) for each in overwrites), trips
    )


def edited_at_in(text: str) -> dict[str, datetime]:
    """When which group was edited."""
    return {name: datetime.fromisoformat(at) for name, at in orjson.loads(text).items()}


def _instant_or_none(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
