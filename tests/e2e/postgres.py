"""A PostgreSQL server that a story may stop and start again, with its data kept."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.databases import PostgresServer, _account, _run, _usable_binaries, _wait_until_ready
from tests.e2e.processes import Port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_TIMEOUT_S = 60


@asynccontextmanager
async def running_postgres(*initially: str) -> AsyncIterator[StoppablePostgres]:
    """A server that runs, made with these options of initdb; it and its folder are gone afterwards."""
    # Not under pytest's own folder, which only its owner may enter.
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="calendar-sync-postgres-"))
    postgres = StoppablePostgres(folder, *initially)
    try:
        await postgres.start()
        yield postgres
        await postgres.stop()
    finally:
        postgres.close()
        shutil.rmtree(folder, ignore_errors=True)


class StoppablePostgres:
    """One server in a folder of its own, with one migrated database."""

    def __init__(self, folder: Path, *initially: str) -> None:
        """`initially` are further options of initdb."""
        self._folder = folder
        self._account = _account()
        self._port = Port()
        self._process: subprocess.Popen[bytes] | None = None
        if self._account.uid is not None:
            folder.chmod(0o755)
        self.binaries = _usable_binaries(folder, self._account)
        self._data = folder / "data"
        self._data.mkdir(mode=0o700)
        if self._account.uid is not None:
            os.chown(self._data, self._account.uid, self._account.gid or self._account.uid)
        _run(self.binaries / "initdb", "-D", self._data, "-A", "trust", "-U", "postgres", "-E", "UTF8",
             "--no-instructions", "--locale=C", *initially, account=self._account)  # fmt: skip

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port.number}/postgres"

    async def start(self) -> None:
        """Start, and return once it answers."""
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220  # returns at once
                [self.binaries / "postgres", "-D", self._data, "-p", str(self._port.number), *options],
                stdout=log,
                stderr=log,
                user=self._account.uid,
                group=self._account.gid,
                extra_groups=None if self._account.uid is None else [],
                cwd=self._data,
            )
        await _wait_until_ready(PostgresServer(self._port.number), self._process)

    @property
    def processes(self) -> list[int]:
        """The ids of the server and of its sessions' processes."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text("ascii")
        return [self._process.pid, *map(int, children.split())]

    def freeze(self) -> None:
        """Let it do nothing any more; its sockets stay open, as those of a machine that hangs."""
        for process in self.processes:
            os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it stood still."""
        for process in self.processes:
            os.kill(process, signal.SIGCONT)

    def close(self) -> None:
        """End at once, whatever the state."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_TIMEOUT_S)
        self._port.give_back()

    async def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Hang up on everybody and end; what was committed is kept.

        Source: PostgreSQL documentation, 'Shutting Down the Server': SIGINT is the fast shutdown, SIGQUIT the
        immediate one, after which the next start recovers from the log as after a crash.
        """
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(number)
        await asyncio.to_thread(process.wait, _TIMEOUT_S)
