"""Plays histories from seeds and judges them: what `make sim` does.

    make sim N=100000 [SEED=0] [STORE=memory|sqlite] [WORKERS=2] [EDITS=12]

A history that fails is made as small as possible and printed with the command that plays it again:

    make sim N=1 SEED=17 KEEP=0,4,9
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from tests.simulation.drawing import draw
from tests.simulation.history import Verdict, play
from tests.simulation.shrinking import shrunk
from tests.simulation.sometimes import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.plan import Plan

_CHUNK = 50
_SHRUNK = 5
"""Of how many failures the smallest form is looked for."""


@dataclass(slots=True)
class _Played:
    """What became of a chunk of histories."""

    count: int = 0
    cpu_s: float = 0.0
    happened: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Order:
    """What to play."""

    store: str
    edits: int
    kept: tuple[int, ...] | None

    def plan(self, seed: int) -> Plan:
        plan = draw(seed, edits=self.edits)
        return plan if self.kept is None else plan.keeping(self.kept)

    def play(self, plan: Plan) -> Verdict:
        return play(plan, self.store)


def _play_chunk(order: _Order, seeds: range) -> _Played:
    played = _Played()
    # A history leaves much behind that refers to itself; it is collected between chunks.
    gc.collect()
    gc.freeze()
    gc.disable()
    began = time.process_time()
    for seed in seeds:
        verdict = order.play(order.plan(seed))
        played.count += 1
        played.happened += verdict.happened
        if verdict.failure is not None:
            played.failures.append((seed, verdict.failure))
    gc.enable()
    played.cpu_s = time.process_time() - began
    return played


def main() -> int:
    """Play, and say how it went; the exit code tells whether every history passed."""
    asked = _arguments()
    # Killed processes leave connections behind, and whoever finds them complains.
    warnings.simplefilter("ignore")
    kept = None if not asked.keep else tuple(int(number) for number in asked.keep.split(","))
    order = _Order(asked.store, asked.edits, kept)
    began = time.perf_counter()
    total = _Played()
    for played in _all(order, range(asked.seed, asked.seed + asked.n), asked.workers):
        total.count += played.count
        total.cpu_s += played.cpu_s
        total.happened += played.happened
        total.failures += played.failures
        for seed, failure in played.failures:
            _say(f"seed {seed}: {failure}")
        if total.count % 10_000 < _CHUNK:
            _say(f"{total.count} histories, {len(total.failures)} failed, {_rate(total)}")
        if len(total.failures) >= asked.most_failures:
            break
    _report(order, asked, total, time.perf_counter() - began)
    never = missing(total.happened, histories=total.count) if kept is None else []
    if never:
        _say(f"Too seldom, so that this run proves less than it should: {', '.join(never)}")
    return 1 if total.failures or never else 0


def _all(order: _Order, seeds: range, workers: int) -> Iterator[_Played]:
    chunks = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
    if workers == 1 or len(chunks) == 1:
        yield from map(partial(_play_chunk, order), chunks)
        return
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap_unordered(partial(_play_chunk, order), chunks)


def _report(order: _Order, asked: argparse.Namespace, total: _Played, took_s: float) -> None:
    for seed, _ in total.failures[:_SHRUNK]:
        if order.kept is None:
            _say(f"\nseed {seed}, as small as it gets:")
            plan = order.plan(seed)
            needed = shrunk(plan, lambda smaller: not order.play(smaller).passed)
            for number in needed:
                _say(f"    {plan.happenings[number]}")
            keep = ",".join(map(str, needed))
            edits = "" if order.edits == asked_edits() else f" EDITS={order.edits}"
            store = "" if order.store == "memory" else f" STORE={order.store}"
            _say(f"  make sim N=1 SEED={seed}{store}{edits} KEEP={keep}")
    if asked.verbose:
        for what, count in sorted(total.happened.items(), key=lambda item: -item[1]):
            _say(f"{count:>10} {what}")
    _say(
        f"{total.count} histories from seed {asked.seed} in {order.store}: {len(total.failures)} failed. "
        f"{took_s:.0f} s, {_rate(total)} per core."
    )


def asked_edits() -> int:
    """How many edits a history has unless it is told otherwise."""
    return 12


def _rate(total: _Played) -> str:
    return f"{total.count / max(total.cpu_s, 1e-9):.0f} histories a second"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make sim", description=__doc__)
    parser.add_argument("--n", type=int, default=1000, help="how many histories")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first one")
    parser.add_argument("--store", choices=("memory", "sqlite"), default="memory")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--edits", type=int, default=asked_edits())
    parser.add_argument("--most-failures", type=int, default=10, help="after how many it stops")
    parser.add_argument("--keep", default="", help="only these happenings of the plan")
    parser.add_argument("--verbose", action="store_true", help="count what happened")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
