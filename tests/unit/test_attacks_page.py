"""docs/attacks.md names stories that exist, and every story of an attack stands there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "attacks.md").read_text(encoding="utf-8")
_STORY = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
NAMED = set(_STORY.findall(PAGE))


def stories(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = (each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return {each.name for each in functions if each.name.startswith("test_")}


def test_every_story_that_the_page_names_exists():
    assert len(NAMED) > 50
    assert PAGE.count("::") == len(_STORY.findall(PAGE))
    missing = {(file, name) for file, name in NAMED if name not in stories(ROOT / file)}
    assert missing == set()


def test_every_attack_that_is_tried_stands_on_the_page():
    tried = {
        (file.relative_to(ROOT).as_posix(), name)
        for file in sorted((ROOT / "tests" / "e2e" / "attacks").glob("test_*.py"))
        for name in stories(file)
    }
    helpful = {name for _, name in tried - NAMED}
    assert helpful == {
        "test_the_owner_goes_on_and_loses_nothing_by_linking_again",
        "test_who_the_administrator_registered_keeps_the_key",
    }


def test_each_row_names_an_attack_and_its_story():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 50
    assert [row for row in rows if "::test_" not in row] == []


def test_the_security_page_leads_there():
    assert "`docs/attacks.md`" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
