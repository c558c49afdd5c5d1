"""Random histories of series; any that fails is named by its seed.

SERIES_HISTORIES in the environment says how many of each kind are played, for instance 100000 over a night.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.engine.series_histories import play

PARTS = 5
HISTORIES = int(os.environ.get("SERIES_HISTORIES", "1000"))
ROUGH_SEEDS = 1_000_000
"""Where the seeds of the second kind begin."""


EVERYWHERE = frozenset(
    f"{who} {what} {scope}"
    for who in ("app", "google")
    for what in ("write", "move", "delete")
    for scope in ("this", "following", "all")
)
"""Edits that every part of the histories must reach."""


@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
async def test_both_sides_show_the_same_series_whoever_edits_them(part: int):
    happened = await play_all(range(part, HISTORIES, PARTS), rough=False)
    assert happened.keys() >= EVERYWHERE


@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
async def test_both_sides_show_the_same_series_over_a_line_with_mishaps(part: int):
    await play_all(range(ROUGH_SEEDS + part, ROUGH_SEEDS + HISTORIES, PARTS), rough=True)


async def play_all(seeds: range, *, rough: bool) -> Counter[str]:
    happened: Counter[str] = Counter()
    for seed in seeds:
        try:
            happened += await play(seed, rough=rough)
        except AssertionError as error:
            raise AssertionError(f"history of seed {seed}: {error}") from error
    return happened
