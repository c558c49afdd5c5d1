"""The command that plays histories: in a file as in memory, and again what it has printed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def simulate(*options: str) -> tuple[int, str]:
    """The exit code of the command, and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--workers", "1", *options],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", [0, 20])
def test_histories_pass_in_a_real_file(seed: int):
    code, said = simulate("--n", "20", "--seed", str(seed), "--store", "sqlite")
    assert code == 0, said
    assert f"20 histories from seed {seed} in sqlite: 0 failed." in said


def test_a_part_of_a_history_can_be_played():
    code, said = simulate("--n", "1", "--seed", "17", "--keep", "0,1,4")
    assert code == 0, said
    assert "1 histories from seed 17 in memory: 0 failed." in said
