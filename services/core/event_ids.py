"""The ids under which we create events at Google.

An id is a function of the slot and its generation, so that a repeated insert meets its own first attempt
(409) instead of making a second event. A deleted event keeps its id for ever, so what is to come back after
that starts a new generation.

Source: Calendar API reference, Events resource, `id`: characters a-v and 0-9, 5 to 1024 of them.
"""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

_ID: Final = re.compile(r"([0-9a-f]{32})(?:g([1-9]\d*))?")


def event_id_for(slot_id: UUID, generation: int) -> str:
    """The event id of a slot's `generation`-th life at Google, counted from 0."""
    return slot_id.hex if generation == 0 else f"{slot_id.hex}g{generation}"


def slot_id_in(event_id: str) -> UUID | None:
    """The slot that an event id was made for; `None` when it cannot be one of ours."""
    match = _ID.fullmatch(event_id)
    return UUID(match[1]) if match else None


def generation_in(event_id: str) -> int:
    """The generation that an id of ours was made for; 0 of any other."""
    match = _ID.fullmatch(event_id)
    return int(match[2]) if match and match[2] else 0
