"""JSON bodies as RFC 8259 has them: no NaN, no lone surrogates, no name twice; the content type says JSON."""

import json
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response


class StrictRequest(Request):
    """A request whose body is parsed strictly."""

    async def json(self) -> Any:
        """The parsed body.

        Raises:
            json.JSONDecodeError: It is not JSON.
        """
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json


class StrictRoute(APIRoute):
    """A route that takes JSON bodies only, and tells fields that it answers from unknown ones."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler over a strict request."""
        handler = super().get_route_handler()
        if self.body_field is None:
            return handler
        answered = frozenset(getattr(self.response_model, "model_fields", ()))

        async def strict(request: Request) -> Response:
            _require_json(request)
            strict_request = StrictRequest(request.scope, request.receive)
            await _refuse_repeated_names(strict_request)
            try:
                return await handler(strict_request)
            except RequestValidationError as error:
                told = [_told_apart(each, answered) for each in error.errors()]
                raise RequestValidationError(told) from None

        return strict


def _require_json(request: Request) -> None:
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json.")


def _told_apart(error: dict[str, Any], answered: frozenset[str]) -> dict[str, Any]:
    """What the body may not hold because it is the service's to say is read-only, not unknown."""
    read_only = error["type"] == "extra_forbidden" and error["loc"][1:] in {(name,) for name in answered}
    return {**error, "type": "read_only"} if read_only else error


class _Repeated:
    """Stands in the place of an object that has a name twice."""

    def __init__(self, name: str) -> None:
        self.name = name


async def _refuse_repeated_names(request: StrictRequest) -> None:
    """A name that stands twice means something else to each reader (RFC 8259 section 4).

    Raises:
        RequestValidationError: There is one, or the nesting is so deep that nobody can tell.
    """
    try:
        await request.json()
    except json.JSONDecodeError:
        return  # The framework reads it once more, and says what is wrong.
    found = False

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Repeated:
        nonlocal found
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        found = True
        return _Repeated(Counter(name for name, _ in pairs).most_common(1)[0][0])

    try:
        document = json.loads(await request.body(), object_pairs_hook=unique, parse_int=len, parse_float=len)
        places = list(_places(document, ())) if found else []
    except RecursionError:
        message = "The body is nested too deeply."
        raise RequestValidationError([{"type": "too_deep", "loc": ("body",), "msg": message}]) from None
    if places:
        message = "This name stands here more than once."
        raise RequestValidationError(
            [{"type": "repeated_name", "loc": ("body", *place), "msg": message} for place in places]
        )


def _places(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    match value:
        case _Repeated():
            yield (*path, value.name)
        case dict():
            for name, member in value.items():
                yield from _places(member, (*path, name))
        case list():
            for position, item in enumerate(value):
                yield from _places(item, (*path, position))
        case _:
            pass
