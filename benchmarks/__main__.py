"""Run the measurements, print the table, write `benchmarks/results.json`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import edits, first_pull, listing, report, series, simulation, upkeep, webhooks
from benchmarks.load import generator
from benchmarks.plan import QUICK, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.report import Row

MEASURES: dict[str, Callable[[Plan], list[Row]]] = {
    "first_pull": first_pull.measure,
    "listing": listing.measure,
    "webhooks": webhooks.measure,
    "edits": edits.measure,
    "upkeep": upkeep.measure,
    "series": series.measure,
    "simulation": simulation.measure,
}
_RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=MEASURES, action="append", help="measure this; may be repeated")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, no more")
    parser.add_argument("--repeat", type=int, help="alternating repetitions (3, with --quick 1)")
    parser.add_argument("--output", type=Path, help="another file than benchmarks/results.json")
    arguments = parser.parse_args()
    repeat = max(1, arguments.repeat or (1 if arguments.quick else 3))
    plan = Plan(repeat, **QUICK) if arguments.quick else Plan(repeat)
    facts = {
        "machine": report.machine(),
        "load_generator": generator(),
        "repeat": repeat,
        "quick": arguments.quick,
    }
    rows: list[Row] = []
    started = time.perf_counter()
    for name in arguments.only or MEASURES:
        print(f"measuring {name} ...", flush=True)
        rows += MEASURES[name](plan)
    took = time.perf_counter() - started
    print(f"\n{report.table(rows)}\n")
    print(f"medians [least .. greatest] of {repeat} alternating repetitions; load from {generator()}")
    print(f"{took:.0f} s on {facts['machine']['cores']} cores; load {facts['machine']['load_before']:.1f}")
    if arguments.quick:
        print("--quick: sizes are too small for the numbers to mean anything")
    # A part of a run, or a small one, does not replace the record of a whole one.
    whole = not arguments.quick and not arguments.only
    output = arguments.output or (_RESULTS if whole else None)
    if output is not None:
        report.write(output, rows, facts)
        print(f"written to {output}")


if __name__ == "__main__":
    main()
