"""The least that could answer: FastAPI, stdlib sqlite3 and orjson, nothing between.

No authentication, no validation, no request id, no log, no tenant but the one in the address. Served by the
service's own `serve`, so that loop, parser and every other setting of the server are the same.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from fastapi import FastAPI, Response

_FIELDS = (
    "id, title, description, location, starts_at, ends_at, timezone, all_day, recurrence, original_start,"
    " color, transparency, visibility, reminders, calendar_id, source, version, created_at,"
    " updated_at, deleted_at, event_id, google_facts, editable, sync_state, last_synced_at"
)
_SLOTS = (
    f"SELECT {_FIELDS} FROM fixed_slots WHERE user_id = ? AND deleted_at IS NULL"  # noqa: S608
    " ORDER BY starts_at, id LIMIT ?"
)
_NAMES = tuple(_FIELDS.replace(" ", "").split(","))
_INSTANTS = ("starts_at", "ends_at", "created_at", "updated_at", "last_synced_at")
_JSON = ("recurrence", "reminders", "google_facts")

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
_database: list[sqlite3.Connection] = []


def _connection() -> sqlite3.Connection:
    if not _database:
        path = os.environ["DATABASE_URL"].removeprefix("sqlite:///")
        _database.append(sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False))
    return _database[0]


def _body(row: tuple[Any, ...]) -> dict[str, Any]:
    body = dict(zip(_NAMES, row, strict=True))
    body["id"] = UUID(bytes=body["id"])
    for name in _INSTANTS:
        body[name] = datetime.fromtimestamp(body[name] / 1_000_000, UTC)
    for name in _JSON:
        if body[name] is not None:
            body[name] = orjson.loads(body[name])
    return body


@app.get("/slots/{user_id}")
async def slots(user_id: UUID, limit: int = 50) -> Response:
    """The first slots of a user."""
    rows = _connection().execute(_SLOTS, (user_id.bytes, limit)).fetchall()
    page = {"items": [_body(row) for row in rows], "next_cursor": None}
    return Response(orjson.dumps(page), media_type="application/json")


@app.post("/hook")
async def hook() -> Response:
    """Nothing but an answer."""
    return Response(status_code=204)


if __name__ == "__main__":
    from composition.serving import serve

    serve(app)
