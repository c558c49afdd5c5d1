"""Asks for known vulnerabilities of everything that is installed, and says so when nobody could be asked.

`pip-audit` succeeds when the package index has no advisories to tell, and fails when there is no network: the
first would look like a clean bill, the second would stop work that needs no network. So its report is read
here. Vulnerabilities fail the check. What could not be audited is told, and fails it only where
`AUDIT=required` says that the advisories must be reachable.
"""

from __future__ import annotations

import json
import os
import subprocess  # nosec B404
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the report means."""

    passed: bool
    text: str


def judge(report: dict[str, Any] | None, *, required: bool) -> Verdict:
    """Read a report of `pip-audit --format json`.

    Args:
        report: `None` when there is none, since nobody answered.
        required: Whether something that was not audited fails the check.
    """
    dependencies = report["dependencies"] if report is not None else []
    found = [
        f"{each['name']} {each['version']}: {flaw['id']}, fixed in {flaw['fix_versions']}"
        for each in dependencies
        for flaw in each.get("vulns", ())
    ]
    if found:
        return Verdict(passed=False, text="\n".join(["Known vulnerabilities:", *found]))
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    audited = len(dependencies) - len(skipped)
    if audited and not skipped:
        return Verdict(passed=True, text=f"{audited} dependencies, no known vulnerability.")
    if not audited:
        told = "NOT AUDITED: no advisories are reachable from here, so nothing is known of any dependency."
    else:
        told = f"{audited} dependencies without known vulnerability; NOT AUDITED: {', '.join(skipped)}."
    return Verdict(passed=not required, text=told)


def main() -> int:
    """Audit constraints.txt, which pins everything."""
    asked = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    asked += ["--disable-pip", "--no-deps", "--requirement", str(ROOT / "constraints.txt")]
    try:
        ended = subprocess.run(  # noqa: S603  # nosec B603  # fixed words
            asked, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
        report = json.loads(ended.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        report = None
    verdict = judge(report, required=os.environ.get("AUDIT") == "required")
    sys.stdout.write(f"pip-audit: {verdict.text}\n")
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    sys.exit(main())
