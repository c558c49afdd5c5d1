"""The databases keep what the service promises: durability, isolation, no leaks, clear failures."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import asyncpg
import pytest
from sqlalchemy import exc, text

from persistence.database import Database
from persistence.failures import ConstraintError, translated
from persistence.unit_of_work import SqlUnitOfWork
from persistence.urls import database_url as parse_url
from services.core.calendars import CalendarSync
from services.core.errors import DatabaseUnavailableError, UnknownUserError
from services.core.records import SlotQuery
from tests.contract.records import MINUTE, NOW, new_id, slot, some_user, stored, synced, user

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import TextClause

    from services.core.records import Slot
    from tests.databases import PostgresServer


async def value_of(database: Database, statement: TextClause, *, writing: bool = False) -> object:
    async with database.transaction(writing=writing) as connection:
        return (await connection.fetch_raw(statement, {}))[0][0]


# --- What is in force -------------------------------------------------------------------------------------


@pytest.mark.parametrize("writing", [True, False])
async def test_sqlite_pragmas(sqlite_url: str, *, writing: bool) -> None:
    database = Database(sqlite_url)
    try:
        found = {
            name: await value_of(database, text(f"PRAGMA {name}"), writing=writing)
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only")
        }
    finally:
        await database.dispose()
    expected = {"journal_mode": "wal", "query_only": int(not writing)}
    assert expected.items() <= found.items()
    # A writer may have waited for others of this process already.
    assert found["busy_timeout"] in range(1, 15_001)
    if writing:
        assert (found["synchronous"], found["foreign_keys"]) == (2, 1)


async def test_postgres_settings(postgres_url: str) -> None:
    database = Database(postgres_url)
    try:
        assert await value_of(database, text("SHOW statement_timeout")) == "30s"
        assert await value_of(database, text("SHOW lock_timeout")) == "15s"
        assert await value_of(database, text("SHOW transaction_isolation")) == "repeatable read"
        assert await value_of(database, text("SHOW transaction_read_only")) == "on"
        isolation = await value_of(database, text("SHOW transaction_isolation"), writing=True)
        assert isolation == "read committed"
    finally:
        await database.dispose()


async def test_reading_cannot_write(database: Database) -> None:
    uow = SqlUnitOfWork(database)
    with pytest.raises(DatabaseUnavailableError):
        async with uow.reading() as tx:
            await tx.users.add(user())


@pytest.mark.parametrize(
    ("text_", "driver"),
    [
        ("sqlite:///a.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:///a.db", "sqlite+aiosqlite"),
        ("postgres://u:p@h/d", "postgresql+asyncpg"),
        ("postgresql://u:p@h/d", "postgresql+asyncpg"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+asyncpg"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+asyncpg"),
    ],
)
def test_urls_are_mapped_to_our_drivers(text_: str, driver: str) -> None:
    assert parse_url(text_).drivername == driver


@pytest.mark.parametrize(
    "refused",
    [
        "",
        "calendar",
        "mysql://h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
    ],
)
def test_other_urls_are_refused_without_being_quoted(refused: str) -> None:
    with pytest.raises(ValueError, match=re.compile("not a database URL|must be a file|only sqlite")):
        parse_url(refused)


async def test_postgres_urls_may_ask_for_ssl_as_libpq_does() -> None:
    assert parse_url("postgresql://h/d?sslmode=require").query == {"ssl": "require"}


# --- Isolation --------------------------------------------------------------------------------------------


async def test_a_thousand_read_modify_writes_lose_nothing(database_url: str) -> None:
    replicas = [Database(database_url), Database(database_url)]
    try:
        uows = [SqlUnitOfWork(replica) for replica in replicas]
        user_id = await some_user(uows[0])
        (counter,) = await stored(uows[0], slot(user_id))

        async def count(uow: SqlUnitOfWork) -> None:
            for _ in range(50):
                async with uow() as tx:
                    await tx.users.lock(user_id)
                    found = await tx.slots.find(user_id, counter.id)
                    assert found is not None
                    await tx.slots.save([replace(found, version=found.version + 1)])

        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(count(uows[number % 2]))
        async with uows[0].reading() as tx:
            found = await tx.slots.find(user_id, counter.id)
        assert found is not None
        assert (found.version, found.seq) == (1_001, 1_001)
    finally:
        for replica in replicas:
            await replica.dispose()


async def test_two_replicas_never_claim_the_same(database_url: str) -> None:
    replicas = [Database(database_url), Database(database_url)]
    try:
        user_id = await some_user(SqlUnitOfWork(replicas[0]), *(f"{number:03}" for number in range(120)))
        claimed: Counter[str] = Counter()

        async def worker(uow: SqlUnitOfWork, owner: str) -> None:
            while True:
                async with uow() as tx:
                    claim = await tx.calendars.claim(owner=owner, now=NOW, lease_until=NOW + MINUTE)
                if claim is None:
                    return
                assert claim.calendar.lease_owner == owner
                claimed[claim.calendar_id] += 1
                async with uow() as tx:
                    await tx.calendars.renew(claim, lease_until=NOW + 2 * MINUTE)
                    await tx.slots.add([slot(user_id)])
                async with uow() as tx:
                    done = replace(claim.calendar, due_at=NOW + MINUTE)
                    await tx.calendars.release(claim, done, now=NOW)

        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(worker(SqlUnitOfWork(replicas[number % 2]), str(number)))
        assert len(claimed) == 120
        assert set(claimed.values()) == {1}
    finally:
        for replica in replicas:
            await replica.dispose()


async def test_claims_step_over_rows_that_somebody_is_claiming(postgres_url: str) -> None:
    one, two = Database(postgres_url), Database(postgres_url)
    try:
        await some_user(SqlUnitOfWork(one), "a", "b")
        async with SqlUnitOfWork(one)() as first, SqlUnitOfWork(two)() as second, asyncio.timeout(10):
            claims = [
                await tx.calendars.claim(owner="x", now=NOW, lease_until=NOW + MINUTE)
                for tx in (first, second, second)
            ]
        assert [claim and claim.calendar_id for claim in claims[:2]] in (["a", "b"], ["b", "a"])
        assert claims[2] is None
    finally:
        await one.dispose()
        await two.dispose()


async def test_run_and_edit_do_not_wait_for_each_other_in_a_circle(postgres_url: str) -> None:
    database = Database(postgres_url)
    try:
        uow = SqlUnitOfWork(database)
        user_id = await some_user(uow)
        async with uow() as tx:
            claim = await tx.calendars.claim(owner="x", now=NOW, lease_until=NOW + MINUTE)
        assert claim is not None

        async def run() -> None:
            for _ in range(40):
                async with uow() as tx:
                    await tx.calendars.renew(claim, lease_until=NOW + MINUTE)
                    await tx.users.lock(user_id)
                    await tx.slots.add([slot(user_id)])

        async def edit() -> None:
            for _ in range(40):
                async with uow() as tx:
                    await tx.users.lock(user_id)
                    await tx.slots.add([slot(user_id)])
                    await tx.calendars.mark_due(user_id, "primary", now=NOW, pull=False)

        async with asyncio.TaskGroup() as group:
            for work in (run, edit, run, edit):
                group.create_task(work())
        async with uow.reading() as tx:
            assert (await tx.slots.counts(user_id))["primary"].total == 160
    finally:
        await database.dispose()


# --- Cancellation -----------------------------------------------------------------------------------------


async def cancelled_at(step: int, work: asyncio.Task[None]) -> bool:
    """Let a task run for some turns of the loop and cancel it; whether that came in time."""
    for _ in range(step):
        await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, not time.
    work.cancel()
    try:
        await work
    except asyncio.CancelledError:
        return True
    return False


async def test_cancelled_tasks_leak_nothing(database: Database) -> None:
    uow = SqlUnitOfWork(database)
    user_id = await some_user(uow)

    async def edit() -> None:
        async with uow() as tx:
            await tx.users.lock(user_id)
            await tx.slots.add([slot(user_id)])
            await tx.calendars.mark_due(user_id, "primary", now=NOW, pull=False)

    async def look() -> None:
        async with uow.reading() as tx:
            await tx.users.find(user_id)
            await tx.slots.page(user_id, SlotQuery())

    cancelled = 0
    for work in (edit, look):
        for step in range(60):
            others = [asyncio.create_task(work()) for _ in range(2)]
            cancelled += await cancelled_at(step, asyncio.create_task(work()))
            await asyncio.gather(*others)
    await edit()
    assert cancelled > 20
    assert database.checked_out() == 0
    async with uow.reading() as tx:
        page = await tx.slots.page(user_id, SlotQuery(limit=500))
    # Whatever was cancelled was kept entirely or not at all.
    assert sorted(each.seq for each in page) == list(range(1, len(page) + 1))


@dataclass(frozen=True, slots=True)
class Stuck:
    """A writer that never ends, and one that waits for it."""

    writer: asyncio.Task[None]
    next_one: asyncio.Task[list[Slot]]


async def stuck(database: Database) -> Stuck:
    uow = SqlUnitOfWork(database)
    user_id = await some_user(uow)
    inside = asyncio.Event()

    async def work() -> None:
        async with uow() as tx:
            await tx.users.lock(user_id)
            await tx.slots.add([slot(user_id)])
            inside.set()
            await asyncio.Event().wait()

    writer = asyncio.create_task(work())
    await inside.wait()
    return Stuck(writer, asyncio.create_task(stored(uow, slot(user_id))))


async def test_a_cancelled_writer_lets_the_next_one_in(database: Database) -> None:
    writers = await stuck(database)
    writers.writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writers.writer
    (added,) = await writers.next_one
    assert added.seq == 1


async def test_a_cancelled_writer_whose_rollback_is_cancelled_too_lets_the_next_one_in(
    database: Database,
) -> None:
    writers = await stuck(database)
    before = asyncio.all_tasks()
    writers.writer.cancel()
    while not (rolling_back := asyncio.all_tasks() - before):  # noqa: ASYNC110
        await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, not time.
    await asyncio.sleep(0)  # noqa: TID251 - so that it has begun.
    for each in rolling_back:
        each.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writers.writer
    (added,) = await writers.next_one
    assert added.seq == 1
    assert database.checked_out() == 0


# --- Failures ---------------------------------------------------------------------------------------------


async def test_nobody_listens(unused_port: int) -> None:
    database = Database(f"postgresql://postgres@127.0.0.1:{unused_port}/nothing")
    with pytest.raises(DatabaseUnavailableError):
        await database.ping()
    with pytest.raises(DatabaseUnavailableError):
        await database.migration_state()
    assert database.checked_out() == 0
    await database.dispose()


@pytest.fixture
def unused_port() -> int:
    return 1


async def test_no_such_folder(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'missing' / 'x.db'}")
    for opening in (SqlUnitOfWork(database)(), SqlUnitOfWork(database).reading()):
        with pytest.raises(DatabaseUnavailableError):
            async with opening as tx:
                await tx.users.find(new_id())
    await database.dispose()


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database at all" * 100)
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(DatabaseUnavailableError):
        async with SqlUnitOfWork(database)() as tx:
            await tx.users.find(new_id())
    await database.dispose()


async def test_the_server_hangs_up_and_comes_back(postgres: PostgresServer, postgres_url: str) -> None:
    database = Database(postgres_url)
    uow = SqlUnitOfWork(database)
    name = postgres_url.rpartition("/")[2]
    user_id = await some_user(uow)
    lost = uow()
    tx = await lost.__aenter__()
    await tx.users.lock(user_id)
    await postgres.hang_up(name)
    with pytest.raises(DatabaseUnavailableError) as failure:
        await tx.slots.add([slot(user_id)])
    assert not await lost.__aexit__(DatabaseUnavailableError, failure.value, None)
    assert database.checked_out() == 0
    async with uow.reading() as reading:
        assert await reading.users.find(user_id) is not None
        assert await reading.slots.page(user_id, SlotQuery()) == []
    await database.dispose()


async def test_idle_connections_that_died_are_replaced(postgres: PostgresServer, postgres_url: str) -> None:
    database = Database(postgres_url)
    uow = SqlUnitOfWork(database)
    user_id = await some_user(uow)
    async with AsyncExitStack() as stack:
        for _ in range(5):
            tx = await stack.enter_async_context(uow.reading())
            await tx.users.find(user_id)
    await postgres.hang_up(postgres_url.rpartition("/")[2])
    async with uow.reading() as tx:
        assert await tx.users.find(user_id) is not None
    await database.dispose()


async def test_a_broken_rule_says_which_but_not_with_what(database: Database) -> None:
    uow = SqlUnitOfWork(database)
    user_id = await some_user(uow)
    with pytest.raises(ConstraintError) as failure:
        await stored(uow, synced(user_id, "secret-event"), synced(user_id, "secret-event"))
    assert "secret-event" not in str(failure.value)
    assert failure.value.__cause__ is None
    with pytest.raises(UnknownUserError):
        async with uow() as tx:
            await tx.calendars.add(CalendarSync(user_id=new_id(), calendar_id="primary"))
    assert database.checked_out() == 0


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("it does not work")
    error.sqlite_errorcode = code
    return error


def postgres_error(state: str) -> asyncpg.PostgresError:
    return asyncpg.PostgresError.new({"C": state, "M": "it does not work"})


@pytest.mark.parametrize(
    "error",
    [
        *map(sqlite_error, (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_FSYNC)),
        *map(
            postgres_error, ("40001", "40P01", "53100", "53300", "55P03", "57014", "57P01", "08006", "25006")
        ),
        sqlite3.ProgrammingError("Cannot operate on a closed database."),
        asyncpg.InterfaceError("connection is closed"),
        ConnectionRefusedError(),
        TimeoutError(),
        exc.TimeoutError(),
    ],
    ids=repr,
)
def test_what_counts_as_unavailable(error: Exception) -> None:
    assert isinstance(translated(error), DatabaseUnavailableError)


@pytest.mark.parametrize(
    "error", [sqlite_error(sqlite3.SQLITE_ERROR), postgres_error("42P01"), KeyError("x")], ids=repr
)
def test_our_own_mistakes_are_not_hidden(error: Exception) -> None:
    assert translated(error) is None


async def test_naive_instants_are_refused(database: Database) -> None:
    naive = NOW.replace(tzinfo=None)
    uow = SqlUnitOfWork(database)
    user_id = await some_user(uow)
    with pytest.raises(ValueError, match="naive"):
        async with uow() as tx:
            await tx.users.add(replace(user(), created_at=naive))
    with pytest.raises(ValueError, match="naive"):
        await stored(uow, replace(slot(user_id), created_at=naive))
