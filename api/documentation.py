"""What OpenAPI says about answers that routes have in common."""

from http import HTTPStatus
from typing import Any

from schemas.common import ProblemOut

_MEANING = {
    400: "The request does not make sense here.",
    401: "No valid credential.",
    403: "The credential does not reach this far.",
    404: "There is no such thing for this credential.",
    408: "The body did not arrive in time.",
    409: "The state of things does not allow it.",
    412: "`If-Match` names a version that is no longer current.",
    413: "The body is too large.",
    422: "The request is not valid; `errors` says what is wrong where.",
    502: "Google refused.",
    503: "The database or Google is away; `Retry-After` says when to try again.",
}
_SCHEMA = {"$ref": "#/components/schemas/ProblemOut"}

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """The problem documents that a route may answer, beside the ones that any may."""
    documented: Responses = {
        status: {
            "description": _MEANING[status],
            "content": {"application/problem+json": {"schema": _SCHEMA}},
        }
        for status in sorted({*statuses, 503})
    }
    # One of them carries the model, so that the schema stands among the components.
    documented["default"] = {
        "description": "A problem document.",
        "model": ProblemOut,
        "content": {"application/problem+json": {"schema": _SCHEMA}},
    }
    return documented


NO_CONTENT = HTTPStatus.NO_CONTENT
