"""The webhook receiver: how many notifications it takes, and how little they cause."""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from benchmarks.google import events_of, google_process
from benchmarks.load import requests_per_second
from benchmarks.report import Row, Target
from benchmarks.service import raw_process, service_process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.google import Google
    from benchmarks.plan import Plan
    from benchmarks.service import Service

_NAME = "webhooks"
_AT_ONCE = 1_000
_CONNECTIONS = 100
_EMAIL = "notified@example.com"
_EVENT = {"start": {"dateTime": "2026-03-02T09:00:00Z"}, "end": {"dateTime": "2026-03-02T10:00:00Z"}}
_PATH = "/webhooks/google-calendar"


def measure(plan: Plan) -> list[Row]:
    """Replay a genuine notification, under load and all at once."""
    ours: list[float] = []
    bare: list[float] = []
    syncs: list[float] = []
    unknown: list[float] = []
    guessed: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            google_process(folder) as google,
            service_process(folder, google) as service,
            raw_process(folder, service) as raw_url,
        ):
            service.member(_EMAIL)
            headers = _genuine(service, google)
            ours_url, bare_url = f"{service.url}{_PATH}", f"{raw_url}/hook"
            for url in (ours_url, bare_url):
                requests_per_second(url, seconds=1, method="POST", headers=headers)
            for _ in range(plan.repeat):
                for url, rates in ((ours_url, ours), (bare_url, bare)):
                    rates.append(
                        requests_per_second(url, seconds=plan.load_seconds, method="POST", headers=headers)
                    )
                service.wait_until_idle()
                google.forget_calls()
                asyncio.run(_all_at_once(ours_url, headers))
                service.wait_until_idle()
                calls = google.calendar_calls(_EMAIL)
                syncs.append(sum(each["method"] == "GET" for each in calls))
                for times, found in zip((unknown, guessed), _forged(ours_url, headers, plan), strict=True):
                    times.append(found)
    return [
        Row(
            _NAME,
            "webhook receiver, genuine notifications of one calendar",
            "req/s",
            ours,
            Target("at least", 0.6),
            "bare FastAPI endpoint",
            bare,
            note="The service syncs that calendar meanwhile, as it has to.",
        ),
        Row(
            _NAME,
            f"{_AT_ONCE:,} notifications at once: syncs they cause",
            "syncs",
            syncs,
            Target("at most", 2, "syncs"),
            note="Counted as Google's calls of events.list.",
        ),
        Row(
            _NAME,
            "answer to a forged notification: channel that there is not",
            "us",
            unknown,
            Target("at most", 1.1),
            "the channel, with a wrong token",
            guessed,
            note="One at a time, in turn, by their medians; whichever takes longer is judged by the other.",
            judged=[max(one / other, other / one) for one, other in zip(unknown, guessed, strict=True)],
        ),
    ]


def _genuine(service: Service, google: Google) -> dict[str, str]:
    """The headers of a notification that Google has really sent."""
    google.call("POST", events_of(_EMAIL), {"summary": "Something new", **_EVENT})
    service.wait_for("SELECT count(*) FROM fixed_slots", None, 1)
    service.wait_until_idle()
    sent = google.last_notification()
    assert sent["X-Goog-Resource-State"] == "exists"
    return {name: value for name, value in sent.items() if name.startswith("X-Goog-")}


def _forged(url: str, genuine: Mapping[str, str], plan: Plan) -> tuple[float, float]:
    """Medians in microseconds of what a guesser waits for: no such channel, and a wrong token for one."""
    own = genuine["X-Goog-Channel-ID"]
    # Of the same user, so that nothing but the channel is another.
    kinds = (
        {**genuine, "X-Goog-Channel-ID": own[:32] + own[:32]},
        {**genuine, "X-Goog-Channel-Token": "guessed"},
    )
    times: tuple[list[float], list[float]] = ([], [])
    address = urlsplit(url)
    with closing(HTTPConnection(address.hostname or "", address.port)) as http:
        for number in range(plan.forged):
            kind = number % 2
            started = time.perf_counter()
            http.request("POST", address.path, headers=kinds[kind])
            answer = http.getresponse()
            answer.read()
            times[kind].append((time.perf_counter() - started) * 1_000_000)
            assert answer.status == HTTPStatus.NOT_FOUND
    return median(times[0]), median(times[1])


async def _all_at_once(url: str, headers: Mapping[str, str]) -> None:
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def notify() -> None:
            async with session.post(url) as response:
                response.raise_for_status()

        await asyncio.gather(*(notify() for _ in range(_AT_ONCE)))
