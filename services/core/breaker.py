"""The circuit breaker of one slot: it opens when app and Google keep overwriting each other.

An overwrite is a change of one side that follows a change of the other. Two people who both edit produce a
few; two programs that fight produce one each round. What a slot misses while it is quarantined is not lost:
local edits are kept and Google's copy is read afresh when the breaker half-opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from services.core.frozen import replace
from services.core.records import LoopRecord, Slot

if TYPE_CHECKING:
    from datetime import datetime

    from services.core.policy import LoopPolicy


def observe_change(slot: Slot, origin: Literal["app", "google"], at: datetime, policy: LoopPolicy) -> Slot:
    """Note that `origin` changed the slot's content; quarantine the slot when that was one time too many."""
    loop = slot.loop
    recent = tuple(moment for moment in loop.overwrites if at - moment <= policy.window)
    calm = not recent and bool(loop.overwrites)
    trips = 0 if calm else loop.trips
    if loop.last_origin is not None and loop.last_origin != origin:
        recent = (*recent, at)
    # A breaker that has tripped lately is on probation: half the patience.
    limit = policy.limit if trips == 0 else max(1, policy.limit // 2)
    if len(recent) <= limit or slot.quarantined_until is not None:
        return replace(slot, loop=LoopRecord(origin, recent, trips))
    cooldown = min(policy.cooldown * (1 << min(trips, 16)), policy.cooldown_ceiling)
    return replace(
        slot,
        loop=LoopRecord(origin, recent, trips + 1),
        quarantined_until=at + cooldown,
        refetch=slot.google is not None,
    )


def observe_app_edit(slot: Slot, at: datetime, policy: LoopPolicy) -> Slot:
    """`observe_change` for an edit over REST."""
    return observe_change(slot, "app", at, policy)


def half_open(slot: Slot, at: datetime) -> Slot:
    """Give a quarantined slot another chance, on probation from now; Google's copy is to be read first."""
    if slot.quarantined_until is None:
        return slot
    return replace(_released(slot), loop=replace(slot.loop, overwrites=(at,)))


def keep_in_sight(slot: Slot, at: datetime) -> Slot:
    """Make sure that a quarantine ends: a quarantined slot always has something to be done afterwards."""
    if slot.quarantined_until is None or slot.needs_attention:
        return slot
    return half_open(slot, at) if slot.local is None else replace(slot, refetch=True)


def close(slot: Slot) -> Slot:
    """Forget the fight, because a person said that it is over."""
    return replace(_released(slot), loop=LoopRecord(slot.loop.last_origin))


def _released(slot: Slot) -> Slot:
    return replace(slot, quarantined_until=None, refetch=slot.google is not None)
