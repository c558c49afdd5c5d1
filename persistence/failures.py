"""What drivers raise, translated once."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
from sqlalchemy import exc

from services.core.errors import DatabaseFault, DatabaseUnavailableError, UnknownUserError

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNAVAILABLE_SQLSTATE_CLASSES = (
    "08",  # connection
    "3D",  # no such database
    "28",  # not authorised
    "40",  # serialization failure, deadlock
    "53",  # out of disk, memory or connections
    "55",  # lock not available, object in use
    "57",  # cancelled, statement timeout, shutting down
    "58",  # system error
    "XX",  # the server's own: a file that may grow no further, a damaged page
)
_UNAVAILABLE_SQLSTATES = (
    "25006",  # a standby after a failover
    "25P03",  # idle in transaction for too long
)
_UNAVAILABLE_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)

_SQLITE_FAULTS = {
    sqlite3.SQLITE_CANTOPEN: DatabaseFault.CANNOT_OPEN,
    sqlite3.SQLITE_READONLY: DatabaseFault.READ_ONLY,
    sqlite3.SQLITE_NOTADB: DatabaseFault.NO_DATABASE,
    sqlite3.SQLITE_BUSY: DatabaseFault.LOCKED,
    sqlite3.SQLITE_LOCKED: DatabaseFault.LOCKED,
}


class ConstraintError(RuntimeError):
    """A row that must not be: the caller broke a rule of the storage contract.

    It names the rule but not the values, which drivers like to quote and logs must not have.
    """


def translated(error: Exception, params: Mapping[str, Any] | None = None) -> Exception | None:
    """What to raise in the place of a driver's `error`; `None` if it means nothing to us.

    Args:
        error: As it came.
        params: The parameters of the statement. A row whose user is gone says so as `UnknownUserError`,
            since users are the only thing that rows refer to.
    """
    match error:
        case sqlite3.IntegrityError():
            foreign = error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
            return _broken(str(error), params, foreign=foreign)
        case asyncpg.IntegrityConstraintViolationError():
            rule = error.constraint_name or type(error).__name__
            return _broken(rule, params, foreign=isinstance(error, asyncpg.ForeignKeyViolationError))
        case exc.DBAPIError():
            if isinstance(error, exc.OperationalError | exc.InterfaceError) or error.connection_invalidated:
                return _unavailable(error)
            original = _original(error)
            return translated(original, params) if isinstance(original, Exception) else None
        case exc.TimeoutError() | OSError() | TimeoutError() | asyncio.IncompleteReadError():
            return _unavailable(error)
        case sqlite3.Error() if _is_sqlite_unavailable(error):
            return _unavailable(error)
        case asyncpg.PostgresError() if _is_postgres_unavailable(error):
            return _unavailable(error)
        case asyncpg.InterfaceError() | asyncpg.InternalClientError():
            return _unavailable(error)
        case _:
            return None


def _is_sqlite_unavailable(error: sqlite3.Error) -> bool:
    # Errors of the module itself, such as the use of a closed connection, carry no code.
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, sqlite3.ProgrammingError) if code is None else code & 0xFF in _UNAVAILABLE_SQLITE


def _is_postgres_unavailable(error: asyncpg.PostgresError) -> bool:
    state = error.sqlstate or "08"
    return state in _UNAVAILABLE_SQLSTATES or state.startswith(_UNAVAILABLE_SQLSTATE_CLASSES)


def _unavailable(error: Exception) -> DatabaseUnavailableError:
    return DatabaseUnavailableError(type(error).__name__, fault=_fault(_original(error)))


def _original(error: BaseException) -> BaseException:
    """The driver's own error, which SQLAlchemy wraps once for SQLite and twice for PostgreSQL."""
    if isinstance(error, exc.DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def _fault(error: BaseException) -> DatabaseFault:
    match error:
        case sqlite3.Error():
            return _SQLITE_FAULTS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, DatabaseFault.OTHER)
        case asyncpg.InvalidAuthorizationSpecificationError():
            return DatabaseFault.REFUSED
        case asyncpg.InvalidCatalogNameError():
            return DatabaseFault.MISSING
        case OSError() | TimeoutError():
            return DatabaseFault.UNREACHABLE
        case _:
            return DatabaseFault.OTHER


def _broken(rule: str, params: Mapping[str, Any] | None, *, foreign: bool) -> Exception:
    user_id = params.get("user_id") if params else None
    if foreign and isinstance(user_id, UUID):
        return UnknownUserError(user_id)
    return ConstraintError(rule)
