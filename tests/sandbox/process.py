"""The simulator as a process of its own, and what other people's clients need to meet it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import gcal_sync.auth
import httpx

from tests.sandbox.driver import ANN

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiohttp


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on a free port, and its URL; stopped at the end if it still runs."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--seed", "7", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found is not None, process.stderr.read()
        yield process, found[0]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait()
        process.stdout.close()
        process.stderr.close()


class Server:
    """A client of a running simulator, with one account."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url)

    def open_account(self) -> str:
        self.control("/accounts", email=ANN)
        self.token = str(self.control("/tokens", account=ANN)["access_token"])
        self.http.headers["authorization"] = "Bearer " + self.token
        return self.token

    def control(self, path: str, **body: Any) -> Any:
        return self.http.post("/_control" + path, json=body).raise_for_status().json()


class PeerAuth(gcal_sync.auth.AbstractAuth):
    """What gcal-sync asks of its user: a token."""

    def __init__(self, session: aiohttp.ClientSession, host: str, token: str) -> None:
        super().__init__(session, host)
        self._token = token

    async def async_get_access_token(self) -> str:
        return self._token
