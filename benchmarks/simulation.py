"""How many histories of twelve edits a core plays and judges in a second, with the store in memory."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

from benchmarks.report import Row, Target
from tests.simulation.drawing import draw
from tests.simulation.history import play

if TYPE_CHECKING:
    from benchmarks.plan import Plan

_NAME = "simulation"
_EDITS = 12


def measure(plan: Plan) -> list[Row]:
    """Play other histories in each repetition."""
    play(draw(0))
    speeds = [_speed(plan.histories, first=plan.histories * number) for number in range(plan.repeat)]
    return [
        Row(
            _NAME,
            f"histories of {_EDITS} edits, mishaps and all, by CPU time",
            "histories/s",
            speeds,
            Target("at least", 300, "histories/s"),
            note="Real engine, services and simulator; a history is some twenty calls to Google and two "
            "hundred transactions.",
        )
    ]


def _speed(count: int, *, first: int) -> float:
    gc.collect()
    began = time.process_time()
    for seed in range(first, first + count):
        verdict = play(draw(seed, edits=_EDITS))
        assert verdict.passed, f"seed {seed}: {verdict.failure}"
    return count / (time.process_time() - began)
