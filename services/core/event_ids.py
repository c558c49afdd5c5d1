"""The ids under which we create events at Google.

An id is a function of the slot and its generation, so that a repeated insert meets its own first attempt
(409) instead of making a second event. A deleted event keeps its id for ever, so what is to come back after
that starts a new generation.

Source: Calendar API reference, Events resource, `id`: characters a-v and 0-9, 5 to 1024 of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


def event_id_for(slot_id: UUID, generation: int) -> str:
    """The event id of a slot's `generation`-th life at Google, counted from 0."""
    return slot_id.hex if generation == 0 else f"{slot_id.hex}g{generation}"


def is_event_id_of(event_id: str, slot_id: UUID) -> bool:
    """Whether `event_id` is one that this slot could have been created under."""
    return event_id == slot_id.hex or (
        event_id.startswith(f"{slot_id.hex}g") and event_id[len(slot_id.hex) + 1 :].isdigit()
    )
