"""What it costs to stay in sync: few changes in large calendars, quiet syncs, and nothing at all."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.google import google_process
from benchmarks.processes import child
from benchmarks.report import Row, Target
from benchmarks.service import service_process

if TYPE_CHECKING:
    from benchmarks.plan import Plan

_NAME = "upkeep"
_CHANGES = 100
_LOOK_EVERY_S = 0.02
_LARGE, _SMALL, _IDLE = "large@example.com", "small@example.com", "idle@example.com"


def _writes(path: Path, seconds: float) -> int:
    """How often another connection's commit is seen to change the database."""
    changes, until = 0, time.perf_counter() + seconds
    with closing(sqlite3.connect(path)) as database:
        known = _version(database)
        while time.perf_counter() < until:
            time.sleep(_LOOK_EVERY_S)
            now = _version(database)
            changes += now != known
            known = now
    return changes


def _version(database: sqlite3.Connection) -> int:
    [version] = database.execute("PRAGMA data_version").fetchone()
    return int(version)


def measure(plan: Plan) -> list[Row]:
    """Run the engine over a large and a small calendar in turn, then watch a whole service do nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with google_process(folder) as google:
            large = google.add_account(_LARGE, events=plan.events)
            small = google.add_account(_SMALL, events=plan.few_events)
            order = {
                "url": google.url,
                "tokens": {_LARGE: large, _SMALL: small},
                "changes": _CHANGES,
                "repeat": plan.repeat,
            }
            done = child("benchmarks.incremental", order)
            with service_process(folder, google) as service:
                service.member(_IDLE, events=10)
                google.forget_calls()
                writes = _writes(service.database, plan.idle_seconds)
                calls = len(google.calendar_calls(_IDLE))
    quiet = f"one quiet fallback sync, {plan.events:,} events"
    idle = f"idle calendar with a healthy channel, {plan.idle_seconds} s"
    return [
        Row(
            _NAME,
            f"incremental pull of {_CHANGES} changes, {plan.events:,} events",
            "ms",
            done["seconds"][_LARGE],
            Target("at most", 1.2),
            f"{plan.few_events:,} events",
            done["seconds"][_SMALL],
        ),
        Row(_NAME, f"{quiet}: calls", "calls", done["calls"], Target("at most", 1, "calls")),
        Row(
            _NAME,
            f"{quiet}: database statements",
            "statements",
            done["statements"],
            Target("at most", 4, "statements"),
            note="Without BEGIN and COMMIT.",
        ),
        Row(_NAME, f"{idle}: calls", "calls", [calls], Target("at most", 0, "calls")),
        Row(_NAME, f"{idle}: transactions that wrote", "writes", [writes], Target("at most", 0, "writes")),
    ]
