"""Structured logs: one JSON object (or one readable line) per record, with a net that catches secrets.

Nothing secret is logged in the first place; the redaction is the second net. Facts of a record are given as
`extra={...}` and stand in the line under their names.
"""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

_SECRETS = re.compile(
    r"""
    (?P<scheme>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}          # Authorization headers
    | \bgc[sfw]_[0-9a-f]{32}_[A-Za-z0-9_-]{16,}                       # our API, feed and session keys
    | \bya29\.[A-Za-z0-9._-]+                                         # Google access tokens
    | \b1//[A-Za-z0-9._-]{16,}                                        # Google refresh tokens
    | \bGOCSPX-[A-Za-z0-9_-]+                                         # Google client secrets
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+           # JSON web tokens
    | (?P<name>\b(?:access_token|refresh_token|id_token|client_secret|code_verifier|code|state|ticket
        |token|password|secret|api_key|secret_key)["']?\s*[=:]\s*["']?)[^\s"'&,;}]{6,}
    | (?P<dsn>://[^/\s:@]+:)[^@\s/]+(?=@)                             # passwords in URLs
    """,
    re.IGNORECASE | re.VERBOSE,
)


def redact(text: str) -> str:
    """The text without anything that looks like a token."""
    return _SECRETS.sub(_mask, text)


def _mask(match: re.Match[str]) -> str:
    kept = match["scheme"] or match["name"] or match["dsn"] or ""
    return f"{kept}[redacted]"


_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class _Formatter(logging.Formatter):
    def __init__(self, style: Literal["json", "text"]) -> None:
        super().__init__()
        self._json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in record.__dict__.items():
            if name not in _STANDARD:
                line.setdefault(name, value)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if self._json:
            return redact(orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode())
        named = " ".join(f"{name}={value}" for name, value in line.items() if name not in _PLAIN)
        text = f"{line['at']} {line['level']:<7} {line['logger']}: {line['message']} {named}".rstrip()
        return redact(f"{text}\n{line['exception']}" if record.exc_info else text)


_PLAIN = frozenset({"at", "level", "logger", "message", "exception"})


def configure_logging(*, level: str, style: Literal["json", "text"]) -> None:
    """Send every record of the process through one handler on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(style))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "fastapi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    # These narrate every job and statement at INFO.
    for name in ("apscheduler", "sqlalchemy.engine", "aiosqlite", "alembic", "googleapiclient"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
