"""Google says that it has no event where one was: whether to take its word.

Google keeps what was deleted as a tombstone for weeks, and answers with that. So an event that was there and
is unknown now is rare, and a mistake of Google's more likely; taken at its word, the event would be made anew
and be there twice. It is asked a second time, a moment later. And an event that was let go of and is listed
all the same is looked at, before it counts as another thing.

Source: reported spurious 404 answers; Calendar API reference, `events.get` (what was deleted comes as
`cancelled`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.core.event_ids import generation_in, slot_id_in
from services.core.frozen import replace
from services.core.pushing import Call, Fetch, Insert, Locate
from services.core.records import PushFailure, Slot

if TYPE_CHECKING:
    from datetime import datetime

EVENT_NOT_FOUND: Final = "event-not-found"
SECOND_LOOK: Final = timedelta(seconds=2)


def is_believed(call: Call, slot: Slot) -> bool:
    """Whether the slot's event is taken to be gone.

    What may not have arrived was never there. A tombstone was: it may have come to life since, by a call of
    ours that was not answered, or keep an instance cancelled. An instance of a series leaves none when its
    place is gone, and is asked for twice all the same: nothing would ever tell that its event is there after
    all.
    """
    if isinstance(call, Insert) or (slot.base is None and slot.google is None):
        return True
    return slot.failure is not None and slot.failure.reason == EVENT_NOT_FOUND


def to_be_looked_for_again(call: Call, slot: Slot, now: datetime) -> Slot:
    """The slot, waiting for the second look."""
    detail = "Google knows no such event; it is asked once more"
    return replace(
        slot,
        # A call that was refused has sent nothing; a look leaves open what was sent before.
        sent=slot.sent if isinstance(call, Fetch | Locate) else None,
        refetch=True,
        failure=PushFailure(EVENT_NOT_FOUND, detail, 1, now + SECOND_LOOK),
    )


def has_let_go_of(slot: Slot, event_id: str) -> bool:
    """Whether an event is of a former life of the slot, which has no event now and is not getting one.

    It was removed at Google, or taken for gone. Listed again, it is not another thing: a page may have been
    read before the removal, or Google was wrong. As a slot of its own it would be there twice.
    """
    free = slot.google is None and slot.sent is None and slot.series is None
    return free and slot_id_in(event_id) == slot.id and generation_in(event_id) < slot.generation
