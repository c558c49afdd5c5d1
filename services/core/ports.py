"""What the services need from outside: time, ids, secrets, Google.

Storage has a page of its own: `services.core.storage`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from services.core.calendar_entry import CalendarEntry
    from services.core.events import EventPage, OpenedChannel, RemoteEvent
    from services.core.records import Notify
    from services.core.slots import SlotContent


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The current instant, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that only grow, for measuring."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Ids(Protocol):
    """The only source of ids and randomness."""

    def uuid(self) -> UUID:
        """A fresh UUID, version 7."""

    def secret(self, nbytes: int = 32) -> str:
        """An unguessable URL-safe text with `nbytes` of randomness."""

    def jitter(self) -> float:
        """A number in [0, 1), for spreading work; not for secrets."""


class SecretBox(Protocol):
    """Encryption of stored secrets, bound to the place where they are stored."""

    def seal(self, secret: str, *, purpose: str, user_id: UUID) -> str:
        """Encrypt; the result opens only with the same `purpose` and `user_id`.

        What belongs to no user is sealed for the id of its row, or for the nil UUID.
        """

    def open(self, sealed: str, *, purpose: str, user_id: UUID) -> str:
        """Decrypt.

        Raises:
            DecryptionError: No known key opens it for this purpose and user.
        """


class Calendars(Protocol):
    """Google Calendar, one user's calls at a time.

    Every method raises `VendorError` when Google refuses or does not answer, `ReauthorisationRequiredError`
    when the user's grant is dead and `GoogleNotConnectedError` when there is none. None of them retries
    a write: whoever calls knows what an unknown outcome means.
    """

    async def changes(
        self, user_id: UUID, calendar_id: str, *, sync_token: str | None, page_token: str | None
    ) -> EventPage:
        """One page of what changed since `sync_token`, or of everything when it is `None`.

        Raises:
            VendorError: `NEEDS_RESYNC` when Google no longer accepts the token.
        """

    async def get(self, user_id: UUID, calendar_id: str, event_id: str) -> RemoteEvent:
        """One event; a deleted one comes with `content=None`.

        Raises:
            VendorError: `INVALID_STATE` when Google does not know the id.
        """

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
        """Create an event under our own id.

        With a template, what `content` does not say is taken from that event of the same calendar, if it can
        still be read: conference, attachments, what guests answered.

        Raises:
            VendorError: `CONFLICT` when the id is taken, be it by a tombstone.
        """

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
        """Send what differs between `base` and `content`, and nothing else, if the etag still holds.

        Raises:
            VendorError: `CONFLICT` when it does not, `INVALID_STATE` when the event is gone.
        """

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
        """Bring a deleted event back with `content`, so that what only Google knows of it survives.

        Raises:
            VendorError: Google does not always allow it; a new id is the way out.
        """

    async def delete(
        self, user_id: UUID, calendar_id: str, *, event_id: str, etag: str, notify: Notify
    ) -> None:
        """Delete an event if the etag still holds.

        Raises:
            VendorError: `CONFLICT` when it does not, `INVALID_STATE` when the event is gone already.
        """

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
        """Give an event to another calendar of the user, if the etag still holds; it keeps its id.

        Raises:
            VendorError: `CONFLICT` when the etag does not hold, `INVALID_STATE` when the event is not there,
                `PERMANENT` when Google does not move such an event.
        """

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
        """Open a notification channel; `token` comes back in each of its messages.

        Raises:
            VendorError: reason `pushNotSupportedForRequestedResource` for calendars that are never pushed.
        """

    async def stop(self, user_id: UUID, *, channel_id: str, resource_id: str) -> None:
        """Close a channel; one that Google does not know counts as closed."""

    async def calendar_list(self, user_id: UUID) -> list[CalendarEntry]:
        """All calendars that the user sees, hidden ones too, in Google's order.

        Raises:
            VendorError: `AUTHENTICATION` with reason `insufficientPermissions` when the user did not
                allow it; everything else still works then.
        """

    def clock_ahead(self) -> timedelta:
        """How far Google's clock is ahead of ours, as last seen in an answer's Date header."""
