"""Whether a listed event is news: the same as before, older than what is known, or to be read afresh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.frozen import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.core.events import RemoteEvent
    from services.core.records import GoogleCopy, Slot


def newest(events: Sequence[RemoteEvent]) -> dict[str, RemoteEvent]:
    """Each event once: it may stand twice in a listing that changes while it is read."""
    newest: dict[str, RemoteEvent] = {}
    for event in events:
        other = newest.get(event.event_id)
        if other is None or not _is_older(event, other.copy):
            newest[event.event_id] = event
    return newest


def _is_older(event: RemoteEvent, than: GoogleCopy) -> bool:
    listed, known = event.copy.updated_at, than.updated_at
    return listed is not None and known is not None and listed < known


def is_known(slot: Slot, event: RemoteEvent) -> bool:
    """Whether the listed state is the one that was taken in last."""
    known = slot.google
    return (
        known is not None
        and not known.only_looked_up
        and slot.hold_id is None
        and known.etag == event.copy.etag
        and slot.base == event.content
        and (event.content is None or known.restriction == event.copy.restriction)
    )


def must_be_read_afresh(slot: Slot, event: RemoteEvent) -> bool:
    """Whether a listed state must not be taken in as it stands.

    A quarantined slot waits. A state older than the one we know of is a stale read, and taking it in would
    revert an edit; so may one that is no newer and yet another. Google counts reminders as no change of the
    event, so two states with one etag may differ in them, and nothing tells which is newer.
    """
    if slot.quarantined_until is not None:
        return True
    if slot.moving_to is not None and event.content is None:
        # It may be what the move left behind.
        return True
    known = slot.google
    if known is None or slot.hold_id is not None:
        return False
    if known.etag == event.copy.etag:
        return slot.base != event.content
    return _is_older(event, known) or (
        known.updated_at is not None and event.copy.updated_at == known.updated_at
    )


def to_be_read_afresh(slot: Slot, event: RemoteEvent) -> Slot:
    """A slot whose event was listed and is to be read before anything else.

    An instance that is listed is an exception, and its etag is kept: what is read under it is one, too, while
    an instance that is as its series has it looks no different.
    """
    google = slot.google
    if google is not None and slot.series is not None and event.content is not None:
        google = replace(google, etag=event.copy.etag, only_looked_up=False)
    return replace(slot, google=google, refetch=True)
