"""The Google simulator as a process of its own, and the people behind it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
_FIRST = datetime(2026, 1, 5, 9, tzinfo=UTC)
_WEEKS = 26


@dataclass(frozen=True, slots=True)
class Timetable:
    """Weekly series from the first Monday of 2026 on, half a year long."""

    series: int
    exceptions: int
    """In each series; every tenth is a cancelled instance."""

    @property
    def events(self) -> int:
        """How many events Google has of it."""
        return self.series * (1 + self.exceptions)

    @property
    def fields(self) -> dict[str, Any]:
        """Of each series."""
        bounds = (_FIRST, _FIRST + timedelta(hours=1))
        start, end = ({"dateTime": each.isoformat(), "timeZone": "UTC"} for each in bounds)
        return {"start": start, "end": end, "recurrence": [f"RRULE:FREQ=WEEKLY;COUNT={_WEEKS}"]}

    def changes(self, event_id: str) -> list[dict[str, Any]]:
        """What makes the exceptions of a series."""
        names = (f"{event_id}_{_FIRST + timedelta(weeks=week):%Y%m%dT%H%M%SZ}" for week in range(1, _WEEKS))
        return [
            {"id": name, **({"summary": "Exam"} if number % 10 else {"status": "cancelled"})}
            for number, name in zip(range(self.exceptions), names, strict=False)
        ]


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

    def add_account(self, email: str, *, events: int = 0, timetable: Timetable | None = None) -> str:
        """Open an account with that many events, or with a timetable; returns an access token for it."""
        self.call("POST", "/accounts", {"email": email, "time_zone": "UTC"})
        if events:
            order = {"count": events, "summary": "Meeting", "fields": MEETING}
            self.call("POST", f"{events_of(email)}/bulk", order)
        if timetable is not None:
            self._fill(email, timetable)
        return str(self.call("POST", "/tokens", {"account": email})["access_token"])

    def _fill(self, email: str, timetable: Timetable) -> None:
        path = f"{events_of(email)}/bulk"
        fields = {**MEETING, **timetable.fields}
        self.call("POST", path, {"count": timetable.series, "summary": "Lecture", "fields": fields})
        for series in self.call("GET", events_of(email))["events"]:
            self.call("POST", path, {"events": timetable.changes(series["id"])})

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
