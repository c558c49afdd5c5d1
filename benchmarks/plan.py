"""How large a run is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of the measurements."""

    repeat: int
    events: int = 100_000
    """In the large calendar."""
    few_events: int = 100
    """In the small one."""
    slots: int = 1_000
    """Of the user who lists them."""
    edits: int = 200
    """In each repetition."""
    series: int = 200
    """In a timetable, with twenty exceptions each."""
    forged: int = 4_000
    """Notifications in each repetition, half of each kind."""
    histories: int = 400
    """That are simulated in each repetition."""
    load_seconds: int = 4
    """How long one load lasts."""
    idle_seconds: int = 40
    """How long an idle service is watched."""


QUICK = {
    "events": 5_000,
    "slots": 200,
    "edits": 20,
    "series": 20,
    "forged": 200,
    "histories": 40,
    "load_seconds": 1,
    "idle_seconds": 3,
}
