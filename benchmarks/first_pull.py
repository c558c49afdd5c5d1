"""The first pull of a large calendar into SQLite."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.google import google_process
from benchmarks.processes import child
from benchmarks.report import Row, Target

if TYPE_CHECKING:
    from benchmarks.plan import Plan

_MIB = 1024 * 1024
_NAME = "first_pull"
_RIVALS = ("ours", "floor", "peer")
_LARGE, _SMALL = "large@example.com", "small@example.com"


def measure(plan: Plan) -> list[Row]:
    """Pull with ours, the floor and the peer in turn, each in a fresh process."""
    large, small = plan.events, plan.events // 5
    seconds: dict[str, list[float]] = {who: [] for who in _RIVALS}
    cpu: dict[str, list[float]] = {who: [] for who in _RIVALS}
    growth: dict[str, list[float]] = {"ours": [], "floor": [], "peer": [], "small": []}
    with tempfile.TemporaryDirectory() as name, google_process(Path(name)) as google:
        tokens = {
            _LARGE: google.add_account(_LARGE, events=large),
            _SMALL: google.add_account(_SMALL, events=small),
        }
        for _ in range(plan.repeat):
            for who in _RIVALS:
                done = child(f"benchmarks.pulls.{who}", {"url": google.url, "token": tokens[_LARGE]})
                assert done["events"] == large, f"{who} pulled {done['events']} events"
                seconds[who].append(done["seconds"])
                cpu[who].append(done["cpu_seconds"])
                growth[who].append(done["growth"] / _MIB)
            done = child("benchmarks.pulls.ours", {"url": google.url, "token": tokens[_SMALL]})
            assert done["events"] == small
            growth["small"].append(done["growth"] / _MIB)
    speed = {who: [large / each for each in taken] for who, taken in seconds.items()}
    busy = {who: [large / each for each in taken] for who, taken in cpu.items()}
    title = f"first pull of {large:,} events"
    return [
        Row(_NAME, title, "events/s", speed["ours"], Target("at least", 0.4), "floor", speed["floor"]),
        Row(_NAME, title, "events/s", speed["ours"], Target("at least", 4), "gcal-sync", speed["peer"]),
        Row(
            _NAME,
            "- the same per CPU second of the client",
            "events/s",
            busy["ours"],
            Target("at least", 4),
            "gcal-sync",
            busy["peer"],
            note="What the simulator spends on either does not count here.",
        ),
        Row(_NAME, "- growth of memory", "MB", growth["ours"], Target("at most", 64, "MB")),
        Row(
            _NAME,
            "- growth of memory",
            "MB",
            growth["ours"],
            Target("at most", 0.25),
            "gcal-sync",
            growth["peer"],
        ),
        Row(
            _NAME,
            f"- growth of memory, {large:,} events",
            "MB",
            growth["ours"],
            Target("at most", 1.25),
            f"{small:,} events",
            growth["small"],
            note="Flat: five times the events may cost a quarter more, the noise of an allocator.",
        ),
    ]
