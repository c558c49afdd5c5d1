"""Generates the TypeScript client from docs/openapi.json and lets the compiler check its example.

It needs npm, and once the network. Where there is neither the check says that it did not happen, and fails
only where `CLIENT=required` says that it must.
"""

from __future__ import annotations

import os
import shutil
import subprocess  # nosec B404
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "clients" / "typescript"
_INSTALL = ("ci", "--no-audit", "--no-fund", "--silent")


def main() -> int:
    """Install what the lock file pins, generate, check."""
    npm = shutil.which("npm")
    if npm is None:
        return _not_checked("there is no npm here")
    if _run(npm, *_INSTALL) != 0:
        return _not_checked("npm could not install what package-lock.json pins")
    return _run(npm, "run", "--silent", "generate") or _run(npm, "run", "--silent", "check")


def _run(npm: str, *words: str) -> int:
    return subprocess.run([npm, *words], cwd=FOLDER, check=False).returncode  # noqa: S603  # nosec B603


def _not_checked(reason: str) -> int:
    sys.stdout.write(f"TypeScript client: NOT CHECKED, {reason}.\n")
    return 1 if os.environ.get("CLIENT") == "required" else 0


if __name__ == "__main__":
    sys.exit(main())
