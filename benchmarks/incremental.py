"""Repeated syncs of a large and a small calendar by the real engine: few changes, and none."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import uvloop

from benchmarks.engine import World, engine_world
from benchmarks.google import Google, events_of
from benchmarks.processes import answer, order_of
from persistence.sqlite import ReadingConnection, WritingConnection

if TYPE_CHECKING:
    import sqlite3

_MS = 1000
_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")
_statements: list[str] = []


class _TracedWriter(WritingConnection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _trace(self)


class _TracedReader(ReadingConnection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _trace(self)


def _trace(connection: sqlite3.Connection) -> None:
    connection.set_trace_callback(_note)


def _note(statement: str) -> None:
    if not statement.lstrip().upper().startswith(_CONTROL):
        _statements.append(statement)


async def _quiet(world: World, google: Google, email: str) -> tuple[int, int]:
    """Google calls and database statements of a sync that finds nothing, from claim to release."""
    await _due(world, email)
    google.forget_calls()
    _statements.clear()
    await world.run_claimed(email)
    await world.calendar(email)
    # The look at the outcome is ours, not the engine's.
    return len(google.calendar_calls(email)), len(_statements) - 1


async def _due(world: World, email: str) -> None:
    async with world.uow() as tx:
        await tx.calendars.mark_due(world.users[email], "primary", now=world.clock.now(), pull=True)


async def _changed(world: World, google: Google, email: str, ids: list[str], title: str) -> float:
    """Milliseconds that a sync of changes takes, from claim to release."""
    for event_id in ids:
        google.call("POST", events_of(email), {"id": event_id, "summary": title})
    await _due(world, email)
    before = (await world.calendar(email)).counters.pulled
    started = time.perf_counter()
    await world.run_claimed(email)
    took = (time.perf_counter() - started) * _MS
    assert (await world.calendar(email)).counters.pulled - before == len(ids)
    return took


async def measure(order: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Pull each calendar once, then change both in turn."""
    google, tokens = Google(order["url"]), order["tokens"]
    seconds: dict[str, list[float]] = {email: [] for email in tokens}
    calls, statements = [], []
    async with engine_world(order["url"], folder / "slots.db", tokens) as world:
        chosen = {}
        for email in tokens:
            await world.sync(email)
            # Of a timetable the exceptions, of single events all.
            events = [
                each
                for each in google.call("GET", events_of(email))["events"]
                if "recurrence" not in each and each["status"] != "cancelled"
            ]
            step = max(1, len(events) // order["changes"])
            chosen[email] = [each["id"] for each in events[::step]][: order["changes"]]
            del events
            await _changed(world, google, email, chosen[email], "warm-up")
        for number in range(order["repeat"]):
            for email in tokens:
                taken = await _changed(world, google, email, chosen[email], f"Change {number}")
                seconds[email].append(taken)
            quiet = await _quiet(world, google, next(iter(tokens)))
            calls.append(quiet[0])
            statements.append(quiet[1])
    google.close()
    return {"seconds": seconds, "calls": calls, "statements": statements}


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as name,
        patch("persistence.database.WritingConnection", _TracedWriter),
        patch("persistence.database.ReadingConnection", _TracedReader),
    ):
        answer(uvloop.run(measure(order_of(sys.argv), Path(name))))
