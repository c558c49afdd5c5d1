"""How soon an edit arrives on the other side, where nothing goes wrong.

Everything heals by polling sooner or later; only this sees that a trigger was lost on the way.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tests.judges.ancestry import FIELDS, remote_value
from tests.judges.values import local_value
from tests.simulation.drawing import MOVES, PEOPLE
from tests.simulation.plan import EVERYBODY

if TYPE_CHECKING:
    from tests.simulation.account import Account
    from tests.simulation.world import World

_AT_LEAST_S: Final = 15.0
_CALLS: Final = 30
"""How many calls, on their way there and back, may lie between the last edit and its arrival."""


async def judge_promptness(world: World) -> None:
    """I15: after the last edit of a history without mishaps, both sides agree well before the next poll."""
    shape = world.plan.shape
    happenings = world.plan.act(EVERYBODY)
    edits = {*PEOPLE, *MOVES}
    if shape.series or any(shape.skews_s) or any(each.kind not in edits for each in happenings):
        return
    now = asyncio.get_running_loop().time
    deadline = now() + _AT_LEAST_S + _CALLS * shape.slow
    while True:
        late = [problem for account in world.accounts for problem in await _late(world, account)]
        if not late:
            return
        assert now() < deadline, f"I15: after {deadline:.0f} s not on the other side: {late}"
        await world.clock.sleep(1.0)


async def _late(world: World, account: Account) -> list[str]:
    """What is on one side only, and is not kept back for a reason."""
    slots = await world.slots(account.user_id, deleted=True)
    if any(slot.quarantined_until or slot.hold_id or slot.failure for slot in slots):
        return []
    late = [f"{slot.content.title!r} waits" for slot in slots if slot.push_at is not None]
    if not world.plan.shape.webhooks:
        return late
    bound = {
        (slot.calendar_id, slot.google.event_id): slot
        for slot in slots
        if slot.google and slot.deleted_at is None
    }
    for google in account.calendars:
        for event in google.events():
            slot = bound.get((google.calendar, event["id"]))
            shown = None if slot is None else {name: local_value(slot.content, name) for name in FIELDS}
            if shown != {name: remote_value(event, name) for name in FIELDS}:
                late.append(f"{event.get('summary')!r} has not come")
    return late
