"""The whole service as a process, started as everybody starts it, and users who have linked Google."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import httpx

from benchmarks.processes import ROOT, free_port, server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.google import Google, Timetable

_WAIT_S = 30.0
_PAUSE_S = 0.05
_SECRET = "a secret key for measurements only"  # noqa: S105 - it guards nothing.


@dataclass(frozen=True, slots=True)
class Member:
    """A user with a key."""

    email: str
    id: str
    key: str

    @property
    def raw_id(self) -> bytes:
        """The id as the database has it."""
        return UUID(self.id).bytes

    @property
    def headers(self) -> dict[str, str]:
        """Who asks."""
        return {"authorization": f"Bearer {self.key}"}


@dataclass(frozen=True, slots=True)
class Service:
    """A running service over a SQLite file, with the simulator as its Google."""

    url: str
    database: Path
    google: Google
    environment: dict[str, str]

    def member(self, email: str, *, events: int = 0, timetable: Timetable | None = None) -> Member:
        """Register a user, link an account with so much in it, and wait for slots and channel."""
        self.google.add_account(email, events=events, timetable=timetable)
        events += timetable.events if timetable is not None else 0
        with httpx.Client(base_url=self.url, timeout=30) as http:
            created = http.post("/auth/users", json={"email": email}).raise_for_status().json()
            member = Member(email, created["id"], created["api_key"])
            asked = http.get("/auth/google/authorize", headers=member.headers).raise_for_status().json()
            opened = http.get(asked["authorization_url"])
            choice = {"url": opened.headers["location"], "account": email}
            http.get(self.google.call("POST", "/consent", choice)["location"]).raise_for_status()
        self.wait_for("SELECT count(*) FROM fixed_slots WHERE user_id = ?", member.raw_id, events)
        self.wait_for(
            "SELECT count(*) FROM channels WHERE user_id = ? AND status = 'active'", member.raw_id, 1
        )
        self.wait_until_idle()
        return member

    def wait_until_idle(self) -> None:
        """Wait until every run has ended and none is due."""
        running = "lease_owner IS NOT NULL OR dirty_seq <> done_seq"
        self.wait_for(f"SELECT count(*) FROM calendar_sync_states WHERE {running}", None, 0)  # noqa: S608

    def wait_for(self, query: str, user: bytes | None, number: int) -> None:
        """Wait until a query of the database answers this number.

        Raises:
            TimeoutError: It does not.
        """
        deadline = time.perf_counter() + _WAIT_S
        found = None
        with closing(sqlite3.connect(self.database)) as database:
            while time.perf_counter() < deadline:
                [found] = database.execute(query, () if user is None else (user,)).fetchone()
                if found == number:
                    return
                time.sleep(_PAUSE_S)
        raise TimeoutError(f"{query}: {found} and not {number}")


@contextmanager
def service_process(folder: Path, google: Google) -> Iterator[Service]:
    """The service with default settings but for where things are."""
    port = free_port()
    url, database = f"http://127.0.0.1:{port}", folder / "service.db"
    env = {
        "PORT": str(port),
        "PUBLIC_BASE_URL": url,
        "RATE_LIMIT_PER_MINUTE": "0",
        "WEBHOOK_BASE_URL": url,
        "DATABASE_URL": f"sqlite:///{database}",
        "SECRET_KEY": _SECRET,
        "GOOGLE_SANDBOX": "off",
        "GOOGLE_CLIENT_ID": "benchmark",
        "GOOGLE_CLIENT_SECRET": "benchmark",
        "GOOGLE_AUTH_URI": f"{google.url}/o/oauth2/v2/auth",
        "GOOGLE_TOKEN_URI": f"{google.url}/token",
        "GOOGLE_REVOKE_URI": f"{google.url}/revoke",
        "GOOGLE_USERINFO_URI": f"{google.url}/v1/userinfo",
        "GOOGLE_API_ROOT": google.url,
    }
    with server([str(ROOT / "main.py")], port=port, folder=folder, env=env):
        yield Service(url, database, google, env)


@contextmanager
def raw_process(folder: Path, service: Service) -> Iterator[str]:
    """The bare endpoints, served in the same way with the same settings; yields their address."""
    port = free_port()
    env = {**service.environment, "PORT": str(port), "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}"}
    with server(["-m", "benchmarks.raw_server"], port=port, folder=folder, env=env):
        yield f"http://127.0.0.1:{port}"
