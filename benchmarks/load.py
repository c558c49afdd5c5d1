"""Requests per second of a server, asked by a process of its own: `wrk` where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import child

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTIONS = 16
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_TROUBLE = re.compile(r"(Non-2xx or 3xx responses: \d+|Socket errors: .*)")


def generator() -> str:
    """What makes the load."""
    return "wrk" if shutil.which("wrk") else "benchmarks.load_client"


def requests_per_second(
    url: str, *, seconds: int, method: str = "GET", headers: Mapping[str, str] | None = None
) -> float:
    """How many requests a server answers, over connections that are kept alive.

    Raises:
        RuntimeError: Some were not answered well.
    """
    headers = headers or {}
    if not shutil.which("wrk"):
        order = {"url": url, "seconds": seconds, "method": method, "headers": dict(headers)}
        done = child("benchmarks.load_client", {**order, "connections": CONNECTIONS})
        return float(done["requests"] / done["seconds"])
    with tempfile.TemporaryDirectory() as name:
        script = Path(name) / "method.lua"
        script.write_text(f'wrk.method = "{method}"\n', encoding="utf-8")
        fields = [part for key, value in headers.items() for part in ("-H", f"{key}: {value}")]
        size = ["-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--timeout", "10s", "-s", str(script)]
        done_text = subprocess.run(["wrk", *size, *fields, url], capture_output=True, text=True, check=True)
    rate, trouble = _RATE.search(done_text.stdout), _TROUBLE.search(done_text.stdout)
    if rate is None or trouble is not None:
        raise RuntimeError(f"the load did not go well: {done_text.stdout}")
    return float(rate[1])
