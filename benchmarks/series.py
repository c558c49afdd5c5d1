"""What series cost: a timetable with many exceptions, against the same number of single events."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import httpx

from benchmarks.google import Timetable, google_process
from benchmarks.processes import child
from benchmarks.report import Row, Target
from benchmarks.service import service_process

if TYPE_CHECKING:
    from benchmarks.google import Google
    from benchmarks.plan import Plan
    from benchmarks.service import Member

_NAME = "series"
_EXCEPTIONS = 20
_CHANGES = 20
_SERIES, _SINGLE = "series@example.com", "single@example.com"
_MONTH = "from=2026-01-05T00:00:00Z&to=2026-02-05T00:00:00Z&expand=true"
_PAGE = 200
_REQUESTS = 20
_MS = 1000


def measure(plan: Plan) -> list[Row]:
    """Pull both calendars, change some of both, and list a month of both, in turn."""
    timetable = Timetable(plan.series, _EXCEPTIONS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with google_process(folder) as google:
            tokens = {
                _SERIES: google.add_account(_SERIES, timetable=timetable),
                _SINGLE: google.add_account(_SINGLE, events=timetable.events),
            }
            speed = _first_pulls(plan, google, tokens, timetable.events)
            order = {"url": google.url, "tokens": tokens, "changes": _CHANGES, "repeat": plan.repeat}
            changed = child("benchmarks.incremental", order)["seconds"]
        listed = _listings(plan, folder, timetable)
    other = f"{timetable.events:,} single events"
    return [
        Row(
            _NAME,
            f"first pull of {plan.series} series with {_EXCEPTIONS} exceptions each",
            "events/s",
            speed[_SERIES],
            Target("at least", 0.5),
            other,
            speed[_SINGLE],
        ),
        Row(
            _NAME,
            f"- incremental pull of {_CHANGES} changed exceptions",
            "ms",
            changed[_SERIES],
            Target("at most", 1.5),
            f"{_CHANGES} of {other}",
            changed[_SINGLE],
        ),
        Row(
            _NAME,
            f"- GET /slots?expand=true&limit={_PAGE} over a month, median of {_REQUESTS}",
            "ms",
            listed[_SERIES],
            Target("at most", 5),
            other,
            listed[_SINGLE],
            note="A page of single slots is read from an index; for one of instances 200 rules are placed.",
        ),
    ]


def _first_pulls(plan: Plan, google: Google, tokens: dict[str, str], events: int) -> dict[str, list[float]]:
    speed: dict[str, list[float]] = {email: [] for email in tokens}
    for _ in range(plan.repeat):
        for email, token in tokens.items():
            done = child("benchmarks.pulls.ours", {"url": google.url, "token": token})
            assert done["events"] == events, done
            speed[email].append(events / done["seconds"])
    return speed


def _listings(plan: Plan, folder: Path, timetable: Timetable) -> dict[str, list[float]]:
    listed: dict[str, list[float]] = {_SERIES: [], _SINGLE: []}
    with google_process(folder) as google, service_process(folder, google) as service:
        members = {
            _SERIES: service.member(_SERIES, timetable=timetable),
            _SINGLE: service.member(_SINGLE, events=timetable.events),
        }
        url = f"{service.url}/slots?{_MONTH}&limit={_PAGE}"
        for _ in range(plan.repeat):
            for email, member in members.items():
                listed[email].append(_milliseconds(url, member))
    return listed


def _milliseconds(url: str, member: Member) -> float:
    taken = []
    with httpx.Client(headers=member.headers, timeout=60) as http:
        assert http.get(url).raise_for_status().json()["items"]
        for _ in range(_REQUESTS):
            started = time.perf_counter()
            http.get(url).raise_for_status()
            taken.append((time.perf_counter() - started) * _MS)
    return median(taken)
