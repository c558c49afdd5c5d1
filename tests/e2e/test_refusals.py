"""What is wrong is refused in one clear way, and has no effect."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.app import App, problem_of
from tests.e2e.processes import ROOT
from tests.e2e.servers import ADMIN_KEY
from tests.e2e.world import Person, client

if TYPE_CHECKING:
    from pathlib import Path


TIMES = {"start": "2026-07-01T10:00:00Z", "end": "2026-07-01T11:00:00Z"}


@pytest.mark.parametrize(
    ("variable", "settings"),
    [
        ("DATABASE_URL", {"DATABASE_URL": "mysql://somewhere/else"}),
        (
            "DATABASE_URL",
            {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "SECRET_KEY": "x" * 40},
        ),
        ("SECRET_KEY", {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}),
        ("PUBLIC_BASE_URL", {"PUBLIC_BASE_URL": "http://calendar.example.com", "SECRET_KEY": "x" * 40}),
        ("PORT", {"PORT": "0"}),
        ("PUBLIC_BASE_URL", {"HOST": "0.0.0.0"}),
    ],
)
def test_bad_settings_end_the_start_with_one_sentence(
    tmp_path: Path, variable: str, settings: dict[str, str]
):
    _refuses_to_start(tmp_path, variable, settings)


def test_a_port_in_use_ends_the_start_before_anything_is_opened(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as somebody_else:
        _refuses_to_start(tmp_path, "PORT", {"PORT": str(somebody_else.getsockname()[1])})


def _refuses_to_start(tmp_path: Path, variable: str, settings: dict[str, str]) -> None:
    ended = subprocess.run(
        [sys.executable, ROOT / "main.py"],
        cwd=tmp_path,
        env={"LANG": "C.UTF-8", **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    [sentence] = ended.stderr.splitlines()
    assert sentence.startswith(variable)
    assert ended.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"title": "\xff"}',
        b'{"title": "No times"}',
        b'{"title": "NaN", "start": NaN, "end": "2026-07-01T11:00:00Z"}',
        b'{"title": "Backwards", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T09:00:00Z"}',
        b'{"title": "Zone", "start": "2026-07-01T10:00", "end": "2026-07-01T11:00", "timezone": "Moon/Base"}',
        b'{"title": "Mixed", "start": "2026-07-01", "end": "2026-07-01T11:00:00Z"}',
        b'{"title": "More", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T11:00:00Z", "colour": "5"}',
        b'{"title": "\\u0000", "start": "2026-07-01T10:00:00Z", "end": "2026-07-01T11:00:00Z"}',
    ],
)
async def test_bad_bodies_are_refused_and_reach_nobody(bob: Person, body: bytes):
    answer = await bob.app.call("POST", "/slots", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await bob.app.slots() == []
    assert await bob.google.events() == []


async def test_a_body_over_the_limit_is_not_read_to_its_end(bob: Person):
    body = {"title": "Long", **TIMES, "description": "x" * 1_200_000}
    answer = await bob.app.call("POST", "/slots", json=body)
    problem_of(answer, 413, "body-too-large")


async def test_the_administrator_reaches_users_but_not_what_is_theirs(bob: Person):
    slot = await bob.app.create("Private", wait=True)
    async with client() as http:
        administrator = App(http, bob.app.url, ADMIN_KEY, "")
        problem_of(await administrator.call("GET", f"/slots/{slot['id']}"), 403, "forbidden")
        problem_of(await administrator.call("GET", "/slots"), 403, "forbidden")
        answer = await administrator.call("POST", f"/webhooks/setup/{bob.app.user_id}")
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["channels"]) == 1
