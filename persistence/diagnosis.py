"""Why a database cannot be used, in words for whoever set `DATABASE_URL`; never with a password."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.core.errors import DatabaseFault

if TYPE_CHECKING:
    from sqlalchemy import URL

    from services.core.errors import DatabaseUnavailableError

_POSTGRES_PORT = 5432


def diagnosis(error: DatabaseUnavailableError, url: URL) -> str:
    """What follows the words `DATABASE_URL` in a sentence about them, without a full stop."""
    match error.fault:
        case DatabaseFault.UNREACHABLE:
            return f"names {url.host}:{url.port or _POSTGRES_PORT}, where no database server answers"
        case DatabaseFault.REFUSED:
            return "names a user or a password that the database server does not accept"
        case DatabaseFault.MISSING:
            return f"names the database {url.database}, which the server does not have: create it first"
        case DatabaseFault.CANNOT_OPEN:
            return _of_file(Path(url.database or ""))
        case DatabaseFault.READ_ONLY:
            return f"names {url.database}, which this process may not write"
        case DatabaseFault.NO_DATABASE:
            return f"names {url.database}, which is no SQLite database"
        case DatabaseFault.LOCKED:
            return f"names {url.database}, which another process keeps locked"
        case DatabaseFault.OTHER:
            return "names a database that cannot be opened"


def _of_file(file: Path) -> str:
    if file.is_dir():
        return f"names {file}, which is a directory and not a file"
    if not file.absolute().parent.is_dir():
        return f"names a file in {file.parent}, which is not a directory that exists"
    return f"names {file}, which this process may not open"
