"""Looking for the history that shows a defect, and what was found before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.simulation.history import play

if TYPE_CHECKING:
    from tests.simulation.mutants.kit import Mutant

RECORD: Final = Path(__file__).with_name("caught.json")
MOST: Final = 300
"""How many histories a mutant may live through."""
_SAYINGS: Final = {
    "erased user": "who is erased is forgotten",
    "was lost": "I1 nothing is lost",
    "lost to": "I2 newer beats older",
    "stands twice": "I3 nothing is double",
    "feed": "the feed is exact",
    "history": "the history is whole",
    "miscounts": "conflicts are counted",
    "internal": "no internal error",
    "inside a transaction": "I8 no call in a transaction",
    "busy": "it comes to rest",
    "waits for something": "it comes to rest",
}
"""What a judge says, and what it judges."""
_JUDGES: Final = {
    "I1": "nothing is lost",
    "I2": "newer beats older",
    "I3": "nothing is double",
    "I4": "the unknown is untouched",
    "I5": "writes have causes",
    "I7": "nobody sees others",
    "I9": "no mail unasked",
    "I11": "a mass deletion waits",
    "I12": "both sides are equal",
    "I13": "silence at rest",
    "I15": "it is prompt and patient",
    "I16": "a dead grant is let go",
}


@dataclass(frozen=True, slots=True)
class Catch:
    """The history that showed a defect."""

    histories: int
    """How many had to be played."""
    seed: int
    failure: str

    @property
    def judge(self) -> str:
        """Who saw it."""
        number, colon, _ = self.failure.partition(":")
        if colon and number in _JUDGES:
            return f"{number} {_JUDGES[number]}"
        return next((judge for saying, judge in _SAYINGS.items() if saying in self.failure), self.failure)


def hunt(mutant: Mutant, *, first: int = 0, most: int = MOST) -> Catch | None:
    """Play histories from a seed on until a judge sees the defect.

    Returns:
        `None`: it lived through all of them. A history that fails without it, too, says nothing about it.
    """
    for number, plan in enumerate(islice(mutant.plans(first), most), 1):
        failure = mutant.play(plan).failure
        if failure is not None and play(plan).passed:
            return Catch(number, plan.seed, failure)
    return None


def known_seeds() -> dict[str, int]:
    """By mutant, a seed that showed it when it was measured last."""
    found: dict[str, int] = json.loads(RECORD.read_text())
    return found


def remember(seeds: dict[str, int]) -> None:
    """Keep where each mutant is shown."""
    RECORD.write_text(json.dumps(seeds, indent=2) + "\n")
