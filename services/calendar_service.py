"""Every call to Google Calendar, as the core's `Calendars` port.

A call is: build the request, wait for the user's turn, send it with an access token, translate the answer.
A token that Google refuses is replaced once, since a refused call did nothing. Nothing else is repeated here:
what an unknown outcome means is for the caller to decide.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from services.core.errors import FailureClass, VendorError
from services.core.events import OpenedChannel
from services.google.errors import failure_of, http_date, parse_json
from services.google.quota import PATCH_UNITS, READ_UNITS, WRITE_UNITS
from services.google.requests import CalendarRequests, with_token
from services.google.server_clock import ServerClock
from services.google.times import UnreadableEventError, known_zone
from services.google.transport import no_answer
from services.google.wire import (
    SLOT_PROPERTY,
    changes_to_wire,
    event_from_wire,
    event_to_wire,
    page_from_wire,
    zone_of,
)

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.events import EventPage, RemoteEvent
    from services.core.ports import Clock
    from services.core.records import Notify
    from services.core.slots import SlotContent
    from services.google.access_tokens import AccessTokens
    from services.google.quota import Pacer
    from services.google.transport import HttpRequest, HttpResponse, Transport

_SEND_UPDATES: Final[dict[Notify, str]] = {"none": "none", "all": "all", "external": "externalOnly"}
_REMEMBERED_CALENDARS: Final = 10_000
_MISSING_SCOPE: Final = "insufficientPermissions"


@dataclass(frozen=True, slots=True)
class _CalendarFacts:
    zone: str
    role: str


class CalendarService:
    """Implements `services.core.ports.Calendars` over Google's REST API."""

    def __init__(
        self, *, transport: Transport, tokens: AccessTokens, clock: Clock, pacer: Pacer, api_root: str
    ) -> None:
        self._transport = transport
        self._tokens = tokens
        self._clock = clock
        self._pacer = pacer
        self._api_root = api_root
        self._server_clock = ServerClock()
        self._requests: CalendarRequests | None = None
        self._loading = asyncio.Lock()
        self._facts: OrderedDict[tuple[UUID, str], _CalendarFacts] = OrderedDict()

    async def prepare(self) -> None:
        """Load Google's client in a thread; the first call does it otherwise."""
        async with self._loading:
            if self._requests is None:
                self._requests = await asyncio.to_thread(CalendarRequests.load, self._api_root)

    def prepare_now(self) -> None:
        """Load Google's client on the spot, for simulations that allow no threads."""
        self._requests = self._requests or CalendarRequests.load(self._api_root)

    async def changes(
        self, user_id: UUID, calendar_id: str, *, sync_token: str | None, page_token: str | None
    ) -> EventPage:
        """One page of changes, or of everything."""
        build = await self._builder()
        request = build.page(calendar_id, sync_token=sync_token, page_token=page_token)
        with_cursor = bool(sync_token or page_token)
        document = await self._document(user_id, request, READ_UNITS, with_cursor=with_cursor)
        page = page_from_wire(document)
        self._remember(user_id, calendar_id, document)
        return page

    async def get(self, user_id: UUID, calendar_id: str, event_id: str) -> RemoteEvent:
        """One event as it is now."""
        build = await self._builder()
        document = await self._document(user_id, build.get(calendar_id, event_id), READ_UNITS)
        return await self._event(user_id, calendar_id, document)

    async def insert(
        self,
        user_id: UUID,
        calendar_id: str,
        *,
        event_id: str,
        slot_id: UUID,
        content: SlotContent,
        notify: Notify,
    ) -> RemoteEvent:
        """Create an event under our id, with the slot's name in it."""
        build = await self._builder()
        body = {
            **event_to_wire(content),
            "id": event_id,
            "extendedProperties": {"private": {SLOT_PROPERTY: str(slot_id)}},
        }
        request = build.insert(calendar_id, body, send_updates=_SEND_UPDATES[notify])
        return await self._event(user_id, calendar_id, await self._document(user_id, request, WRITE_UNITS))

    async def patch(
        self,
        user_id: UUID,
        calendar_id: str,
        *,
        event_id: str,
        etag: str,
        base: SlotContent,
        content: SlotContent,
        notify: Notify,
    ) -> RemoteEvent:
        """Change what differs; with no difference the event is only read."""
        body = changes_to_wire(base, content)
        if not body:
            return await self.get(user_id, calendar_id, event_id)
        return await self._patch(user_id, calendar_id, event_id, body, etag=etag, notify=notify)

    async def revive(
        self,
        user_id: UUID,
        calendar_id: str,
        *,
        event_id: str,
        etag: str,
        content: SlotContent,
        notify: Notify,
    ) -> RemoteEvent:
        """Confirm a deleted event again; what it had beside the content, it keeps."""
        body = {"status": "confirmed", **changes_to_wire(None, content)}
        return await self._patch(user_id, calendar_id, event_id, body, etag=etag, notify=notify)

    async def delete(
        self, user_id: UUID, calendar_id: str, *, event_id: str, etag: str, notify: Notify
    ) -> None:
        """Delete an event, if it is there."""
        build = await self._builder()
        request = build.delete(calendar_id, event_id, etag=etag, send_updates=_SEND_UPDATES[notify])
        await self._send_unless_gone(user_id, request)

    async def watch(
        self,
        user_id: UUID,
        calendar_id: str,
        *,
        channel_id: str,
        token: str,
        address: str,
        lifetime: timedelta,
    ) -> OpenedChannel:
        """Open a channel; its lifetime is told as a duration, which no clock can distort."""
        build = await self._builder()
        body = {
            "id": channel_id,
            "type": "web_hook",
            "address": address,
            "token": token,
            "params": {"ttl": str(int(lifetime.total_seconds()))},
        }
        document = await self._document(user_id, build.watch(calendar_id, body), WRITE_UNITS)
        resource_id = document.get("resourceId")
        if not isinstance(resource_id, str):
            raise no_answer("unreadable-answer")
        return OpenedChannel(resource_id, _expiration(document.get("expiration")))

    async def stop(self, user_id: UUID, *, channel_id: str, resource_id: str) -> None:
        """Close a channel, if it is there."""
        build = await self._builder()
        await self._send_unless_gone(user_id, build.stop(channel_id=channel_id, resource_id=resource_id))

    def clock_ahead(self) -> timedelta:
        """Google's clock minus ours."""
        return self._server_clock.ahead

    async def _builder(self) -> CalendarRequests:
        if self._requests is None:
            await self.prepare()
        assert self._requests is not None  # noqa: S101 - prepare() has just set it.
        return self._requests

    async def _patch(
        self,
        user_id: UUID,
        calendar_id: str,
        event_id: str,
        body: dict[str, Any],
        *,
        etag: str,
        notify: Notify,
    ) -> RemoteEvent:
        build = await self._builder()
        request = build.patch(calendar_id, event_id, body, etag=etag, send_updates=_SEND_UPDATES[notify])
        return await self._event(user_id, calendar_id, await self._document(user_id, request, PATCH_UNITS))

    async def _send_unless_gone(self, user_id: UUID, request: HttpRequest) -> None:
        try:
            await self._send(user_id, request, WRITE_UNITS)
        except VendorError as error:
            if error.failure is not FailureClass.INVALID_STATE:
                raise

    async def _document(
        self, user_id: UUID, request: HttpRequest, units: int, *, with_cursor: bool = False
    ) -> dict[str, Any]:
        response = await self._send(user_id, request, units, with_cursor=with_cursor)
        document = parse_json(response.body)
        if not isinstance(document, dict):
            raise no_answer("unreadable-answer")
        return document

    async def _send(
        self, user_id: UUID, request: HttpRequest, units: int, *, with_cursor: bool = False
    ) -> HttpResponse:
        token, response = await self._attempt(user_id, request, units)
        if response.status == HTTPStatus.UNAUTHORIZED:
            self._tokens.invalidate(user_id, token)
            token, response = await self._attempt(user_id, request, units)
        if response.status // 100 == 2:  # noqa: PLR2004 - the class of success.
            return response
        failure = failure_of(response, now=self._clock.now(), with_cursor=with_cursor)
        if failure.reason == _MISSING_SCOPE:
            await self._tokens.refuse_grant(user_id, token, failure.reason)
        raise failure

    async def _attempt(self, user_id: UUID, request: HttpRequest, units: int) -> tuple[str, HttpResponse]:
        await self._pacer.spend(user_id, units)
        token = await self._tokens.access_token(user_id)
        sent_at = self._clock.now()
        response = await self._transport.send(with_token(request, token))
        self._server_clock.learn(
            http_date(response.headers.get("date")), sent_at=sent_at, received_at=self._clock.now()
        )
        return token, response

    async def _event(self, user_id: UUID, calendar_id: str, document: dict[str, Any]) -> RemoteEvent:
        facts = self._facts.get((user_id, calendar_id))
        if facts is None and _needs_zone(document):
            # An answer about one event does not name the calendar's zone; a wrong guess would look like
            # an edit of the schedule.
            build = await self._builder()
            try:
                listing = await self._document(user_id, build.calendar_facts(calendar_id), READ_UNITS)
            except VendorError as error:
                # The call that brought the document succeeded, so this refusal must not be taken for its own.
                raise no_answer("calendar-facts", error) from error
            facts = self._remember(user_id, calendar_id, listing)
        zone, role = ("UTC", "owner") if facts is None else (facts.zone, facts.role)
        try:
            return event_from_wire(document, zone, role)
        except UnreadableEventError as error:
            raise VendorError(
                FailureClass.PERMANENT, status=HTTPStatus.OK, reason="unreadable-event", message=str(error)
            ) from None

    def _remember(self, user_id: UUID, calendar_id: str, listing: dict[str, Any]) -> _CalendarFacts:
        facts = _CalendarFacts(zone_of(listing), listing.get("accessRole") or "owner")
        self._facts[user_id, calendar_id] = facts
        self._facts.move_to_end((user_id, calendar_id))
        if len(self._facts) > _REMEMBERED_CALENDARS:
            self._facts.popitem(last=False)
        return facts


def _needs_zone(document: dict[str, Any]) -> bool:
    start = document.get("start")
    return isinstance(start, dict) and "dateTime" in start and known_zone(start.get("timeZone")) is None


def _expiration(milliseconds: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
