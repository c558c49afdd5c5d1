"""Whatever the OpenAPI document lets a client send, no answer is a 5xx or one that it does not describe."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.exploring import OWN_KEY, OWN_KEY_ID
from tests.e2e.processes import ROOT
from tests.e2e.world import client

if TYPE_CHECKING:
    from tests.e2e.conftest import Machines
    from tests.e2e.servers import Server

PROGRAM = Path(sys.executable).with_name("st")
SETTINGS = Path(__file__).with_name("schemathesis.toml")
HOOKS = {"SCHEMATHESIS_HOOKS": "tests.e2e.exploring", "PYTHONPATH": str(ROOT)}


def explored(server: Server, folder: Path, key: dict[str, str]) -> str:
    """What Schemathesis says at the end; every check ran in every phase on every operation and found nothing.

    Args:
        server: To be explored.
        folder: Where it may leave what it likes.
        key: The credential, as `exploring` wants it; empty for none.
    """
    ended = subprocess.run(
        [
            *(PROGRAM, "--config-file", SETTINGS, "run", f"{server.url}/openapi.json"),
            *("--checks", "all"),
        ],
        cwd=folder,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", **HOOKS, **key},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.timeout(300)
async def test_every_answer_is_one_that_the_document_has(machines: Machines, tmp_path: Path):
    server = machines.server(None, None)
    async with client() as http:
        answer = await http.post(f"{server.url}/auth/users", json={"email": "explorer@example.com"})
        key = str(answer.json()["api_key"])
        own = {"authorization": f"Bearer {key}"}
        [listed] = (await http.get(f"{server.url}/auth/keys", headers=own)).json()["items"]
        slot = {"title": "First", "start": "2026-07-01", "end": "2026-07-02"}
        assert (await http.post(f"{server.url}/slots", json=slot, headers=own)).status_code == 201
    with_key = {OWN_KEY: key, OWN_KEY_ID: listed["id"]}
    said = explored(server, tmp_path, with_key)
    passed = re.search(r"(\d+) generated, (\d+) passed", said)
    assert passed is not None, said
    assert int(passed[2]) > 1000
    # The credential lasted, and so the operations were reached.
    assert "Authentication failed" not in said, said
    covered = re.search(r"API Links: +(\d+) covered", said)
    assert covered is not None, said
    assert int(covered[1]) > 0


@pytest.mark.timeout(300)
async def test_every_answer_without_a_credential_is_one_that_the_document_has(
    machines: Machines, tmp_path: Path
):
    server = machines.server(None, None, REGISTRATION="admin")
    explored(server, tmp_path, {})
