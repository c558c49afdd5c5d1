"""Database URLs as operators write them."""

from __future__ import annotations

from sqlalchemy import URL, exc, make_url


def database_url(text: str) -> URL:
    """The URL with the async driver that we use.

    Raises:
        ValueError: It names another database, or a SQLite database in memory, whose one connection would
            be shared between transactions.
    """
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except exc.ArgumentError:
        raise ValueError("not a database URL") from None
    if backend == "sqlite":
        if not url.database or url.database == ":memory:" or "mode" in url.query:
            raise ValueError("a SQLite database must be a file")
        return url.set(drivername="sqlite+aiosqlite")
    if backend in ("postgresql", "postgres"):
        # What libpq calls sslmode, and every host's console hands out, asyncpg calls ssl.
        if "sslmode" in url.query:
            mode = url.query["sslmode"]
            url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
        return url.set(drivername="postgresql+asyncpg")
    raise ValueError(f"{backend} is not supported, only sqlite and postgresql are")
