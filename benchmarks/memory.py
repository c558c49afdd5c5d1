"""How much a process grows while something runs."""

from __future__ import annotations

import gc
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
_KIB = 1024


class Measured:
    """Context manager: wall-clock seconds, CPU seconds, and the growth of the peak memory in bytes."""

    def __init__(self) -> None:
        self.seconds = self.cpu_seconds = 0.0
        self.growth = 0

    def __enter__(self) -> Self:
        gc.collect()
        with suppress(OSError):
            _CLEAR_REFS.write_text(_RESET_PEAK)
        self._before = _resident()
        self._cpu = time.process_time()
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._started
        self.cpu_seconds = time.process_time() - self._cpu
        self.growth = max(_peak() - self._before, 0)

    def document(self) -> dict[str, float]:
        """The figures."""
        return {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds, "growth": self.growth}


def _status(name: str) -> int | None:
    try:
        lines = _STATUS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * _KIB for line in lines if line.startswith(f"{name}:")), None)


def _resident() -> int:
    found = _status("VmRSS")
    return _rusage() if found is None else found


def _peak() -> int:
    found = _status("VmHWM")
    return _rusage() if found is None else found


def _rusage() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * _KIB
