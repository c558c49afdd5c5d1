"""A DATABASE_URL that leads nowhere is refused with the sentence that helps."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import make_url

from persistence import migrations
from persistence.diagnosis import diagnosis
from persistence.failures import translated
from persistence.urls import database_url
from services.core.errors import DatabaseFault, DatabaseUnavailableError, SettingsError
from tests.api.service import running_service
from tests.integration.test_sqlite_waiting import held_by_somebody_else

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.databases import PostgresServer

ROOT = Path(__file__).parents[2]


async def said_about(url: str) -> str:
    """What is said about a URL, at the start of the service as for a migration."""
    with pytest.raises(DatabaseUnavailableError) as caught:
        await migrations.current_revision(url)
    sentence = diagnosis(caught.value, database_url(url))
    with pytest.raises(SettingsError) as refused:
        async with running_service(url):
            pass
    assert (refused.value.variable, refused.value.detail) == ("DATABASE_URL", sentence)
    return sentence


async def test_postgresql_that_lets_nobody_in(postgres: PostgresServer) -> None:
    there = make_url(postgres.url("postgres"))

    def changed(**parts: Any) -> str:
        return there.set(**parts).render_as_string(hide_password=False)

    nowhere = changed(host="127.0.0.1", port=1, password="hunter2")
    assert await said_about(nowhere) == "names 127.0.0.1:1, where no database server answers"
    assert await said_about(changed(database="nothing")) == (
        "names the database nothing, which the server does not have: create it first"
    )
    assert await said_about(changed(username="nobody", password="hunter2")) == (
        "names a user or a password that the database server does not accept"
    )


async def test_a_directory_in_the_place_of_a_file(tmp_path: Path) -> None:
    assert (
        await said_about(f"sqlite:///{tmp_path}") == f"names {tmp_path}, which is a directory and not a file"
    )


async def test_a_file_of_another_kind(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear Ada, " * 200)
    assert await said_about(f"sqlite:///{file}") == f"names {file}, which is no SQLite database"


def test_a_file_that_may_only_be_read(tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    with closing(sqlite3.connect(file)) as made:
        made.execute("CREATE TABLE x (y)")
    reading = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    with closing(reading), pytest.raises(sqlite3.OperationalError) as caught:
        reading.execute("INSERT INTO x VALUES (1)")
    error = translated(caught.value)
    assert isinstance(error, DatabaseUnavailableError)
    assert (
        diagnosis(error, database_url(f"sqlite:///{file}"))
        == f"names {file}, which this process may not write"
    )


async def test_a_file_that_somebody_else_holds(sqlite_url: str) -> None:
    async with held_by_somebody_else(sqlite_url):
        one = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), timeout=0)
        with closing(one), pytest.raises(sqlite3.OperationalError) as caught:
            one.execute("BEGIN IMMEDIATE")
    error = translated(caught.value)
    assert isinstance(error, DatabaseUnavailableError)
    assert error.fault is DatabaseFault.LOCKED


NOWHERE: dict[str, tuple[Callable[[Path], str], str]] = {
    "server": (
        lambda _: "postgresql://ada:hunter2@127.0.0.1:1/none",
        "names 127.0.0.1:1, where no database server answers",
    ),
    "directory": (
        lambda folder: f"sqlite:///{folder}/missing/x.db",
        "names a file in {folder}/missing, which is not a directory that exists",
    ),
    "scheme": (
        lambda _: "mysql://ada:hunter2@localhost/x",
        "cannot be used: mysql is not supported, only sqlite and postgresql are",
    ),
    "nonsense": (lambda _: "hunter2", "cannot be used: not a database URL"),
}


@pytest.mark.parametrize(("url", "sentence"), NOWHERE.values(), ids=NOWHERE)
def test_migrating_by_hand_ends_with_one_sentence(
    tmp_path: Path, url: Callable[[Path], str], sentence: str
) -> None:
    command = [sys.executable, "-m", "alembic", "-c", str(ROOT / "alembic.ini"), "upgrade", "head"]
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": url(tmp_path)}
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr == f"DATABASE_URL {sentence.format(folder=tmp_path)}.\n"
