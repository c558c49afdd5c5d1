"""Hooks for Schemathesis, which loads them in its own process: see `test_schemathesis.py`.

Schemathesis holds that whatever the document allows is accepted, and that one credential and one made-up
value do for the whole run. Where that cannot be, this says so for exactly that problem or operation, and why.
"""

from __future__ import annotations

import json
import os
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import jsonschema
import requests
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import JsonSchemaError, RejectedPositiveData

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import AuthContext, Case, CheckContext, HookContext, Response
    from schemathesis.core.failures import Failure

OWN_KEY, OWN_KEY_ID = "EXPLORER_KEY", "EXPLORER_KEY_ID"
"""Environment variables with the key that Schemathesis has, and its id; not set, it has none."""
_NOBODYS = "00000000-0000-7000-8000-000000000bad"

_BEYOND_A_SCHEMA = frozenset(
    {
        # Several fields together.
        ("validation-failed", "/end"),
        ("validation-failed", "/response_status"),
        ("validation-failed", "/query/expand"),
        ("validation-failed", "/query/from"),
        ("validation-failed", "/query/to"),
        ("validation-failed", "/query/instance"),
        ("validation-failed", ""),
        # Moments that are still to come, or that the calendar has at all.
        ("validation-failed", "/expires_at"),
        ("validation-failed", "/path/slot_id"),
        # Grammars of RFC 3339, 5322 and 5545 with what calendars can hold, and the names of IANA's zones.
        ("validation-failed", "/start"),
        ("validation-failed", "/recurrence/*"),
        ("validation-failed", "/attendees/*/email"),
        ("validation-failed", "/email"),
        ("validation-failed", "/timezone"),
        ("validation-failed", "/query/timezone"),
        # What is allowed is up to settings, or to what this user has.
        ("validation-failed", "/calendar_id"),
        ("validation-failed", "/query/return_to"),
        ("validation-failed", "/url"),
        # Only who was given one by an answer, or by Google, has one.
        ("oauth-state-invalid", ""),
        ("invalid-cursor", ""),
        # The state of things: 409 counts as acceptance, these do not.
        ("stale-edit", ""),
        ("cursor-expired", ""),
    }
)
"""Problems, each as type and place, of requests that the document allows."""


@schemathesis.hook
def filter_failure(_: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Whether a failure counts: not where the check cannot know what the document or the answer says."""
    if isinstance(failure, AcceptedNegativeData):
        return not _is_refused_within(response, case)
    if isinstance(failure, RejectedPositiveData):
        unexplained = set(_refusals(json.loads(response.content))) - _BEYOND_A_SCHEMA
        failure.message += f"\n{sorted(unexplained)}"
        return bool(unexplained)
    return not _is_about_a_stream_as_a_whole(failure, case)


def _refusals(problem: dict[str, Any]) -> Iterator[tuple[str, str]]:
    slug = problem["type"].rpartition("/")[2]
    if "errors" not in problem:
        yield slug, ""
    for each in problem.get("errors", ()):
        # Schemathesis is to go on sending it: databases stumble over it.
        if each["detail"] != "must not hold the NUL character":
            yield slug, re.sub(r"/\d+", "/*", each["pointer"])


def _is_refused_within(response: Response, case: Case) -> bool:
    # An answer to many changes has a status for each of them, and is 200 itself.
    if _operation_id(case) != "changeSlots" or response.status_code != HTTPStatus.OK:
        return False
    return any(each["status"] == HTTPStatus.UNPROCESSABLE_ENTITY for each in response.json()["results"])


def _is_about_a_stream_as_a_whole(failure: Failure, case: Case) -> bool:
    # In OpenAPI 3.1 the schema of a stream is that of all of it, a string; Schemathesis holds it against each
    # event. `events_are_changes` does that with the right one.
    return isinstance(failure, JsonSchemaError) and _operation_id(case) == "streamChanges"


@schemathesis.check
def events_are_changes(_: CheckContext, response: Response, case: Case) -> None:
    """Every event of the stream that has an `id` is an item of `GET /slots/changes`."""
    if _operation_id(case) != "streamChanges" or response.status_code != HTTPStatus.OK:
        return
    document = case.operation.schema.raw_schema
    events = [event.splitlines() for event in response.text.split("\n\n")]
    changes = [
        json.loads(line.removeprefix("data: "))
        for lines in events
        if any(line.startswith("id: ") for line in lines)
        for line in lines
        if line.startswith("data: ")
    ]
    assert changes, response.text
    for change in changes:
        jsonschema.validate(change, {**document, "$ref": "#/components/schemas/ChangeOut"})


def _operation_id(case: Case) -> str:
    return str(case.operation.definition.raw["operationId"])


@schemathesis.hook
def before_call(_: HookContext, case: Case, **__: Any) -> None:
    """Give each request what it can use up, and see that it gets as far as the document lets it."""
    meta = case.meta
    if meta is not None and meta.generation.mode.is_positive:
        # One key for different requests, or a cursor of nobody, would be refused before anything else.
        if "idempotency-key" in case.headers:
            case.headers["idempotency-key"] = f"once-{case.id}"
        if meta.phase.name is not TestPhase.STATEFUL:
            case.query.pop("cursor", None)
    match _operation_id(case):
        case "streamChanges":
            # A reader who is behind gets something at once, after which Schemathesis stops reading.
            if not case.headers.get("last-event-id") and not case.query.get("cursor"):
                case.headers["last-event-id"] = "0"
        case "revokeKey" if case.path_parameters.get("key_id") == os.environ.get(OWN_KEY_ID):
            case.path_parameters["key_id"] = _NOBODYS


class Credentials:
    """The key of the explorer, or for who erases itself that of somebody else, whom nobody misses."""

    def get(self, case: Case, _: AuthContext) -> str:
        """A key for one request."""
        if _operation_id(case) != "eraseOwnUser":
            return os.environ[OWN_KEY]
        registered = requests.post(
            urljoin(case.operation.base_url, "/auth/users"),
            json={"email": f"victim-{case.id}@example.com"},
            timeout=30,
        )
        registered.raise_for_status()
        return str(registered.json()["api_key"])

    def set(self, case: Case, data: str, _: AuthContext) -> None:
        """Send it along."""
        case.headers["Authorization"] = f"Bearer {data}"


if OWN_KEY in os.environ:
    schemathesis.auth(refresh_interval=None)(Credentials)
