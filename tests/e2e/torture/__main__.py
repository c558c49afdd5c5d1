"""`make torture MINUTES=10 STORE=postgresql SEED=7`: the real processes under load and under fire."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.e2e.torture.run import torture


def main() -> None:
    """Play for some minutes, say how it went, and fail when anything was lost or doubled."""
    options = argparse.ArgumentParser(prog="python -m tests.e2e.torture", description=__doc__)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    say(f"make torture MINUTES={asked.minutes:g} STORE={asked.store} SEED={asked.seed}")
    report = asyncio.run(
        torture(asked.store, asked.seed, lambda trouble: trouble.age_s < asked.minutes * 60, told=say)
    )
    for line in report.lines():
        say(line)
    say("nothing was lost, nothing was doubled")


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
