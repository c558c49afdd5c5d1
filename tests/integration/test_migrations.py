"""The schema: what the migrations make is what the code declares."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from persistence import migrations
from persistence.database import Database
from persistence.models import NOBODYS, metadata
from persistence.types import UtcDateTime
from persistence.urls import database_url as to_url

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.databases import PostgresServer


ROOT = Path(migrations.__file__).parent.parent


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return str(request.getfixturevalue("empty_postgres_url"))


@pytest.fixture
async def empty_postgres_url(postgres: PostgresServer):
    name = await postgres.create_database(template="template0")
    yield postgres.url(name)
    await postgres.drop_database(name)


async def test_models_and_migrations_agree(database_url: str) -> None:
    async with migrations.migration_connection(to_url(database_url)) as connection:
        assert await connection.run_sync(differences) == []


async def test_up_down_and_up_again(empty_url: str) -> None:
    await migrations.upgrade(empty_url)
    assert await migrations.current_revision(empty_url) == migrations.head_revision()
    await migrations.downgrade(empty_url, "base")
    assert await migrations.current_revision(empty_url) is None
    await migrations.upgrade(empty_url)
    async with migrations.migration_connection(to_url(empty_url)) as connection:
        assert await connection.run_sync(differences) == []


async def alembic(url: str, *arguments: str) -> str:
    """Run the command as an operator does; what it wrote."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "alembic",
        "-c",
        str(ROOT / "alembic.ini"),
        *arguments,
        env={"DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_several_replicas_migrate_at_once(empty_url: str) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(alembic(empty_url, "upgrade", "head"))
    assert await migrations.current_revision(empty_url) == migrations.head_revision()


async def test_the_database_knows_where_it_stands(empty_url: str) -> None:
    database = Database(empty_url)
    try:
        state = await database.migration_state()
        assert (state.current, state.is_current) == (None, False)
        await migrations.upgrade(empty_url)
        state = await database.migration_state()
        assert state.current == state.head == migrations.head_revision()
        assert state.is_current
    finally:
        await database.dispose()


async def test_the_shell_reads_the_environment_then_the_dotenv_file_then_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert migrations.configured_url().database == "calendar-sync.db"
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:///from-dotenv.db\n")
    assert migrations.configured_url().database == "from-dotenv.db"
    monkeypatch.setenv("DATABASE_URL", "postgres://me@somewhere/from-environment")
    assert migrations.configured_url().drivername == "postgresql+asyncpg"


async def test_the_command_shows_no_url(empty_url: str) -> None:
    output = await alembic(empty_url, "upgrade", "head")
    assert "Running upgrade" in output
    assert empty_url.rpartition("/")[2] not in output


def test_every_users_table_leads_with_the_user_and_goes_with_it() -> None:
    for table in metadata.sorted_tables:
        if table.name == "users" or table.name in NOBODYS:
            continue
        assert next(iter(table.primary_key.columns)).name == "user_id", table
        if table.name == "idempotency_keys":
            continue  # The administrator has some, too; `users.remove` takes those of a user along.
        (reference,) = table.c.user_id.foreign_keys
        assert reference.ondelete == "CASCADE"


def test_instants_are_never_plain_datetimes() -> None:
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith(("_at", "_until")) and column.name != "edited_at":
                assert isinstance(column.type, UtcDateTime), column
