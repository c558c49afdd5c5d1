"""What fails is made as small as it can be, and plays again as it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation.drawing import draw
from tests.simulation.history import play
from tests.simulation.shrinking import shrunk

if TYPE_CHECKING:
    from tests.simulation.plan import Plan


@pytest.mark.parametrize("needed", [{3}, {0, 9}, {2, 5, 11}])
def test_only_what_is_needed_is_kept(needed: set[int]):
    plan = draw(1)
    wanted = {plan.happenings[number] for number in needed}

    def fails(smaller: Plan) -> bool:
        return wanted <= set(smaller.happenings)

    assert set(shrunk(plan, fails)) == needed


def test_the_same_seed_plays_the_same_history():
    for seed in range(10):
        first, again = play(draw(seed)), play(draw(seed))
        assert (first.digest, first.happened) == (again.digest, again.happened)


def test_other_seeds_play_other_histories():
    assert len({play(draw(seed)).digest for seed in range(20)}) == 20


def test_leaving_a_happening_out_changes_nothing_about_the_others():
    plan = draw(7)
    smaller = plan.keeping(range(1, len(plan.happenings)))
    assert smaller.happenings == plan.happenings[1:]
    assert smaller.shape == plan.shape
