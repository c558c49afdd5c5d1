"""What the report of the vulnerability scan means."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.audit import judge

CLEAN: dict[str, Any] = {"name": "fine", "version": "1.0", "vulns": []}
SKIPPED: dict[str, Any] = {"name": "unknown", "skip_reason": "not found"}
FLAWED: dict[str, Any] = {
    "name": "old",
    "version": "0.1",
    "vulns": [{"id": "CVE-2026-0001", "fix_versions": ["0.2"]}],
}


@pytest.mark.parametrize("required", [True, False])
def test_a_vulnerability_fails_the_check_whatever_else_was_not_audited(*, required: bool):
    verdict = judge({"dependencies": [CLEAN, FLAWED, SKIPPED]}, required=required)
    assert not verdict.passed
    assert "old 0.1: CVE-2026-0001, fixed in ['0.2']" in verdict.text


def test_everything_audited_and_nothing_found_is_clean():
    verdict = judge({"dependencies": [CLEAN]}, required=True)
    assert verdict.passed
    assert "NOT AUDITED" not in verdict.text


@pytest.mark.parametrize(
    "report", [None, {"dependencies": []}, {"dependencies": [SKIPPED]}, {"dependencies": [SKIPPED, CLEAN]}]
)
def test_what_was_not_audited_is_never_told_as_clean(report: dict[str, Any] | None):
    verdict = judge(report, required=False)
    assert verdict.passed
    assert "NOT AUDITED" in verdict.text
    assert not judge(report, required=True).passed
