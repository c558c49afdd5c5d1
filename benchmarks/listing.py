"""`GET /slots`: a page of a user who has many."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from benchmarks.google import google_process
from benchmarks.load import requests_per_second
from benchmarks.report import Row, Target
from benchmarks.service import raw_process, service_process

if TYPE_CHECKING:
    from benchmarks.plan import Plan

_PAGE = 50


def measure(plan: Plan) -> list[Row]:
    """Ask both servers in turn for the same page of the same database."""
    ours, raw = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            google_process(folder) as google,
            service_process(folder, google) as service,
            raw_process(folder, service) as raw_url,
        ):
            member = service.member("reader@example.com", events=plan.slots)
            page = f"{service.url}/slots?limit={_PAGE}"
            bare = f"{raw_url}/slots/{member.id}?limit={_PAGE}"
            for url, headers in ((page, member.headers), (bare, {})):
                body = httpx.get(url, headers=headers).raise_for_status().json()
                assert len(body["items"]) == _PAGE
                requests_per_second(url, seconds=1, headers=headers)
            for _ in range(plan.repeat):
                ours.append(requests_per_second(page, seconds=plan.load_seconds, headers=member.headers))
                raw.append(requests_per_second(bare, seconds=plan.load_seconds))
    what = f"GET /slots?limit={_PAGE}, user with {plan.slots:,} slots"
    return [Row("listing", what, "req/s", ours, Target("at least", 0.5), "raw endpoint", raw)]
