"""Answers straight from plain values: what the services return is right already and not validated again."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


def json_bytes(value: Any) -> bytes:
    """The value as JSON; instants keep their zone's offset, ids are text."""
    return orjson.dumps(value)


class PlainJson(Response):
    """A JSON answer."""

    media_type = "application/json"

    def __init__(self, value: Any, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(json_bytes(value), status_code, headers)
