"""One driver connection inside a transaction: Core statements in, rows out.

SQLAlchemy writes the SQL and converts the values; the driver runs it. Going to the driver directly instead of
through the cursors that SQLAlchemy puts over it saves SQLite three of four changes of thread per statement,
and both databases the work of building a result object. Each statement is compiled once per dialect.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

from persistence.failures import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.sql.elements import ClauseElement

    Convert: TypeAlias = Callable[[Any], Any] | None

Row: TypeAlias = "Sequence[Any]"
SQLITE = SQLiteDialect_aiosqlite()
POSTGRES = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A compiled statement."""

    sql: str
    names: tuple[str, ...]
    """The parameters by position."""
    converters: tuple[Convert, ...]
    constants: Mapping[str, Any]
    """The values that the statement itself brings."""
    results: tuple[Convert, ...]
    converts_results: bool

    def arguments(self, params: Mapping[str, Any]) -> list[Any]:
        """The driver's values by position."""
        constants = self.constants
        found = (params[name] if name in params else constants[name] for name in self.names)
        return [
            convert(value) if convert is not None else value
            for value, convert in zip(found, self.converters, strict=True)
        ]

    def rows(self, raw: Iterable[Row]) -> list[Row]:
        """The rows with their values converted."""
        if not self.converts_results:
            return list(raw)
        return [
            [
                convert(value) if convert is not None else value
                for value, convert in zip(row, self.results, strict=True)
            ]
            for row in raw
        ]


@lru_cache(maxsize=1024)
def prepared(statement: ClauseElement, dialect_name: str) -> Prepared:
    """Compile a statement; statements are module constants or cached by whoever builds them."""
    dialect = SQLITE if dialect_name == "sqlite" else POSTGRES
    compiled: SQLCompiler = statement.compile(dialect=dialect)  # type: ignore[assignment]
    names = tuple(compiled.positiontup or ())
    results = tuple(
        column.type.dialect_impl(dialect).result_processor(dialect, None)
        for column in getattr(compiled.statement, "exported_columns", ())
    )
    return Prepared(
        sql=str(compiled),
        names=names,
        converters=tuple(
            compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names
        ),
        constants={name: bind.value for name, bind in compiled.binds.items() if not bind.required},
        results=results,
        converts_results=any(each is not None for each in results),
    )


class Connection(Protocol):
    """What the repositories need of a driver."""

    dialect_name: str

    async def fetch(self, statement: ClauseElement, params: Mapping[str, Any]) -> list[Row]:
        """Run a statement; the rows that it returns."""

    async def fetch_raw(self, statement: ClauseElement, params: Mapping[str, Any]) -> list[Row]:
        """The same with rows as the driver has them, for mappers that convert many at once."""

    async def run_many(self, statement: ClauseElement, rows: Collection[tuple[Any, ...]]) -> None:
        """Run a statement for each tuple of values that the driver takes as they are."""

    async def copy(self, table: str, columns: Sequence[str], rows: Collection[tuple[Any, ...]]) -> None:
        """Insert rows of values that the driver takes as they are, in the fastest way there is."""

    async def control(self, sql: str) -> None:
        """Run a statement that steers the transaction: savepoints."""


