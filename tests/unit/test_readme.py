"""The README names every setting and every endpoint, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from main import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
METHODS = {"get", "post", "put", "patch", "delete"}


def test_every_setting_stands_in_the_readme_with_its_default():
    defaults = dict(
        line.split("=", 1)
        for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    shown = dict(
        re.findall(
            r"^\| `([A-Z_]+)` \| `?([^|`]*?)`? \|", README.split("## Endpoints")[0], flags=re.MULTILINE
        )
    )
    assert shown == defaults


def test_every_endpoint_stands_in_the_readme():
    served = {
        (method.upper(), path)
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if method in METHODS
    }
    shown = set(re.findall(r"^\| `([A-Z]+)` \| `(/[^`]*)` \|", README, flags=re.MULTILINE))
    assert shown == served


def test_every_file_that_the_readme_names_exists():
    for name in re.findall(r"`(docs/[\w./-]+)`", README):
        assert (ROOT / name).exists(), name
