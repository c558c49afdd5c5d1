"""SECURITY.md names tests that exist and limits that hold."""

from __future__ import annotations

import re
from pathlib import Path

from services import rate_limits
from tests.routes import CONDITIONAL, PUBLIC

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_file_that_the_page_names_exists():
    named = re.findall(r"`((?:tests|docs)/[\w./-]+)`", PAGE)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_limits_are_those_of_the_code():
    shown = [int(each) for each in re.findall(r"^\| .* \| (\d+) \|$", PAGE, flags=re.MULTILINE)]
    rules = ("REGISTRATION", "OAUTH", "FEED", "COSTLY", "REFUSED", "FORGED")
    assert shown == [getattr(rate_limits, name).per_minute for name in rules]


def test_everything_that_is_public_is_accounted_for():
    section = PAGE.split("### What answers without a credential")[1].split("###")[0]
    for _, path in PUBLIC | CONDITIONAL:
        assert f"{path}`" in section or path == "/docs/start.js", path
