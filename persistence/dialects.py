"""The few expressions that SQLite and PostgreSQL spell differently."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.sql.functions import GenericFunction

from persistence.types import Id, ListOf, UtcDateTime

if TYPE_CHECKING:
    from sqlalchemy import Column
    from sqlalchemy.sql.compiler import SQLCompiler


class later_of(GenericFunction[datetime]):  # noqa: N801
    """The latest of several instants."""

    type = UtcDateTime()
    inherit_cache = True


class earlier_of(GenericFunction[datetime]):  # noqa: N801
    """The earliest of several instants."""

    type = UtcDateTime()
    inherit_cache = True


class later_number_of(GenericFunction[int]):  # noqa: N801
    """The greatest of several numbers."""

    type = BigInteger()
    inherit_cache = True


class contains_text(GenericFunction[bool]):  # noqa: N801
    """Whether the first text contains the second, exactly."""

    type = Boolean()
    inherit_cache = True


@compiles(later_of, "sqlite")
@compiles(later_number_of, "sqlite")
def _(element: later_of | later_number_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"max({compiler.process(element.clauses, **kw)})"


@compiles(later_of, "postgresql")
@compiles(later_number_of, "postgresql")
def _(element: later_of | later_number_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **kw)})"


@compiles(earlier_of, "sqlite")
def _(element: earlier_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"min({compiler.process(element.clauses, **kw)})"


@compiles(earlier_of, "postgresql")
def _(element: earlier_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"least({compiler.process(element.clauses, **kw)})"


@compiles(contains_text, "sqlite")
def _(element: contains_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kw)}) > 0"


@compiles(contains_text, "postgresql")
def _(element: contains_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kw)}) > 0"


class _IsOneOf(ColumnElement[bool]):
    inherit_cache = False
    type = Boolean()

    def __init__(self, column: Column[Any], name: str) -> None:
        self.column = column
        self.values = bindparam(name, type_=ListOf(column.type))


@compiles(_IsOneOf, "sqlite")
def _(element: _IsOneOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = compiler.process(element.column, **kw), compiler.process(element.values, **kw)
    # JSON has no bytes; `from_hex` is a function of our connections, since old versions lack `unhex`.
    value = "from_hex(value)" if isinstance(element.column.type, Id) else "value"
    return f"{column} IN (SELECT {value} FROM json_each({values}))"  # noqa: S608  # nosec B608


@compiles(_IsOneOf, "postgresql")
def _(element: _IsOneOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = compiler.process(element.column, **kw), compiler.process(element.values, **kw)
    return f"{column} = ANY ({values})"


def is_one_of(column: Column[Any], name: str) -> ColumnElement[bool]:
    """Whether the column has one of the values of the list parameter `name`, however many there are."""
    return _IsOneOf(column, name)
