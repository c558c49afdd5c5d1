"""Every call to Google Calendar, as the core's `Calendars` port.

A call is: build the request, send it in the user's name, read what the answer says.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from services.core.calendar_entry import PRIMARY
from services.core.errors import FailureClass, VendorError
from services.core.events import OpenedChannel
from services.google.attendees import NO_GUESTS, GuestList
from services.google.calendar_list import entries_from_wire
from services.google.calls import GoogleCalls
from services.google.quota import PATCH_UNITS, READ_UNITS, WRITE_UNITS
from services.google.requests import CalendarRequests
from services.google.templates import SLOT_PROPERTY
from services.google.times import UnreadableEventError, known_zone
from services.google.transport import no_answer
from services.google.wire import (
    changes_guests,
    changes_to_wire,
    content_or_none,
    event_from_wire,
    event_to_wire,
    page_from_wire,
    zone_of,
)

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.calendar_entry import CalendarEntry
    from services.core.events import EventPage, RemoteEvent
    from services.core.ports import Clock
    from services.core.records import Notify
    from services.core.slots import SlotContent
    from services.google.access_tokens import AccessTokens
    from services.google.quota import Pacer
    from services.google.transport import HttpRequest, Transport

_SEND_UPDATES: Final[dict[Notify, str]] = {"none": "none", "all": "all", "external": "externalOnly"}
_REMEMBERED_CALENDARS: Final = 10_000
_MOST_LIST_PAGES: Final = 100


@dataclass(frozen=True, slots=True)
class _CalendarFacts:
    zone: str
    role: str


class CalendarService:
    """Implements `services.core.ports.Calendars` over Google's REST API."""

    def __init__(
        self,
        *,
        transport: Transport,
        tokens: AccessTokens,
        clock: Clock,
        pacer: Pacer,
        api_root: str,
        requests: CalendarRequests | None = None,
    ) -> None:
        """Load and ask nothing yet.

        Args:
            transport: The way to Google.
            tokens: In whose name calls are made.
            clock: The source of time.
            pacer: Lets calls go when their turn has come.
            api_root: Where the API lives.
            requests: Google's client for `api_root`, for whoever has it already. `None`: it is loaded when it
                is needed, in a thread.
        """
        self._tokens = tokens
        self._calls = GoogleCalls(transport=transport, tokens=tokens, clock=clock, pacer=pacer)
        self._api_root = api_root
        self._requests = requests
        self._loading = asyncio.Lock()
        self._facts: OrderedDict[tuple[UUID, str], _CalendarFacts] = OrderedDict()

    async def prepare(self) -> None:
        """Load Google's client in a thread; the first call does it otherwise."""
        async with self._loading:
            if self._requests is None:
                self._requests = await asyncio.to_thread(CalendarRequests.load, self._api_root)

    async def changes(
        self, user_id: UUID, calendar_id: str, *, sync_token: str | None, page_token: str | None
    ) -> EventPage:
        """One page of changes, or of everything."""
        build = await self._builder()
        request = build.page(calendar_id, sync_token=sync_token, page_token=page_token)
        with_cursor = bool(sync_token or page_token)
        document = await self._calls.document(user_id, request, READ_UNITS, with_cursor=with_cursor)
        page = page_from_wire(document, await self._tokens.address(user_id))
        self._remember(user_id, calendar_id, document)
        return page

    async def get(self, user_id: UUID, calendar_id: str, event_id: str) -> RemoteEvent:
        """One event as it is now."""
        build = await self._builder()
        document = await self._calls.document(user_id, build.get(calendar_id, event_id), READ_UNITS)
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
        template_event_id: str | None = None,
    ) -> RemoteEvent:
        """Create an event under our id, with the slot's name in it."""
        build = await self._builder()
        template = None
        if template_event_id is not None:
            template = await self._document_or_none(user_id, build.get(calendar_id, template_event_id))
        body = {**event_to_wire(content, template or {}), "id": event_id}
        extended = body.get("extendedProperties", {})
        private = {**extended.get("private", {}), SLOT_PROPERTY: str(slot_id)}
        body["extendedProperties"] = {**extended, "private": private}
        request = build.insert(
            calendar_id, body, send_updates=_SEND_UPDATES[notify], whole=template is not None
        )
        return await self._event(
            user_id, calendar_id, await self._calls.document(user_id, request, WRITE_UNITS)
        )

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
        guests = NO_GUESTS
        if changes_guests(base, content):
            document = await self._document_of(user_id, calendar_id, event_id, etag)
            guests = GuestList.of(document, await self._tokens.address(user_id))
        body = changes_to_wire(base, content, guests)
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
        """Confirm a deleted event again; what it had beside the content, it keeps.

        Nothing is written where it is there as it should be: an instance may have come back with its series.
        """
        document = await self._document_of(user_id, calendar_id, event_id, etag)
        own_address = await self._tokens.address(user_id)
        facts = self._facts.get((user_id, calendar_id))
        base = content_or_none(document, facts.zone if facts is not None else "UTC", own_address)
        body = changes_to_wire(base, content, GuestList.of(document, own_address))
        if not body and document.get("status") != "cancelled":
            return await self._event(user_id, calendar_id, document)
        body["status"] = "confirmed"
        return await self._patch(user_id, calendar_id, event_id, body, etag=etag, notify=notify)

    async def delete(
        self, user_id: UUID, calendar_id: str, *, event_id: str, etag: str, notify: Notify
    ) -> None:
        """Delete an event."""
        build = await self._builder()
        request = build.delete(calendar_id, event_id, etag=etag, send_updates=_SEND_UPDATES[notify])
        await self._calls.write(user_id, request)

    async def move(
        self,
        user_id: UUID,
        calendar_id: str,
        *,
        event_id: str,
        etag: str,
        destination: str,
        notify: Notify,
    ) -> None:
        """Give an event to another calendar; what Google answers of it is what it left behind."""
        build = await self._builder()
        request = build.move(
            calendar_id, event_id, destination=destination, etag=etag, send_updates=_SEND_UPDATES[notify]
        )
        await self._calls.document(user_id, request, WRITE_UNITS)

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
        document = await self._calls.document(user_id, build.watch(calendar_id, body), WRITE_UNITS)
        resource_id = document.get("resourceId")
        if not isinstance(resource_id, str):
            raise no_answer("unreadable-answer")
        return OpenedChannel(resource_id, _expiration(document.get("expiration")))

    async def stop(self, user_id: UUID, *, channel_id: str, resource_id: str) -> None:
        """Close a channel, if it is there."""
        build = await self._builder()
        await self._calls.unless_gone(user_id, build.stop(channel_id=channel_id, resource_id=resource_id))

    async def calendar_list(self, user_id: UUID) -> list[CalendarEntry]:
        """The user's calendars, page by page; a grant that does not reach so far goes on serving events."""
        build = await self._builder()
        entries: list[CalendarEntry] = []
        page_token: str | None = None
        for _ in range(_MOST_LIST_PAGES):
            request = build.calendar_list(page_token=page_token)
            page = await self._calls.document(user_id, request, READ_UNITS, optional_scope=True)
            found, page_token = entries_from_wire(page)
            entries += found
            if page_token is None:
                return entries
        raise no_answer("endless-list")

    def clock_ahead(self) -> timedelta:
        """Google's clock minus ours."""
        return self._calls.clock_ahead

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
        return await self._event(
            user_id, calendar_id, await self._calls.document(user_id, request, PATCH_UNITS)
        )

    async def _document_of(self, user_id: UUID, calendar_id: str, event_id: str, etag: str) -> dict[str, Any]:
        """An event with all that only Google knows of it, if it still is what `etag` says."""
        build = await self._builder()
        document = await self._calls.document(user_id, build.get(calendar_id, event_id), READ_UNITS)
        if document.get("etag") != etag:
            raise VendorError(
                FailureClass.CONFLICT,
                status=HTTPStatus.PRECONDITION_FAILED,
                reason="conditionNotMet",
                message="The event changed before its guests could be sent",
            )
        return document

    async def _document_or_none(self, user_id: UUID, request: HttpRequest) -> dict[str, Any] | None:
        try:
            return await self._calls.document(user_id, request, READ_UNITS)
        except VendorError as error:
            if error.failure is FailureClass.INVALID_STATE:
                return None
            raise

    async def _event(self, user_id: UUID, calendar_id: str, document: dict[str, Any]) -> RemoteEvent:
        facts = self._facts.get((user_id, calendar_id))
        if facts is None and (calendar_id != PRIMARY or _needs_zone(document)):
            # An answer about one event names neither the calendar's zone nor the user's role in it; a wrong
            # guess would look like an edit of the schedule, or like a right that the user does not have.
            build = await self._builder()
            try:
                listing = await self._calls.document(user_id, build.calendar_facts(calendar_id), READ_UNITS)
            except VendorError as error:
                # The call that brought the document succeeded, so this refusal must not be taken for its own.
                raise no_answer("calendar-facts", error) from error
            facts = self._remember(user_id, calendar_id, listing)
        zone, role = ("UTC", "owner") if facts is None else (facts.zone, facts.role)
        try:
            return event_from_wire(document, zone, role, await self._tokens.address(user_id))
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
