"""Deliberate defects, and how long the simulation takes to find each."""

from __future__ import annotations

from typing import Final

from tests.simulation.mutants import (
    asking,
    leasing,
    leaving,
    linking,
    merging,
    moving,
    pulling,
    pushing,
    recurring,
    telling,
    touching,
)
from tests.simulation.mutants.kit import Mutant

MUTANTS: Final[tuple[Mutant, ...]] = tuple(
    each
    for module in (
        merging,
        pushing,
        pulling,
        recurring,
        leasing,
        telling,
        linking,
        asking,
        moving,
        touching,
        leaving,
    )
    for each in vars(module).values()
    if isinstance(each, Mutant)
)
