"""Making a history that fails as small as it can be: leaving out what it does not need (ddmin).

Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.plan import Plan


def shrunk(plan: Plan, fails: Callable[[Plan], bool], *, most_plays: int = 400) -> tuple[int, ...]:
    """The numbers of the happenings that are needed for the plan to fail.

    Args:
        plan: A plan that fails.
        fails: Plays a plan; `True` when it fails.
        most_plays: When to be content with what is found by then.
    """
    kept = list(range(len(plan.happenings)))
    parts = 2
    plays = 0
    while len(kept) > 1 and plays < most_plays:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            without = kept[:start] + kept[start + size :]
            plays += 1
            if without and fails(plan.keeping(without)):
                kept, parts = without, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(kept))
    return tuple(kept)
