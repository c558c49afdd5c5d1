"""A first pull by the real engine."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.engine import CALENDAR, engine_world
from benchmarks.memory import Measured
from benchmarks.processes import answer, order_of

_EMAIL = "ours"


async def pull(order: dict[str, Any], folder: Path) -> dict[str, float]:
    """Pull everything into an empty database."""
    async with engine_world(order["url"], folder / "slots.db", {_EMAIL: order["token"]}) as world:
        async with world.uow() as tx:
            await tx.calendars.mark_due(world.users[_EMAIL], CALENDAR, now=world.clock.now(), pull=True)
        with Measured() as measured:
            await world.run_claimed(_EMAIL)
        pulled = (await world.calendar(_EMAIL)).counters.pulled
    return {"events": pulled, **measured.document()}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        answer(uvloop.run(pull(order_of(sys.argv), Path(name))))
