"""Google Calendar requests, built by Google's own client and never sent by it.

The client knows every path, parameter and encoding from the discovery document that it ships; building one
takes microseconds. Its transport is synchronous, so only what it built is taken over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from services.google.transport import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_PAGE = 2500
_LARGEST_LIST_PAGE = 250
# Google compresses only for clients that say "gzip" here as well.
_USER_AGENT = "calendar-sync (gzip)"


class CalendarRequests:
    """Builds requests against one API root."""

    def __init__(self, *, events: Any, channels: Any, calendar_list: Any) -> None:
        self._events = events
        self._calendar_list = calendar_list
        self._channels = channels

    @classmethod
    def load(cls, api_root: str) -> Self:
        """Import the client and read the discovery document: about a third of a second, once."""
        import json

        from googleapiclient.discovery import build_from_document
        from googleapiclient.discovery_cache import get_static_doc

        document = json.loads(get_static_doc("calendar", "v3"))
        endpoint = f"{api_root.rstrip('/')}/{document['servicePath']}"
        client = build_from_document(document, http=_NoHttp(), client_options={"api_endpoint": endpoint})
        return cls(events=client.events(), channels=client.channels(), calendar_list=client.calendarList())

    def page(self, calendar_id: str, *, sync_token: str | None, page_token: str | None) -> HttpRequest:
        """One page of a listing.

        Every page and every delta asks in the same words, as Google demands. `fields` is left off, so that
        neither token can be forgotten, and `showDeleted` too: a first listing needs no tombstones, a delta
        brings them anyway, and cancelled exceptions come in both.
        """
        built = self._events.list(
            calendarId=calendar_id,
            singleEvents=False,
            maxResults=_LARGEST_PAGE,
            syncToken=sync_token,
            pageToken=page_token,
        )
        return _to_send(built)

    def calendar_list(self, *, page_token: str | None) -> HttpRequest:
        """One page of the user's calendars, with those that Google's own pages hide."""
        built = self._calendar_list.list(maxResults=_LARGEST_LIST_PAGE, showHidden=True, pageToken=page_token)
        return _to_send(built)

    def calendar_facts(self, calendar_id: str) -> HttpRequest:
        """The zone and the access role of a calendar, which the scope for events does not reach otherwise."""
        return _to_send(self._events.list(calendarId=calendar_id, maxResults=1, fields="timeZone,accessRole"))

    def get(self, calendar_id: str, event_id: str) -> HttpRequest:
        """One event."""
        return _to_send(self._events.get(calendarId=calendar_id, eventId=event_id))

    def insert(
        self, calendar_id: str, body: Mapping[str, Any], *, send_updates: str, whole: bool = False
    ) -> HttpRequest:
        """A new event; a `whole` one brings its conference and attachments along, which Google drops else."""
        extra: dict[str, Any] = {"conferenceDataVersion": 1, "supportsAttachments": True} if whole else {}
        return _to_send(
            self._events.insert(calendarId=calendar_id, body=body, sendUpdates=send_updates, **extra)
        )

    def patch(
        self, calendar_id: str, event_id: str, body: Mapping[str, Any], *, etag: str, send_updates: str
    ) -> HttpRequest:
        """Some fields of an event.

        Without `conferenceDataVersion`, which makes Google leave the conference as it is.
        """
        built = self._events.patch(
            calendarId=calendar_id, eventId=event_id, body=body, sendUpdates=send_updates
        )
        return _to_send(built, etag=etag)

    def delete(self, calendar_id: str, event_id: str, *, etag: str, send_updates: str) -> HttpRequest:
        """The end of an event."""
        built = self._events.delete(calendarId=calendar_id, eventId=event_id, sendUpdates=send_updates)
        return _to_send(built, etag=etag)

    def move(
        self, calendar_id: str, event_id: str, *, destination: str, etag: str, send_updates: str
    ) -> HttpRequest:
        """An event that goes to another calendar."""
        built = self._events.move(
            calendarId=calendar_id, eventId=event_id, destination=destination, sendUpdates=send_updates
        )
        return _to_send(built, etag=etag)

    def watch(self, calendar_id: str, body: Mapping[str, Any]) -> HttpRequest:
        """A new notification channel.

        With no query parameter: Google accepts those of a listing, but with some of them it never notifies.
        """
        return _to_send(self._events.watch(calendarId=calendar_id, body=body))

    def stop(self, *, channel_id: str, resource_id: str) -> HttpRequest:
        """The end of a notification channel."""
        return _to_send(self._channels.stop(body={"id": channel_id, "resourceId": resource_id}))


class _NoHttp:
    """Stands where the client wants a transport, which it only touches to send."""


def _to_send(built: Any, *, etag: str | None = None) -> HttpRequest:
    headers = {**built.headers, "user-agent": _USER_AGENT}
    if etag:
        headers["if-match"] = etag
    body = built.body.encode() if isinstance(built.body, str) else built.body or b""
    return HttpRequest(built.method, built.uri.removesuffix("?"), headers, body)


def with_token(request: HttpRequest, access_token: str) -> HttpRequest:
    """The request in the name of whom the token belongs to."""
    return replace(request, headers={**request.headers, "authorization": f"Bearer {access_token}"})
