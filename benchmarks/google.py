"""The Google simulator as a process of its own, and the people behind it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from benchmarks.processes import free_port, server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What an ordinary meeting has, so that an event on the wire is as long as an ordinary one.
MEETING: dict[str, Any] = {
    "description": "Numbers first, then the plan for next week. Notes are in the usual folder.",
    "location": "Room 4, second floor",
}


class Google:
    """The simulator's control API."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=f"{url}/_control", timeout=300)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control API."""
        response = self._http.request(method, path, json=body)
        response.raise_for_status()
        return response.json()

    def add_account(self, email: str, *, events: int = 0) -> str:
        """Open an account with that many events; returns an access token for it."""
        self.call("POST", "/accounts", {"email": email})
        if events:
            order = {"count": events, "summary": "Meeting", "fields": MEETING}
            self.call("POST", f"{events_of(email)}/bulk", order)
        return str(self.call("POST", "/tokens", {"account": email})["access_token"])

    def calendar_calls(self, email: str) -> list[dict[str, Any]]:
        """What was asked of the Calendar API for an account."""
        log = self.call("GET", "/requests")["requests"]
        return [each for each in log if each["account"] == email and each["path"].startswith("/calendar/")]

    def forget_calls(self) -> None:
        """Count calls anew."""
        self.call("DELETE", "/requests")

    def last_notification(self) -> dict[str, str]:
        """The headers of the last push message."""
        sent = self.call("GET", "/notifications")["notifications"]
        return dict(sent[-1]["headers"])

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def events_of(email: str) -> str:
    """The control API's path of the events in an account's primary calendar."""
    return f"/calendars/{quote(email)}/primary/events"


@contextmanager
def google_process(folder: Path) -> Iterator[Google]:
    """The simulator without limits of quota, as `python -m sandbox` serves it."""
    port = free_port()
    with server(["-m", "sandbox", "--port", str(port), "--seed", "1"], port=port, folder=folder):
        google = Google(f"http://127.0.0.1:{port}")
        google.call("POST", "/quota", {"enabled": False})
        try:
            yield google
        finally:
            google.close()
