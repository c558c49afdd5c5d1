"""The OpenAPI document is enough to generate a client from, and what it shows is true."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from main import app
from scripts.openapi import TARGET, document
from tests.api.service import SLOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.service import Service

METHODS = {"get", "post", "put", "patch", "delete"}
DOCUMENT = app.openapi()
JSON = "application/json"
PROBLEM = "application/problem+json"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            assert method in METHODS
            yield method, path, operation


OPERATIONS = list(operations())
each_operation = pytest.mark.parametrize(
    "operation", [pytest.param(operation, id=f"{method} {path}") for method, path, operation in OPERATIONS]
)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    return dict(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])


def valid(value: Any, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.validate(value, whole, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def test_the_document_changes_only_on_purpose() -> None:
    """After a change that is meant: `make openapi`, and look at the difference."""
    assert TARGET.read_text(encoding="utf-8") == document()


def test_operations_have_names_that_make_methods() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name), name


@each_operation
def test_an_operation_says_what_it_is_for(operation: dict[str, Any]) -> None:
    assert len(operation["tags"]) == 1
    assert operation["summary"]
    assert not operation["summary"].endswith(".")
    assert operation["description"]


@each_operation
def test_every_parameter_is_described(operation: dict[str, Any]) -> None:
    silent = [each["name"] for each in operation.get("parameters", []) if not each.get("description")]
    assert silent == []


@each_operation
def test_every_field_of_a_request_is_described_by_an_example(operation: dict[str, Any]) -> None:
    body = operation.get("requestBody")
    for schema in _alternatives(body["content"][JSON]["schema"]) if body else []:
        model = resolved(schema)
        for example in model["examples"]:
            valid(example, model)
        assert model["additionalProperties"] is False


@each_operation
def test_an_answer_has_a_schema_and_an_example_that_fits(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        assert answer["description"]
        for media_type, content in answer.get("content", {}).items():
            assert media_type in (JSON, PROBLEM, "text/calendar", "text/event-stream"), (status, media_type)
            shown = [each["value"] for each in content.get("examples", {}).values()]
            shown += [content["example"]] if "example" in content else []
            shown += resolved(content["schema"]).get("examples", [])
            assert shown, f"{status} {media_type} has no example"
            for example in shown:
                valid(example, content["schema"])


@each_operation
def test_what_needs_a_credential_says_how_it_is_refused(operation: dict[str, Any]) -> None:
    refusals = {status for status in operation["responses"] if status[0] in "45" or status == "default"}
    if "security" in operation:
        assert {"401", "429", "503", "default"} <= refusals
        read = [each for each in operation.get("parameters", []) if each["in"] in ("path", "query")]
        assert "422" in refusals or not (read or operation.get("requestBody"))


async def test_examples_of_requests_are_accepted(service: Service) -> None:
    """Each example creates or changes something, as it stands in the document."""
    examples = {
        name: schema["examples"]
        for name, schema in DOCUMENT["components"]["schemas"].items()
        if "examples" in schema
    }
    for number, example in enumerate(examples["UserIn"]):
        answer = await service.http.post("/auth/users", json=example)
        assert answer.status_code == 201, (number, answer.text)
    ada = await service.register("connected@example.com")
    await service.connect(ada)
    for example in examples["SlotWrite"]:
        created = await ada.post("/slots", json=example)
        assert created.status_code == 201, created.text
        address = f"/slots/{created.json()['id']}"
        assert (await ada.put(address, json=example)).status_code == 200
    for example in examples["SlotPatch"]:
        created = await ada.post("/slots", json=SLOT)
        answer = await ada.patch(f"/slots/{created.json()['id']}", json=example)
        assert answer.status_code == 200, answer.text
    for example in examples["KeyIn"]:
        assert (await ada.post("/auth/keys", json=example)).status_code == 201
    for example in examples["CalendarChoiceIn"]:
        answer = await ada.put("/calendars/primary", json=example)
        assert answer.status_code == 200, answer.text
    for example in examples["DisconnectIn"]:
        answer = await ada.post("/auth/google/disconnect", json=example)
        assert answer.status_code == 200, answer.text


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in schema.get("anyOf", [schema]) if each != {"type": "null"}]
