"""A slice of random histories; any that fails is named by its seed."""

from __future__ import annotations

import pytest

from tests.engine.histories import play

SEEDS_PER_TEST = 10


@pytest.mark.parametrize("first", range(0, 200, SEEDS_PER_TEST))
async def test_no_edit_is_lost_whatever_happens_on_the_way(first: int):
    for seed in range(first, first + SEEDS_PER_TEST):
        try:
            await play(seed)
        except AssertionError as error:
            raise AssertionError(f"history of seed {seed}: {error}") from error
