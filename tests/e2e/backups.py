"""Backups of a database that is in use, and the way back to one, as docs/operations.md has them."""

from __future__ import annotations

import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tests.e2e.postgres import StoppablePostgres


class Backups(Protocol):
    """A database with one backup."""

    @property
    def url(self) -> str:
        """As `DATABASE_URL` has it."""

    def make(self) -> None:
        """While the service uses the database."""

    def restore(self) -> None:
        """While nobody does."""


@dataclass
class SqliteBackups:
    """`VACUUM INTO`, and the file put back without what belongs to the newer one."""

    file: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def make(self) -> None:
        with sqlite3.connect(self.file) as connection:
            connection.execute("VACUUM INTO ?", [str(self._copy)])
        connection.close()

    def restore(self) -> None:
        for ending in ("", "-wal", "-shm"):
            Path(f"{self.file}{ending}").unlink(missing_ok=True)
        self.file.write_bytes(self._copy.read_bytes())

    @property
    def _copy(self) -> Path:
        return self.file.with_suffix(".backup")


@dataclass
class PostgresBackups:
    """`pg_dump` and `pg_restore`, in the custom format."""

    server: StoppablePostgres
    folder: Path

    @property
    def url(self) -> str:
        return self.server.url

    def make(self) -> None:
        self._run("pg_dump", "--format=custom", "--file", self._dump, self.url)

    def restore(self) -> None:
        self._run("pg_restore", "--clean", "--if-exists", "--single-transaction", "-d", self.url, self._dump)

    def _run(self, program: str, *arguments: object) -> None:
        subprocess.run([self.server.binaries / program, *map(str, arguments)], check=True)

    @property
    def _dump(self) -> Path:
        return self.folder / "backup.dump"
