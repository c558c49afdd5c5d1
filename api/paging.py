"""Pages: an opaque cursor carries a position, and nothing else, to the next request."""

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from services.core.agenda import Position
from services.core.changes import FeedPosition
from services.core.errors import InvalidCursorError

Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most.")]
CursorText = Annotated[
    str | None, Query(max_length=512, description="`next_cursor` of the page before; absent for the first.")
]
DEFAULT_LIMIT = 50
_SEQ = re.compile(r"\d{1,18}", re.ASCII)


def page_body(items: Iterable[Any], next_cursor: str | None) -> dict[str, Any]:
    """One page as every list answers it."""
    return {"items": list(items), "next_cursor": next_cursor}


def id_cursor(position: UUID) -> str:
    """The cursor behind an object, in a list ordered by id."""
    return _encode("i", position.hex)


def read_id_cursor(cursor: str | None) -> UUID | None:
    """The inverse of `id_cursor`.

    Raises:
        InvalidCursorError: It is no such cursor.
    """
    if cursor is None:
        return None
    [position] = _decode("i", cursor, 1)
    return _uuid(position)


def start_cursor(start: datetime, position: UUID) -> str:
    """The cursor behind an object, in a list ordered by start and id."""
    return _encode("s", start.astimezone(UTC).isoformat(), position.hex)


def read_start_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The inverse of `start_cursor`.

    Raises:
        InvalidCursorError: It is no such cursor.
    """
    if cursor is None:
        return None
    start, position = _decode("s", cursor, 2)
    return _moment(start), _uuid(position)


def entry_cursor(position: Position) -> str:
    """The cursor behind an entry of an agenda, in a list ordered by start and entry id."""
    start, entry_id = position
    return _encode("e", start.astimezone(UTC).isoformat(), entry_id)


def read_entry_cursor(cursor: str | None) -> Position | None:
    """The inverse of `entry_cursor`.

    Raises:
        InvalidCursorError: It is no such cursor.
    """
    if cursor is None:
        return None
    start, entry_id = _decode("e", cursor, 2)
    moment, slot_id = _moment(start), _uuid(entry_id.partition("_")[0])
    if not entry_id.startswith(str(slot_id)):
        raise InvalidCursorError
    return moment, entry_id


def feed_cursor(user_id: UUID, position: FeedPosition) -> str:
    """The cursor of a reader of the change feed; good for this user alone."""
    numbers = (position.seq, position.known_seq, position.deletions_from)
    return _encode("c", user_id.hex, *map(str, numbers))


def read_feed_cursor(cursor: str | None, user_id: UUID) -> FeedPosition | None:
    """The inverse of `feed_cursor`.

    Raises:
        InvalidCursorError: It is no such cursor, or another user's.
    """
    if cursor is None:
        return None
    owner, *numbers = _decode("c", cursor, 4)
    if _uuid(owner) != user_id:
        raise InvalidCursorError
    seq, known_seq, deletions_from = map(read_seq, numbers)
    if known_seq > seq:
        raise InvalidCursorError
    return FeedPosition(seq, known_seq, deletions_from)


def read_seq(text: str) -> int:
    """A sequence number.

    Raises:
        InvalidCursorError: It is none.
    """
    if not _SEQ.fullmatch(text):
        raise InvalidCursorError
    return int(text)


def history_cursor(seq: int) -> str:
    """The cursor behind a change, in the history of a slot."""
    return _encode("h", str(seq))


def read_history_cursor(cursor: str | None) -> int:
    """The inverse of `history_cursor`; 0 for none.

    Raises:
        InvalidCursorError: It is no such cursor.
    """
    if cursor is None:
        return 0
    [seq] = _decode("h", cursor, 1)
    return read_seq(seq)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidCursorError from None
    if moment.tzinfo is None:
        raise InvalidCursorError
    return moment


def _encode(*parts: str) -> str:
    return base64.urlsafe_b64encode("|".join(parts).encode()).decode().rstrip("=")


def _decode(kind: str, cursor: str, count: int) -> list[str]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidCursorError from None
    found, *parts = text.split("|")
    if found != kind or len(parts) != count:
        raise InvalidCursorError
    return parts


def _uuid(text: str) -> UUID:
    try:
        return UUID(hex=text)
    except ValueError:
        raise InvalidCursorError from None
