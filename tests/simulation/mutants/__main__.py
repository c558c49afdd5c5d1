"""`python -m tests.simulation.mutants`: how many histories it takes to catch each mutant, as a table."""

from __future__ import annotations

import argparse
import sys
from statistics import mean
from typing import TYPE_CHECKING, Final

from tests.simulation.mutants import MUTANTS
from tests.simulation.mutants.hunt import MOST, Catch, hunt, remember

if TYPE_CHECKING:
    from tests.simulation.mutants.kit import Mutant

_APART: Final = 100_000
"""So that no two rounds play the same history."""


def main() -> int:
    """Hunt every mutant; says no when one survives a round."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=3, help="how often each is looked for, in other histories"
    )
    parser.add_argument("--seed", type=int, default=0, help="where the first round begins")
    parser.add_argument("--most", type=int, default=MOST, help="how many histories a mutant may live through")
    asked = parser.parse_args()
    _say("| Mutant | What is wrong | Often | Histories | Caught by |")
    _say("| --- | --- | --- | ---: | --- |")
    seeds: dict[str, int] = {}
    survived: list[str] = []
    for mutant in MUTANTS:
        begins = [asked.seed + number * _APART for number in range(asked.rounds)]
        found = [hunt(mutant, first=begin, most=asked.most) for begin in begins]
        catches = [catch for catch in found if catch is not None]
        if len(catches) < len(found):
            survived.append(mutant.name)
        if catches:
            seeds[mutant.name] = catches[0].seed
        _say(_row(mutant, catches, lived=len(found) - len(catches)))
    remember(seeds)
    if survived:
        sys.stderr.write(f"lived through {asked.most} histories: {', '.join(survived)}\n")
    return 1 if survived else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _row(mutant: Mutant, catches: list[Catch], *, lived: int) -> str:
    often = ", ".join(each.replace("_", " ") for each in mutant.often) or "-"
    histories = f"{mean(each.histories for each in catches):.0f}" if catches else ""
    if lived:
        histories += f" (survived {lived} times)"
    judges = "; ".join(sorted({each.judge for each in catches}))
    return f"| {mutant.name} | {mutant.harm} | {often} | {histories} | {judges} |"


if __name__ == "__main__":
    raise SystemExit(main())
