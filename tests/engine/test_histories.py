"""A slice of random histories; any that fails is named by its seed."""

from __future__ import annotations

import pytest

from tests.engine.histories import play

SEEDS_PER_TEST = 10


@pytest.mark.parametrize("first", range(0, 200, SEEDS_PER_TEST))
async def test_no_edit_is_lost_whatever_happens_on_the_way(first: int):
    await play_all(first, everything=False)


@pytest.mark.parametrize("first", range(200, 400, SEEDS_PER_TEST))
async def test_no_edit_is_lost_when_all_that_is_rare_happens_too(first: int):
    await play_all(first, everything=True)


async def play_all(first: int, *, everything: bool) -> None:
    for seed in range(first, first + SEEDS_PER_TEST):
        try:
            await play(seed, everything=everything)
        except AssertionError as error:
            raise AssertionError(f"history of seed {seed}: {error}") from error
