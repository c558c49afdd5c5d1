"""The simulation sees every deliberate defect, or it could not be trusted about the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.mutants.hunt import MOST, hunt, known_seeds

if TYPE_CHECKING:
    from tests.simulation.mutants.kit import Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(mutant: Mutant) -> None:
    first = known_seeds().get(mutant.name, 0)
    assert hunt(mutant, first=first) is not None, (
        f"{mutant.harm} No judge sees it in {MOST} histories from seed {first} on."
    )


def test_a_mutant_is_switched_off_again() -> None:
    plan = next(MUTANTS[0].plans())
    before = MUTANTS[0].play(plan)
    again = MUTANTS[0].play(plan)
    assert (before.failure, before.digest) == (again.failure, again.digest)


def test_there_are_enough_of_them_with_names_of_their_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20
