"""A slice of the simulation; any history that fails is named by its seed and by the command that plays it.

`make sim` plays more: see docs/reliability.md.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulation.drawing import draw
from tests.simulation.history import play
from tests.simulation.sometimes import missing

PARTS = 2
HISTORIES = 1200


@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_edit_is_lost_or_doubled_whatever_happens(part: int):
    happened: Counter[str] = Counter()
    size = HISTORIES // PARTS
    for seed in range(part * size, (part + 1) * size):
        verdict = play(draw(seed))
        assert verdict.passed, f"{verdict.failure}\nmake sim N=1 SEED={seed}"
        happened += verdict.happened
    assert not missing(happened, histories=size)
