"""Judge answers of a Calendar API by Google's own discovery document.

`check` takes any answer, wherever it came from, and fails with a sentence when Google's
schemas would not have it: a wrong type, a field that the resource does not have, an
error without its envelope.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_ROOT = "/calendar/v3/"


class SchemaError(AssertionError):
    """An answer that Google would not have given."""


def check(method: str, path: str, status: int, body: Any, *, passed_through: Collection[str] = ()) -> None:
    """Fail unless the answer fits the discovery document.

    Args:
        method: HTTP method of the request.
        path: Its path, below any prefix; what is no Calendar path is not judged.
        status: Of the answer.
        body: Bytes, text, or the decoded JSON.
        passed_through: Fields outside the schema that the test itself put on events and their guests.
    """
    start = path.find(_ROOT)
    if start < 0:
        return
    if status in {204, 304}:
        if body not in (None, b"", ""):
            raise SchemaError(f"{status} with a body")
        return
    decoded = json.loads(body) if isinstance(body, bytes | str) else body
    if status >= 400:
        _check_error(status, decoded)
        return
    name = _answer_schema(method, path[start + len(_ROOT) :].partition("?")[0])
    errors = sorted(_validator(name, frozenset(passed_through)).iter_errors(decoded), key=str)
    if errors:
        first = errors[0]
        raise SchemaError(f"{method} {path}: {name} at {list(first.absolute_path)}: {first.message}")


def _check_error(status: int, body: Any) -> None:
    error = body["error"]
    if error["code"] != status or not isinstance(error["message"], str):
        raise SchemaError(f"the envelope of a {status} does not fit it: {error}")
    if not error["errors"]:
        raise SchemaError("an error without a reason")
    for item in error["errors"]:
        unknown = set(item) - {"domain", "reason", "message", "locationType", "location"}
        if unknown or not {"domain", "reason", "message"} <= set(item):
            raise SchemaError(f"an error item of the wrong shape: {item}")


@lru_cache(maxsize=1)
def _discovery() -> Mapping[str, Any]:
    folder = resources.files("googleapiclient.discovery_cache.documents")
    return json.loads(folder.joinpath("calendar.v3.json").read_text())


@lru_cache(maxsize=1)
def _methods() -> list[tuple[str, re.Pattern[str], str]]:
    found = []
    for resource in _discovery()["resources"].values():
        for method in resource["methods"].values():
            pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", method["path"]))
            answer = method.get("response", {}).get("$ref")
            found.append((method["httpMethod"], pattern, answer))
    return found


def _answer_schema(method: str, path: str) -> str:
    candidates = [
        answer
        for verb, pattern, answer in _methods()
        if verb == method and pattern.fullmatch(path) and answer
    ]
    if not candidates:
        raise SchemaError(f"Google has no method {method} {path} that answers a body")
    return candidates[0]


_OPEN = frozenset({"Event", "EventAttendee"})


@lru_cache(maxsize=64)
def _validator(name: str, passed_through: frozenset[str]) -> jsonschema.Draft202012Validator:
    definitions = {
        key: _translated(schema, passed_through if key in _OPEN else frozenset())
        for key, schema in _discovery()["schemas"].items()
    }
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions})


def _translated(schema: Mapping[str, Any], passed_through: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A discovery schema as JSON Schema that knows no fields but its own."""
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    result: dict[str, Any] = {}
    if schema.get("type") not in {None, "any"}:
        result["type"] = schema["type"]
    if "enum" in schema:
        result["enum"] = schema["enum"]
    if "items" in schema:
        result["items"] = _translated(schema["items"])
    if "properties" in schema:
        result["properties"] = {key: _translated(value) for key, value in schema["properties"].items()}
        result["properties"] |= dict.fromkeys(passed_through, True)
        result["additionalProperties"] = False
    if isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = _translated(schema["additionalProperties"])
    return result
