"""The machines under torture: a Google, replicas of the service, and their database."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from services.system import SystemClock
from tests.databases import migrated_file
from tests.e2e.postgres import StoppablePostgres
from tests.e2e.servers import GoogleServer, Server

if TYPE_CHECKING:
    import signal
    from types import TracebackType
    from typing import Self

LEASE_S = 3
_CLOCK = SystemClock()


@dataclass
class Replica:
    """One process of the service; whoever does something to it holds its lock."""

    server: Server
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    runs: bool = True


class House:
    """Everything that can be hit. Use it as a context manager; it leaves nothing behind."""

    def __init__(self, store: str) -> None:
        self.store = store
        self.folder = Path(tempfile.mkdtemp(prefix="calendar-sync-torture-"))
        self.database_busy = asyncio.Lock()
        """Held while the database is away; a service that finds none does not start."""
        self.postgres: StoppablePostgres | None = None
        self._file: Path | None = None
        self.google = GoogleServer(self.folder)
        self.replicas: list[Replica] = []

    async def __aenter__(self) -> Self:
        try:
            await self._move_in()
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def _move_in(self) -> None:
        await asyncio.to_thread(self.google.start)
        if self.store == "postgresql":
            home = self.folder / "postgres"
            home.mkdir()
            self.folder.chmod(0o755)
            self.postgres = await asyncio.to_thread(StoppablePostgres, home)
            await self.postgres.start()
            url, count = self.postgres.url, 2
        else:
            self._file = await asyncio.to_thread(_sqlite_file, self.folder)
            url, count = f"sqlite:///{self._file}", 1
        settings = {
            "SYNC_LEASE_SECONDS": str(LEASE_S),
            "WORKER_POLL_SECONDS": "0.5",
            "LOOP_BREAKER_COOLDOWN_SECONDS": "5",
            "FALLBACK_SYNC_MINUTES": "1",
        }
        for _ in range(count):
            server = Server(self.folder, database_url=url, google=self.google, **settings)
            self.replicas.append(Replica(server))
            await asyncio.to_thread(server.start)

    def _close(self) -> None:
        for replica in self.replicas:
            replica.server.close()
        self.google.close()
        if self.postgres is not None:
            self.postgres.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def urls(self) -> list[str]:
        return [replica.server.url for replica in self.replicas]

    async def start(self, replica: Replica) -> None:
        """Start a replica that has ended, once there is a database."""
        async with self.database_busy:
            await asyncio.to_thread(replica.server.start)

    async def stop_database(self, number: signal.Signals, away_s: float) -> None:
        """Let the database go away for a time: fast (SIGINT) or as in a crash (SIGQUIT)."""
        assert self.postgres is not None
        await self.postgres.stop(number)
        await _CLOCK.sleep(away_s)
        await self.postgres.start()

    async def freeze_database(self, away_s: float) -> None:
        """Let the database do nothing for a time."""
        assert self.postgres is not None
        self.postgres.freeze()
        await _CLOCK.sleep(away_s)
        self.postgres.thaw()

    async def lock_file(self, away_s: float) -> None:
        """Let somebody else keep the SQLite file locked for a time."""
        assert self._file is not None
        stranger = sqlite3.connect(self._file, isolation_level=None, timeout=30)
        try:
            stranger.execute("BEGIN IMMEDIATE")
            await _CLOCK.sleep(away_s)
            stranger.execute("ROLLBACK")
        finally:
            stranger.close()

    def complaints(self) -> list[str]:
        """What the services logged that no trouble explains."""
        lines = [line for replica in self.replicas for line in replica.server.complaints()]
        return [line for line in lines if not any(word in line for word in _EXPLAINED)]


_EXPLAINED = ("DatabaseUnavailableError",)


def _sqlite_file(folder: Path) -> Path:
    made, wanted = folder / "template", folder / "torture.db"
    made.mkdir()
    shutil.copy(migrated_file(made), wanted)
    return wanted
