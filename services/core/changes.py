"""The change feed: what a reader who stands somewhere in a user's sequence has to be told.

A slot's row carries the number of its last change, taken under the user's lock and visible with the commit
that took it. So the numbers that a reader can see have no gap that fills later, and reading the rows behind a
number tells of each changed slot once, in its latest state.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from services.core.errors import CursorExpiredError
from services.core.frozen import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.core.records import Slot


class ChangeKind(StrEnum):
    """What happened to a slot as a reader sees it."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class ChangedSlot:
    """A slot in its latest state, with its place in the user's sequence (`slot.seq`)."""

    slot: Slot
    appeared_seq: int
    """The number under which it was made, or last came back from a deletion."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a user's sequence goes, and from where on it is whole."""

    last_seq: int
    """The last number given; 0 before the first."""
    forgotten_seq: int
    """The highest number of a deleted slot that was purged; 0: none was."""


@dataclass(frozen=True, slots=True)
class FeedPosition:
    """Where a reader stands."""

    seq: int
    """Everything up to this number has been delivered."""
    known_seq: int
    """Where the reader last had everything there was: what is older is no news to it.

    It stays behind `seq` while a reader catches up page by page, since what came into being meanwhile may
    have changed again before its page was read.
    """
    deletions_from: int = 0
    """Deletions up to this number are no news: the slots were gone when the reader began with nothing."""


@dataclass(frozen=True, slots=True)
class Change:
    """One item of the feed."""

    kind: ChangeKind
    slot: Slot


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes in the order of their numbers."""

    changes: tuple[Change, ...]
    position: FeedPosition
    """Where the reader stands with these."""
    more: bool


def beginning(reach: Reach) -> FeedPosition:
    """The position of a reader who has nothing yet."""
    return FeedPosition(0, 0, reach.last_seq)


def caught_up(seq: int) -> FeedPosition:
    """The position of a reader who had everything up to a number."""
    return FeedPosition(seq, seq)


def require_whole(position: FeedPosition, reach: Reach) -> None:
    """Let a reader go on whom nothing escapes.

    A position beyond the end was given by a database that is no more, for instance before a backup was
    restored; what that reader has cannot be told.

    Raises:
        CursorExpiredError: A deletion behind the position was purged, or the position is beyond the end.
    """
    has_deletions_to = max(position.seq, position.deletions_from)
    if has_deletions_to < reach.forgotten_seq or has_deletions_to > reach.last_seq:
        raise CursorExpiredError(has_deletions_to, reach.forgotten_seq, reach.last_seq)


def page_of(found: Sequence[ChangedSlot], position: FeedPosition, reach: Reach, *, limit: int) -> ChangePage:
    """A page for a reader.

    Args:
        found: Up to `limit` + 1 changed slots behind the position, in order, read together with `reach`.
        position: Where the reader stands.
        reach: Of the user's sequence.
        limit: How many changes the page may have.
    """
    changes = tuple(Change(_kind(each, position), each.slot) for each in found[:limit])
    if len(found) > limit:
        return ChangePage(changes, replace(position, seq=found[limit - 1].slot.seq), more=True)
    return ChangePage(changes, caught_up(reach.last_seq), more=False)


def _kind(changed: ChangedSlot, position: FeedPosition) -> ChangeKind:
    if changed.slot.deleted_at is not None:
        return ChangeKind.DELETED
    return ChangeKind.CREATED if changed.appeared_seq > position.known_seq else ChangeKind.UPDATED
