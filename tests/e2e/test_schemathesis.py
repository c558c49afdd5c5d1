"""Whatever the OpenAPI document lets a client send, no answer is a 5xx or one that it does not describe."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.world import client

if TYPE_CHECKING:
    from tests.e2e.conftest import Machines
    from tests.e2e.servers import Server

PROGRAM = Path(sys.executable).with_name("st")
# Whether a value is refused is in the stories of each route: the document cannot tell every rule.
NOT_CHECKED = "positive_data_acceptance,negative_data_rejection,unsupported_method,ignored_auth"
ENDS_THE_CREDENTIAL = ("eraseOwnUser", "logOut", "revokeKey")
NEVER_ENDS = ("streamChanges",)
ONE_BY_ONE, IN_A_ROW = ("examples,coverage,fuzzing", 2), ("stateful", 40)


def explored(server: Server, folder: Path, phases: tuple[str, int], *options: str) -> str:
    """What Schemathesis says at the end; it must have found nothing. The same requests each time."""
    names, examples = phases
    ended = subprocess.run(
        [
            *(PROGRAM, "run", f"{server.url}/openapi.json", "--phases", names, "-n", str(examples)),
            *("--generation-deterministic", "--no-color", "--no-shrink", "--request-timeout", "30"),
            *("--checks", "all", "--exclude-checks", NOT_CHECKED, *options),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.timeout(300)
async def test_every_answer_is_one_that_the_document_has(machines: Machines, tmp_path: Path):
    server = machines.server(None, None)
    async with client() as http:
        answer = await http.post(f"{server.url}/auth/users", json={"email": "explorer@example.com"})
    with_key = ["-H", f"Authorization: Bearer {answer.json()['api_key']}"]
    for operation in (*ENDS_THE_CREDENTIAL, *NEVER_ENDS):
        with_key += ["--exclude-operation-id", operation]
    said = explored(server, tmp_path, ONE_BY_ONE, *with_key)
    passed = re.search(r"(\d+) generated, (\d+) passed", said)
    assert passed is not None, said
    assert int(passed[1]) > 1000
    said = explored(server, tmp_path, IN_A_ROW, *with_key)
    covered = re.search(r"API Links: +(\d+) covered", said)
    assert covered is not None, said
    assert int(covered[1]) > 0


@pytest.mark.timeout(300)
async def test_every_answer_without_a_credential_is_one_that_the_document_has(
    machines: Machines, tmp_path: Path
):
    server = machines.server(None, None, REGISTRATION="admin")
    explored(server, tmp_path, ONE_BY_ONE)
    explored(server, tmp_path, ("stateful", 5))
