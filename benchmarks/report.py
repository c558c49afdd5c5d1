"""What a measurement says, as a table for people and as JSON for machines."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import orjson

from services.system import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PACKAGES = ("fastapi", "uvicorn", "uvloop", "httptools", "sqlalchemy", "aiosqlite", "aiohttp", "orjson")
_FEW = 10


@dataclass(frozen=True, slots=True)
class Target:
    """What the judged number has to be."""

    kind: Literal["at least", "at most"]
    value: float
    unit: str = "x"

    def met_by(self, number: float) -> bool:
        """Whether the number is good enough."""
        return number >= self.value if self.kind == "at least" else number <= self.value

    def __str__(self) -> str:
        sign = ">=" if self.kind == "at least" else "<="
        return f"{sign} {shown(self.value, self.unit)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    `judged` is what the target is about, one number per repetition: the ratio of `ours` to `other` in that
    repetition, or `ours` itself.
    """

    measure: str
    what: str
    unit: str
    ours: Sequence[float]
    target: Target
    other_name: str = ""
    other: Sequence[float] = ()
    note: str = ""
    judged: Sequence[float] = field(default=())

    @property
    def numbers(self) -> Sequence[float]:
        """What is judged."""
        if self.judged:
            return self.judged
        if self.other:
            return [ours / other for ours, other in zip(self.ours, self.other, strict=True)]
        return self.ours

    @property
    def reached(self) -> bool:
        """Whether the median reaches the target."""
        return self.target.met_by(median(self.numbers))

    def document(self) -> dict[str, Any]:
        """Everything, every repetition included."""
        return {
            "measure": self.measure,
            "what": self.what,
            "unit": self.unit,
            "ours": list(self.ours),
            "compared_with": self.other_name or None,
            "other": list(self.other),
            "judged": list(self.numbers),
            "judged_unit": self.target.unit,
            "median": median(self.numbers),
            "target": str(self.target),
            "reached": self.reached,
            "note": self.note,
        }


def shown(number: float, unit: str) -> str:
    """A number as people read it."""
    if unit == "x":
        return f"{number:.2f}x"
    text = f"{number:,.0f}" if abs(number) >= _FEW or number == int(number) else f"{number:.1f}"
    return f"{text} {unit}".strip()


def _spread(numbers: Sequence[float], unit: str) -> str:
    if not numbers:
        return ""
    middle = shown(median(numbers), unit)
    if len(numbers) == 1 or min(numbers) == max(numbers):
        return middle
    low, high = (shown(each, unit).split(" ")[0] for each in (min(numbers), max(numbers)))
    return f"{middle} [{low} .. {high}]"


def table(rows: Iterable[Row]) -> str:
    """The rows, aligned: the median, with the least and the greatest repetition in brackets."""
    lines: list[tuple[str, ...]] = [("what", "ours", "compared with", "judged", "target", "reached")]
    for row in rows:
        other = f"{row.other_name}: {_spread(row.other, row.unit)}" if row.other else row.other_name
        judged = _spread(row.numbers, row.target.unit)
        verdict = "yes" if row.reached else "NO"
        lines.append((row.what, _spread(row.ours, row.unit), other, judged, str(row.target), verdict))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def machine() -> dict[str, Any]:
    """On what the numbers were taken."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def write(path: Path, rows: Sequence[Row], facts: dict[str, Any]) -> None:
    """Store a run."""
    document = {
        "date": SystemClock().now().isoformat(timespec="seconds"),
        **facts,
        "rows": [row.document() for row in rows],
    }
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
