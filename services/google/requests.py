"""Google Calendar requests, in the words of Google's own client, which never sends them.

Its transport is synchronous, so only what it builds is taken over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from services.core.frozen import replace
from services.google.request_forms import RequestForms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.google.transport import HttpRequest

_LARGEST_PAGE = 2500
_LARGEST_LIST_PAGE = 250


class CalendarRequests:
    """Builds requests against one API root."""

    def __init__(self, *, events: Any, channels: Any, calendar_list: Any) -> None:
        """Take over resources of the client."""
        self._events = RequestForms(events)
        self._channels = RequestForms(channels)
        self._calendar_list = RequestForms(calendar_list)

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
        return self._events.request(
            "list",
            {"calendarId": calendar_id, "syncToken": sync_token, "pageToken": page_token},
            singleEvents=False,
            maxResults=_LARGEST_PAGE,
        )

    def calendar_list(self, *, page_token: str | None) -> HttpRequest:
        """One page of the user's calendars, with those that Google's own pages hide."""
        return self._calendar_list.request(
            "list", {"pageToken": page_token}, maxResults=_LARGEST_LIST_PAGE, showHidden=True
        )

    def calendar_facts(self, calendar_id: str) -> HttpRequest:
        """The zone and the access role of a calendar, which the scope for events does not reach otherwise."""
        return self._events.request(
            "list", {"calendarId": calendar_id}, maxResults=1, fields="timeZone,accessRole"
        )

    def get(self, calendar_id: str, event_id: str) -> HttpRequest:
        """One event."""
        return self._events.request("get", {"calendarId": calendar_id, "eventId": event_id})

    def insert(
        self, calendar_id: str, body: Mapping[str, Any], *, send_updates: str, whole: bool = False
    ) -> HttpRequest:
        """A new event; a `whole` one brings its conference and attachments along, which Google drops else."""
        extra: dict[str, Any] = {"conferenceDataVersion": 1, "supportsAttachments": True} if whole else {}
        return self._events.request(
            "insert", {"calendarId": calendar_id}, body=body, sendUpdates=send_updates, **extra
        )

    def patch(
        self, calendar_id: str, event_id: str, body: Mapping[str, Any], *, etag: str, send_updates: str
    ) -> HttpRequest:
        """Some fields of an event.

        Without `conferenceDataVersion`, which makes Google leave the conference as it is.
        """
        event = {"calendarId": calendar_id, "eventId": event_id}
        return self._events.request("patch", event, body=body, etag=etag, sendUpdates=send_updates)

    def delete(self, calendar_id: str, event_id: str, *, etag: str, send_updates: str) -> HttpRequest:
        """The end of an event."""
        event = {"calendarId": calendar_id, "eventId": event_id}
        return self._events.request("delete", event, etag=etag, sendUpdates=send_updates)

    def move(
        self, calendar_id: str, event_id: str, *, destination: str, etag: str, send_updates: str
    ) -> HttpRequest:
        """An event that goes to another calendar."""
        event = {"calendarId": calendar_id, "eventId": event_id, "destination": destination}
        return self._events.request("move", event, etag=etag, sendUpdates=send_updates)

    def watch(self, calendar_id: str, body: Mapping[str, Any]) -> HttpRequest:
        """A new notification channel.

        With no query parameter: Google accepts those of a listing, but with some of them it never notifies.
        """
        return self._events.request("watch", {"calendarId": calendar_id}, body=body)

    def stop(self, *, channel_id: str, resource_id: str) -> HttpRequest:
        """The end of a notification channel."""
        return self._channels.request("stop", {}, body={"id": channel_id, "resourceId": resource_id})


class _NoHttp:
    """Stands where the client wants a transport, which it only touches to send."""


def with_token(request: HttpRequest, access_token: str) -> HttpRequest:
    """The request in the name of whom the token belongs to."""
    return replace(request, headers={**request.headers, "authorization": f"Bearer {access_token}"})
