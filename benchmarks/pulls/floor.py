"""The floor of a first pull: page, parse, upsert, commit each page; nothing is understood."""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import uvloop

from benchmarks.memory import Measured
from benchmarks.processes import answer, order_of

_TABLE = """CREATE TABLE events (id TEXT PRIMARY KEY, etag TEXT, status TEXT, summary TEXT, description TEXT,
 location TEXT, starts_at TEXT, ends_at TEXT, timezone TEXT, updated TEXT, link TEXT) WITHOUT ROWID"""
_UPSERT = "INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _row(event: dict[str, Any]) -> tuple[Any, ...]:
    get, start, end = event.get, event["start"], event["end"]
    when = start.get("dateTime") or start["date"], end.get("dateTime") or end["date"], start.get("timeZone")
    texts = get("summary"), get("description"), get("location")
    return (event["id"], event["etag"], event["status"], *texts, *when, event["updated"], event["htmlLink"])


async def pull(order: dict[str, Any], database: sqlite3.Connection) -> dict[str, float]:
    """Pull everything into an empty table."""
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", _TABLE):
        database.execute(statement)
    query = {"maxResults": "2500", "singleEvents": "false"}
    headers = {"authorization": f"Bearer {order['token']}"}
    url = f"{order['url']}/calendar/v3/calendars/primary/events"
    with Measured() as measured:
        async with aiohttp.ClientSession(headers=headers) as session:
            while "syncToken" not in query:
                async with session.get(url, params=query) as response:
                    page = orjson.loads(await response.read())
                with database:
                    database.executemany(_UPSERT, [_row(event) for event in page["items"]])
                if token := page.get("nextPageToken"):
                    query["pageToken"] = token
                else:
                    query["syncToken"] = page["nextSyncToken"]
    [count] = database.execute("SELECT count(*) FROM events").fetchone()
    return {"events": count, **measured.document()}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        answer(uvloop.run(pull(order_of(sys.argv), sqlite3.connect(Path(name) / "floor.db"))))
