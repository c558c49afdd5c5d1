"""The service and its Google, each a process of its own on a port of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx

from tests.e2e.processes import ROOT, Port, Process

if TYPE_CHECKING:
    from pathlib import Path

CLIENT_ID = "the-service.apps.example.com"
ADMIN_KEY = "the administrator of these stories only"
GENERAL_LIMIT = 200
LIMITED = {"RATE_LIMIT_PER_MINUTE": str(GENERAL_LIMIT), "TRUSTED_PROXIES": "127.0.0.0/8"}
"""Settings of a service that limits requests, told by a proxy from which addresses they come."""
_LISTENING = "Uvicorn running on"


class GoogleServer:
    """`python -m sandbox`."""

    def __init__(self, folder: Path, *, state: Path | None = None, path: str = "") -> None:
        self._port = Port()
        self.url = f"http://127.0.0.1:{self._port.number}{path}"
        arguments = ["-m", "sandbox", "--port", str(self._port.number), "--seed", "7"]
        if state is not None:
            arguments += ["--state", str(state)]
        if path:
            arguments += ["--base-url", self.url]
        self.process = Process(*arguments, folder=folder, environment={"PYTHONPATH": str(ROOT)})

    def start(self) -> None:
        self.process.start(ready=self.url)
        httpx.post(f"{self.url}/_control/switches", json={"record_answers": True}).raise_for_status()

    def close(self) -> None:
        self.process.kill()
        self._port.give_back()

    def complaints(self, since: int = 0) -> list[str]:
        """Output that a healthy simulator does not have."""
        return self.process.lines[since:]


class Server:
    """`python main.py`."""

    def __init__(
        self, folder: Path, *, database_url: str | None, google: GoogleServer | None, **settings: str
    ) -> None:
        self._port = Port()
        self.url = f"http://127.0.0.1:{self._port.number}"
        addresses = {}
        if google is not None:
            addresses = {
                "GOOGLE_SANDBOX": "off",
                "GOOGLE_CLIENT_ID": CLIENT_ID,
                "GOOGLE_CLIENT_SECRET": "a client secret of these stories only",
                "GOOGLE_AUTH_URI": f"{google.url}/o/oauth2/v2/auth",
                "GOOGLE_TOKEN_URI": f"{google.url}/token",
                "GOOGLE_REVOKE_URI": f"{google.url}/revoke",
                "GOOGLE_USERINFO_URI": f"{google.url}/v1/userinfo",
                "GOOGLE_API_ROOT": google.url,
                "WEBHOOK_BASE_URL": self.url,
                "PUBLIC_BASE_URL": self.url,
                "SECRET_KEY": "a secret key of these stories only",
                "ADMIN_API_KEY": ADMIN_KEY,
            }
        if database_url is not None:
            addresses["DATABASE_URL"] = database_url
        self._folder = folder
        self.database_url = database_url
        # Stories ask quicker than people do, and all from one address.
        unhindered = {"RATE_LIMIT_PER_MINUTE": "0"}
        self._environment = {"PORT": str(self._port.number), **unhindered, **addresses, **settings}
        self.process = Process(str(ROOT / "main.py"), folder=folder, environment=self._environment)

    @property
    def port(self) -> int:
        return self._port.number

    def start(self) -> None:
        self.process.start(ready=_LISTENING)

    def close(self) -> None:
        self.process.kill()
        self._port.give_back()

    def run(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Another command of the same program, with these settings changed; it ends by itself."""
        return subprocess.run(
            [sys.executable, ROOT / "main.py", *words],
            cwd=self._folder,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", **self._environment, **settings},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def complaints(self, since: int = 0) -> list[str]:
        """Log lines that no story may cause: errors, and whatever is no log line at all."""
        return [line for line in self.process.lines[since:] if not _is_harmless(line)]


def _is_harmless(line: str) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return record["level"] in ("debug", "info", "warning") and "exception" not in record
