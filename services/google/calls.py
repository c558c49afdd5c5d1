"""One call in a user's name: wait for the user's turn, send it with an access token, translate the answer.

A token that Google refuses is replaced once, since a refused call did nothing; but what was to be written
under one grant is not written under the next, whose first run may be under way already. Nothing else is
repeated here: what an unknown outcome means is for the caller to decide.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from services.core.errors import FailureClass, VendorError
from services.google.errors import failure_of, http_date, parse_json
from services.google.quota import WRITE_UNITS
from services.google.requests import with_token
from services.google.server_clock import ServerClock
from services.google.transport import no_answer

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from services.core.ports import Clock
    from services.google.access_tokens import AccessTokens
    from services.google.quota import Pacer
    from services.google.transport import HttpRequest, HttpResponse, Transport

MISSING_SCOPE: Final = "insufficientPermissions"


class GoogleCalls:
    """Sends requests in users' names."""

    def __init__(self, *, transport: Transport, tokens: AccessTokens, clock: Clock, pacer: Pacer) -> None:
        self._transport = transport
        self._tokens = tokens
        self._clock = clock
        self._pacer = pacer
        self._server_clock = ServerClock()

    @property
    def clock_ahead(self) -> timedelta:
        """Google's clock minus ours."""
        return self._server_clock.ahead

    async def document(
        self,
        user_id: UUID,
        request: HttpRequest,
        units: int,
        *,
        with_cursor: bool = False,
        optional_scope: bool = False,
    ) -> dict[str, Any]:
        """The JSON object with which Google answers.

        Args:
            user_id: In whose name.
            request: Without a token.
            units: What it costs of the quota.
            with_cursor: Whether it carries a sync or page token, which Google may have forgotten.
            optional_scope: Whether the grant is of use without the scope that the request needs.

        Raises:
            VendorError: Google refused, or did not answer so that it can be understood.
            ReauthorisationRequiredError: The grant is dead, or lacks a scope that nothing works without.
        """
        response = await self._send(
            user_id, request, units, with_cursor=with_cursor, optional_scope=optional_scope
        )
        document = parse_json(response.body)
        if not isinstance(document, dict):
            raise no_answer("unreadable-answer")
        return document

    async def write(self, user_id: UUID, request: HttpRequest) -> None:
        """A write whose answer says nothing.

        Raises:
            VendorError: As `document`.
        """
        await self._send(user_id, request, WRITE_UNITS)

    async def unless_gone(self, user_id: UUID, request: HttpRequest) -> None:
        """A write whose object may be gone already.

        Raises:
            VendorError: As `document`, but not where Google knows no such object.
        """
        try:
            await self.write(user_id, request)
        except VendorError as error:
            if error.failure is not FailureClass.INVALID_STATE:
                raise

    async def _send(
        self,
        user_id: UUID,
        request: HttpRequest,
        units: int,
        *,
        with_cursor: bool = False,
        optional_scope: bool = False,
    ) -> HttpResponse:
        token = await self._token(user_id, units)
        response = await self._attempt(request, token)
        if response.status == HTTPStatus.UNAUTHORIZED:
            self._tokens.invalidate(user_id, token)
            refused, token = token, await self._token(user_id, units)
            if request.method == "GET" or self._tokens.are_of_one_grant(user_id, refused, token):
                response = await self._attempt(request, token)
        if response.status // 100 == 2:  # noqa: PLR2004 - the class of success.
            return response
        failure = failure_of(response, now=self._clock.now(), with_cursor=with_cursor)
        if failure.reason == MISSING_SCOPE and not optional_scope:
            await self._tokens.refuse_grant(user_id, token, failure.reason)
        raise failure

    async def _token(self, user_id: UUID, units: int) -> str:
        """Wait for the user's turn; a token that was taken before might be stale by then."""
        await self._pacer.spend(user_id, units)
        return await self._tokens.access_token(user_id)

    async def _attempt(self, request: HttpRequest, token: str) -> HttpResponse:
        sent_at = self._clock.now()
        response = await self._transport.send(with_token(request, token))
        self._server_clock.learn(
            http_date(response.headers.get("date")), sent_at=sent_at, received_at=self._clock.now()
        )
        return response
