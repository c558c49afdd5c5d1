"""No file of the project holds anything that looks like a real secret."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRETS = {
    "Google API key": r"\bAIza[0-9A-Za-z_-]{35}",
    "Google client secret": r"\bGOCSPX-[\w-]{20,}",
    "Google access token": r"\bya29\.[\w-]{20,}",
    "Google refresh token": r"\b1//0[\w-]{20,}",
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "key of this service": r"\bgc[a-z]_[0-9a-f]{32}_[\w-]{43}(?![\w-])",
    "signing secret": r"\bwhsec_[A-Za-z0-9+/=]{32,}",
    "AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
    "JSON web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
}
NEVER_TRACKED = re.compile(r"(^|/)(\.env|.*\.(pem|key|p12|db|sqlite3?))$")


def found_in(text: str) -> list[str]:
    return [name for name, pattern in SECRETS.items() if re.search(pattern, text)]


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_tracked_file_holds_a_secret(tracked: list[Path]):
    assert len(tracked) > 100
    texts = ((path, path.read_bytes().decode("utf-8", "replace")) for path in tracked if path.is_file())
    assert {str(path.relative_to(ROOT)): found for path, text in texts if (found := found_in(text))} == {}


def test_no_file_is_tracked_that_secrets_live_in(tracked: list[Path]):
    assert [path for path in tracked if NEVER_TRACKED.search(path.as_posix())] == []


def test_secrets_are_recognised():
    lower, mixed = "0123456789abcdef" * 2, "aB3_" * 11
    made_up = [
        f"AIza{mixed[:35]}",
        f"GOCSPX-{mixed[:28]}",
        f"ya29.{mixed}",
        f"1//0{mixed}",
        "-----BEGIN " + "PRIVATE KEY-----",
        f"gcs_{lower}_{mixed[:43]}",
        f"whsec_{'aB3+' * 8}",
        f"AKIA{'A1' * 8}",
        f"ghp_{'aB3' * 12}",
        f"eyJ{mixed}.eyJ{mixed}.{mixed}",
    ]
    assert [found_in(each) for each in made_up] == [[name] for name in SECRETS]