class SqliteConnection:
    """aiosqlite."""

    dialect_name = "sqlite"

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    async def fetch(self, statement: ClauseElement, params: Mapping[str, Any]) -> list[Row]:
        """Run a statement; the rows that it returns."""
        plan = prepared(statement, "sqlite")
        return plan.rows(await self._run(plan, params))

    async def fetch_raw(self, statement: ClauseElement, params: Mapping[str, Any]) -> list[Row]:
        """The same with rows as the driver has them, for mappers that convert many at once."""
        return list(await self._run(prepared(statement, "sqlite"), params))

    async def _run(self, plan: Prepared, params: Mapping[str, Any]) -> Iterable[Row]:
        try:
            return await self._driver.execute_fetchall(plan.sql, plan.arguments(params))  # type: ignore[no-any-return]
        except Exception as error:
            _raise_translated(error, params)
            raise

    async def run_many(self, statement: ClauseElement, rows: Collection[tuple[Any, ...]]) -> None:
        """Run a statement for each tuple of values that the driver takes as they are."""
        await self._many(prepared(statement, "sqlite").sql, rows)

    async def copy(self, table: str, columns: Sequence[str], rows: Collection[tuple[Any, ...]]) -> None:
        """Insert rows of values that the driver takes as they are, in the fastest way there is."""
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        await self._many(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608  # nosec B608

    async def _many(self, sql: str, rows: Collection[tuple[Any, ...]]) -> None:
        try:
            cursor = await self._driver.executemany(sql, rows)
            await cursor.close()
        except Exception as error:
            _raise_translated(error, None)
            raise

    async def control(self, sql: str) -> None:
        """Run a statement that steers the transaction: savepoints."""
        try:
            await self._driver.execute_fetchall(sql)
        except Exception as error:
            _raise_translated(error, None)
            raise

    async def begin(self, *, writing: bool) -> None:
        """Nothing: the driver connection begins with its first statement, see `persistence.sqlite`."""

    async def end(self, *, commit: bool) -> None:
        """Commit or roll back what was begun."""
        if not self._driver.in_transaction:
            return
        try:
            await (self._driver.commit() if commit else self._driver.rollback())
        except Exception as error:
            _raise_translated(error, None)
            raise


class PostgresConnection:
    """asyncpg."""

    dialect_name = "postgresql"

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._begun = False

    async def fetch(self, statement: ClauseElement, params: Mapping[str, Any]) -> list[Row]:
        """Run a statement; the rows that it returns."""
        plan = prepared(statement, "postgresql")
        return plan.rows(await self._run(plan, params))

    async def fetch_raw(self, statement: ClauseElement, params: Mapping[str, Any]) -> list[Row]:
        """The same with rows as the driver has them, for mappers that convert many at once."""
        return list(await self._run(prepared(statement, "postgresql"), params))

    async def _run(self, plan: Prepared, params: Mapping[str, Any]) -> Iterable[Row]:
        try:
            return await self._driver.fetch(plan.sql, *plan.arguments(params))  # type: ignore[no-any-return]
        except Exception as error:
            _raise_translated(error, params)
            raise

    async def run_many(self, statement: ClauseElement, rows: Collection[tuple[Any, ...]]) -> None:
        """Run a statement for each tuple of values that the driver takes as they are."""
        try:
            await self._driver.executemany(prepared(statement, "postgresql").sql, rows)
        except Exception as error:
            _raise_translated(error, None)
            raise

    async def copy(self, table: str, columns: Sequence[str], rows: Collection[tuple[Any, ...]]) -> None:
        """Insert rows of values that the driver takes as they are, in the fastest way there is."""
        try:
            await self._driver.copy_records_to_table(table, records=rows, columns=columns)
        except Exception as error:
            _raise_translated(error, None)
            raise

    async def begin(self, *, writing: bool) -> None:
        """Begin; a reading transaction sees one state throughout."""
        self._begun = True
        # The isolation level is said each time: the server's default is not ours to rely on.
        await self.control(
            "BEGIN ISOLATION LEVEL READ COMMITTED"
            if writing
            else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        )

    async def end(self, *, commit: bool) -> None:
        """Commit or roll back what was begun."""
        if self._begun:
            await self.control("COMMIT" if commit else "ROLLBACK")
            self._begun = False

    async def control(self, sql: str) -> None:
        """Run a statement that steers the transaction: its begin and end, savepoints."""
        try:
            await self._driver.execute(sql)
        except Exception as error:
            _raise_translated(error, None)
            raise


def _raise_translated(error: Exception, params: Mapping[str, Any] | None) -> None:
    better = translated(error, params)
    if better is not None:
        # Without the cause: drivers quote values.
        raise better from None
