"""From an edit by API until it stands in Google, against one direct call of Google."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any

import aiohttp

from benchmarks.google import events_of, google_process
from benchmarks.report import Row, Target
from benchmarks.service import service_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.google import Google
    from benchmarks.plan import Plan
    from benchmarks.service import Member, Service

_NAME = "edits"
_MS = 1000
# Google allows 600 units per minute and user, which the service keeps to; an edit costs three, and the
# listing after Google's notification of it one.
_EDITS_PER_USER = 100
_WARM_UP = 10
_DIRECT = "direct@example.com"
_WAIT = {"prefer": "wait=10"}
_SLOT = {"title": "Before", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T11:00:00Z", "timezone": "UTC"}


def measure(plan: Plan) -> list[Row]:
    """Edit over both ways in turn."""
    rounds = plan.repeat * (plan.edits + _WARM_UP)
    users = -(-rounds // _EDITS_PER_USER) + 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with google_process(folder) as google, service_process(folder, google) as service:
            members = [service.member(f"editor{number}@example.com") for number in range(users)]
            token = google.add_account(_DIRECT, events=1)
            taken = asyncio.run(_edit(plan, service, members, google, token))
    p50 = {who: [_percentile(each, 50) for each in rounds] for who, rounds in taken.items()}
    p99 = {who: [_percentile(each, 99) for each in rounds] for who, rounds in taken.items()}
    how = "PATCH /slots/{id} with `Prefer: wait` answers once Google's answer is stored."
    name = "one PATCH of the simulator"
    return [
        Row(
            _NAME,
            f"edit by API until it stands in Google, p50 of {plan.edits}",
            "ms",
            p50["ours"],
            Target("at most", 10),
            name,
            p50["direct"],
            note=how,
        ),
        Row(_NAME, "- p99", "ms", p99["ours"], Target("at most", 100, "ms"), note=how),
    ]


def _percentile(taken: list[float], percent: int) -> float:
    return quantiles(taken, n=100, method="inclusive")[percent - 1] * _MS


async def _edit(
    plan: Plan, service: Service, members: list[Member], google: Google, token: str
) -> dict[str, list[list[float]]]:
    taken: dict[str, list[list[float]]] = {"ours": [], "direct": []}
    event_id = google.call("GET", events_of(_DIRECT))["events"][0]["id"]
    direct = f"{google.url}/calendar/v3/calendars/primary/events/{event_id}"
    authorised = {"authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as http:
        slots = [await _new_slot(http, service, member) for member in members]
        number = 0
        for _ in range(plan.repeat):
            ours, directly = [], []
            for _ in range(plan.edits + _WARM_UP):
                number += 1
                title = f"Edit {number}"
                directly.append(await _timed(http, direct, authorised, {"summary": title}, _is_there))
                member, slot = members[number % len(members)], slots[number % len(members)]
                headers = {**member.headers, **_WAIT}
                url = f"{service.url}/slots/{slot['id']}"
                ours.append(await _timed(http, url, headers, {"title": title}, _is_synced))
                if number % plan.edits == 0:
                    stands = google.call("GET", f"{events_of(member.email)}/{slot['google']['event_id']}")
                    assert stands["summary"] == title
            taken["ours"].append(ours[_WARM_UP:])
            taken["direct"].append(directly[_WARM_UP:])
    return taken


async def _new_slot(http: aiohttp.ClientSession, service: Service, member: Member) -> dict[str, Any]:
    headers = {**member.headers, **_WAIT}
    async with http.post(f"{service.url}/slots", json=_SLOT, headers=headers) as response:
        response.raise_for_status()
        return dict(await response.json())


async def _timed(
    http: aiohttp.ClientSession,
    url: str,
    headers: dict[str, str],
    body: dict[str, str],
    check: Callable[[dict[str, Any]], bool],
) -> float:
    started = time.perf_counter()
    async with http.patch(url, json=body, headers=headers) as response:
        answer = await response.read()
    took = time.perf_counter() - started
    response.raise_for_status()
    assert check(await response.json()), answer
    return took


def _is_there(event: dict[str, Any]) -> bool:
    return bool(event["etag"])


def _is_synced(slot: dict[str, Any]) -> bool:
    return bool(slot["sync"]["state"] == "synced")
