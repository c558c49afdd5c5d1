"""What a mutant is: one deliberate defect, switched on while a history is played.

The product knows nothing of it: names are replaced in the modules and classes that look them up. A defect
that shows only after a certain mishap is looked for in histories in which that happens often, so that a build
need not play thousands; everything else about them is as the seed says.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

from tests.simulation.drawing import PEOPLE, draw
from tests.simulation.history import play
from tests.simulation.plan import EVERYBODY, Happening, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.simulation.history import Verdict

Apply: TypeAlias = "Callable[[pytest.MonkeyPatch], None]"
_OFTEN: Final = 8


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect."""

    name: str
    harm: str
    """What is wrong, and what a user would see of it."""
    often: tuple[str, ...]
    """What happens more often in the histories that are to find it."""
    of_series: bool
    """Whether people edit series in these histories, and not single events."""
    calm: bool
    """Whether nothing goes wrong in these histories."""
    shape: Mapping[str, Any]
    """What is the same in all of these histories, whatever the seed says: fields of a plan's shape."""
    _apply: Apply

    @contextmanager
    def switched_on(self) -> Iterator[None]:
        """Until the end of the block the product has the defect."""
        with pytest.MonkeyPatch.context() as patch:
            self._apply(patch)
            yield

    def plans(self, first: int = 0) -> Iterator[Plan]:
        """The histories that are to find it, from a seed on."""
        for seed in count(first):
            plan = draw(seed)
            if plan.shape.series is self.of_series:
                yield self._with_what_happens_often(plan)

    def play(self, plan: Plan) -> Verdict:
        """Play a history with the defect."""
        with self.switched_on():
            return play(plan)

    def _with_what_happens_often(self, plan: Plan) -> Plan:
        if self.shape:
            plan = replace(plan, shape=replace(plan.shape, **self.shape))
        if not self.often:
            return plan
        dice = random.Random(f"{plan.seed} often")
        last = max(each.at for each in plan.act(EVERYBODY))
        more = [
            Happening(round(dice.uniform(0.2, last), 3), dice.choice(self.often), dice.getrandbits(48))
            for _ in range(_OFTEN)
        ]
        kept = [each for each in plan.happenings if not self.calm or each.kind in PEOPLE]
        happenings = sorted([*kept, *more], key=lambda each: (each.act, each.at))
        return replace(plan, happenings=tuple(happenings))


def mutant(
    *often: str, of_series: bool = False, calm: bool = False, **shape: Any
) -> Callable[[Apply], Mutant]:
    """Make a mutant that bears the name of a function and says what stands in its docstring."""

    def make(apply: Apply) -> Mutant:
        assert apply.__doc__ is not None
        name, harm = apply.__name__.replace("_", " "), " ".join(apply.__doc__.split())
        return Mutant(name, harm, often, of_series, calm, shape, apply)

    return make


def used_by(module: Any, name: str) -> Any:
    """What a module looks up under a name, though it may have it from another one."""
    return getattr(module, name)
