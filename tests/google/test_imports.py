"""Heavy libraries are imported by the first call that needs them, not by whoever imports us."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"googleapiclient", "google_auth_oauthlib", "requests", "aiohttp", "httplib2"}


def test_importing_costs_no_heavy_library() -> None:
    modules = "services.calendar_service, services.google_oauth, services.token_service, services.token_vault"
    code = f"import sys, {modules}; print(*sorted({HEAVY!r} & set(sys.modules)))"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.split() == []
