"""Random histories of series; any that fails is named by its seed.

SERIES_HISTORIES in the environment says how many of each kind are played, for instance 100000 over a night.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.engine.series_histories import play

PARTS = 10
CALM = int(os.environ.get("SERIES_HISTORIES", "300"))
ROUGH = int(os.environ.get("SERIES_HISTORIES", "300"))
ROUGH_SEEDS = 1_000_000
"""Where the seeds of the second kind begin."""


@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
async def test_both_sides_show_the_same_series_whoever_edits_them(part: int):
    happened = await play_all(range(part, CALM, PARTS), rough=False)
    assert not [name for name in EVERYWHERE if not happened[name]]


@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
async def test_both_sides_show_the_same_series_over_a_line_with_mishaps(part: int):
    await play_all(range(ROUGH_SEEDS + part, ROUGH_SEEDS + ROUGH, PARTS), rough=True)


EVERYWHERE = ("app create", "google create", "app write this", "google write this")
"""Edits that every part of the histories must reach."""


async def play_all(seeds: range, *, rough: bool) -> Counter[str]:
    happened: Counter[str] = Counter()
    for seed in seeds:
        try:
            happened += await play(seed, rough=rough)
        except AssertionError as error:
            raise AssertionError(f"history of seed {seed}: {error}") from error
    return happened
