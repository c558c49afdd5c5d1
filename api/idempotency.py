"""`Idempotency-Key`: a POST that may be sent again.

Follows draft-ietf-httpapi-idempotency-key-header: the key is a string of the client's choice (its quotes may
be left out, as most clients do), and another request under the same key is 422. Where the draft lets a
repetition that comes while the first one is at work be refused with 409, it waits here: the work is one short
transaction.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha256
from typing import Annotated, TypeVar, cast

import orjson
from fastapi import Depends, Header, Request
from starlette.responses import Response

from api.dependencies import Idempotency, OptionalPrincipal
from services.core.idempotency import ADMINISTRATOR_SCOPE, Attempt
from services.idempotency_service import Answer, IdempotencyService

_Value = TypeVar("_Value")
_KEPT_HEADERS = ("content-type", "etag", "location", "preference-applied")

IdempotencyKey = Annotated[
    str | None,
    Header(
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of your choice, a UUID for example. For 24 hours the same request with the "
        "same key changes nothing and gets the first answer again, with `Idempotency-Replayed: true`; "
        "another request with it is refused. Answers from 400 on are not kept: send the request again.",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ),
]


class Repeatable:
    """A request that may come again; without a key it is carried out each time."""

    def __init__(self, service: IdempotencyService, attempt: Attempt | None) -> None:
        self._service = service
        self._attempt = attempt

    async def once(
        self,
        work: Callable[[], Awaitable[_Value]],
        shape: Callable[[_Value], Response],
        wait: Callable[[_Value], Awaitable[Response | None]] | None = None,
    ) -> Response:
        """The answer of the request, which is carried out unless it was before.

        Args:
            work: What the request does; all of it becomes durable together with the answer.
            shape: The answer to it.
            wait: Waits for what comes of the work; `None` from it means that `shape` has said everything.
        """
        if self._attempt is None:
            value = await work()
            waited = await wait(value) if wait is not None else None
            return shape(value) if waited is None else waited
        outcome = await self._service.once(self._attempt, work, lambda value: _kept(shape(value)))
        if outcome.value is None:
            replayed = _response(outcome.answer)
            replayed.headers["Idempotency-Replayed"] = "true"
            return replayed
        waited = await wait(outcome.value) if wait is not None else None
        if waited is None:
            return _response(outcome.answer)
        await self._service.amend(self._attempt, _kept(waited))
        return waited


async def _repeatable(
    request: Request,
    principal: OptionalPrincipal,
    service: Idempotency,
    idempotency_key: IdempotencyKey = None,
) -> Repeatable:
    if idempotency_key is None or principal is None:
        # Nobody's key would be everybody's: who has no credential could ask for another one's answer.
        return Repeatable(service, None)
    return Repeatable(
        service,
        Attempt(
            scope=principal.user_id or ADMINISTRATOR_SCOPE,
            route=f"{request.method} {request.scope['route'].path}",
            key=_unquoted(idempotency_key),
            fingerprint=await _fingerprint(request),
        ),
    )


Retry = Annotated[Repeatable, Depends(_repeatable)]


def _unquoted(key: str) -> str:
    return key[1:-1] if len(key) > 2 and key.startswith('"') and key.endswith('"') else key  # noqa: PLR2004


async def _fingerprint(request: Request) -> str:
    """A digest of what the request asks for: where, and a body that means the same however it is written."""
    body = await request.body()
    with suppress(orjson.JSONDecodeError):
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    path, query = request.url.path.encode(), request.url.query.encode()
    return sha256(b"".join(sha256(part).digest() for part in (path, query, body))).hexdigest()


def _kept(response: Response) -> Answer:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return Answer(response.status_code, headers, bytes(cast("bytes", response.body)).decode())


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))
