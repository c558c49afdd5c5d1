"""The table of problems is complete, and OpenAPI tells the truth."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from api.problem_table import TABLE
from api.problems import TYPE_ROOT, problem_response
from schemas.calendar_schemas import CalendarChoiceIn, CalendarOut, CalendarPageOut
from schemas.common import ProblemOut
from schemas.slot_input import SlotPatch, SlotWrite
from schemas.slot_schemas import SlotOut
from services.core import errors
from services.core.errors import DomainError, FailureClass, OAuthFlowError, VendorError

if TYPE_CHECKING:
    from tests.api.service import Service


def all_subclasses(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*(all_subclasses(each) for each in kind.__subclasses__()))


def test_every_domain_error_of_the_core_has_a_row() -> None:
    missing = {
        kind
        for kind in all_subclasses(DomainError)
        if kind.__module__ == errors.__name__ and kind not in TABLE
    }
    assert missing == set()


def test_rows_are_sane() -> None:
    for row in TABLE.values():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", row.slug)
        assert 400 <= row.status < 600
        assert row.title
        assert row.detail or row.facts


@pytest.mark.parametrize(
    ("failure", "status"),
    [(FailureClass.RETRYABLE, 503), (FailureClass.RATE_LIMITED, 503), (FailureClass.PERMANENT, 502)],
)
def test_google_failing_is_not_the_clients_fault(failure: FailureClass, status: int) -> None:
    answer = problem_response(VendorError(failure, status=500, message="secret"), "id")
    assert answer.status_code == status
    assert b"secret" not in answer.body


def test_a_failed_link_has_a_problem_type_of_its_own() -> None:
    answer = problem_response(OAuthFlowError("google-scope-missing", "No access."), "id")
    assert json.loads(bytes(answer.body))["type"].endswith("/google-scope-missing")
    assert answer.status_code == 403


async def test_a_client_is_told_of_both_carriers_of_a_credential(service: Service) -> None:
    schemes = (await service.http.get("/openapi.json")).json()["components"]["securitySchemes"]
    key, cookie = schemes["apiKey"], schemes["session"]
    # Swagger's Authorize button takes a pasted key for this kind.
    assert (key["type"], key["scheme"]) == ("http", "bearer")
    assert (cookie["type"], cookie["in"], cookie["name"]) == ("apiKey", "cookie", "__Host-session")


async def test_every_operation_is_documented(service: Service) -> None:
    document = (await service.http.get("/openapi.json")).json()
    names = []
    for path, operations in document["paths"].items():
        for operation in operations.values():
            names.append(operation["operationId"])
            assert operation["summary"], path
            assert operation["description"], path
            assert operation["tags"], path
            successes = [status for status in operation["responses"] if status.startswith("2")]
            assert successes, path
    assert len(names) == len(set(names))
    problem = document["components"]["schemas"]["ProblemOut"]
    jsonschema.Draft202012Validator.check_schema(problem)


async def test_every_field_of_every_shape_is_described(service: Service) -> None:
    document = (await service.http.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    silent = [
        f"{shape}.{name}"
        for shape, schema in schemas.items()
        for name, field in schema.get("properties", {}).items()
        if not field.get("description", "").endswith(".")
    ]
    assert silent == []


async def test_every_error_answer_shows_true_examples_of_its_own(service: Service) -> None:
    document = (await service.http.get("/openapi.json")).json()
    titles = {row.slug: row.title for row in TABLE.values()}
    shown: dict[str, dict[str, Any]] = {}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                content = answer.get("content", {}).get("application/problem+json")
                if content is None:
                    continue
                for slug, example in content["examples"].items():
                    value = example["value"]
                    ProblemOut.model_validate(value)
                    assert status in (str(value["status"]), "default"), path
                    assert value["type"] == TYPE_ROOT + slug
                    assert value["title"] == example["summary"] == titles.get(slug, value["title"])
                    assert value["detail"]
                    phrase = HTTPStatus(value["status"]).phrase
                    assert value["title"] in {*titles.values(), phrase}
                    shown[slug] = value
    ada = await service.register()
    for real in (
        await service.http.get("/slots"),
        await ada.get(f"/slots/{ada.id}"),
        await ada.post("/auth/users", json={"email": ada.email}),
        await ada.post("/sync/trigger"),
        await ada.post("/slots", content=b"title=x"),
    ):
        answered = real.json()
        slug = answered["type"].removeprefix(TYPE_ROOT)
        expected = {**shown[slug], "google_status": answered.get("google_status")}
        assert {"google_status": None, **answered, "instance": ""} == {**expected, "instance": ""}


def test_examples_are_true() -> None:
    for model in (SlotWrite, SlotPatch, SlotOut, CalendarChoiceIn, CalendarOut, CalendarPageOut):
        schema = model.model_json_schema()
        for example in schema["examples"]:
            model.model_validate(example)


async def test_the_documentation_page_works(service: Service) -> None:
    answer = await service.http.get("/docs")
    assert answer.status_code == 200
    assert "swagger-ui" in answer.text
    assert "/openapi.json" in answer.text
