"""What the routes are given: the services, and the few settings that HTTP itself needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from services.web_addresses import is_loopback

if TYPE_CHECKING:
    from services.batch_service import BatchService
    from services.calendar_selection import CalendarSelection
    from services.change_feed import ChangeFeed
    from services.change_streams import ChangeStreams
    from services.channel_service import ChannelService
    from services.connection_service import ConnectionService
    from services.core.ports import Ids
    from services.feed_service import FeedService
    from services.free_busy_service import FreeBusyService
    from services.google_oauth import GoogleOAuth
    from services.google_sign_in import GoogleSignIn
    from services.idempotency_service import IdempotencyService
    from services.key_service import KeyService
    from services.rate_limits import RateLimits
    from services.review_service import ReviewService
    from services.session_service import SessionService
    from services.settings import Settings
    from services.slot_reader import SlotReader
    from services.slot_service import SlotService
    from services.subscription_service import SubscriptionService
    from services.sync_service import SyncService
    from services.undo_service import UndoService
    from services.user_service import UserService


class Readiness(Protocol):
    """Tells whether the service can do its work."""

    async def check(self) -> dict[str, str]:
        """What is wrong, by part; empty when nothing is."""


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """Settings of the HTTP face."""

    public_base_url: str
    registration_open: bool
    google_configured: bool = True
    """Whether there is a Google to link an account of."""
    frontend_url: str | None = None
    return_origins: tuple[str, ...] = ()
    """Origins to which a browser may be sent after the consent."""
    cors_origins: tuple[str, ...] = ()
    hosts: frozenset[str] = frozenset()
    """Names of this service, besides those of loopback addresses."""
    body_limit_bytes: int = 1024 * 1024
    body_deadline: timedelta = timedelta(seconds=30)
    stream_send_deadline: timedelta = timedelta(seconds=60)
    """How long the reader of a stream may take nothing."""
    linger_bytes: int = 16 * 1024 * 1024
    """How much of a body is still read, and thrown away, after an answer that did not wait for it."""
    linger_pause: timedelta = timedelta(seconds=2)
    """How long the next piece of such a body may take."""
    linger_deadline: timedelta = timedelta(seconds=30)
    """How long all of it may take."""

    @property
    def https(self) -> bool:
        """Whether browsers reach the service over https."""
        return self.public_base_url.startswith("https://")

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches the service."""
        return is_loopback(self.public_base_url)


def http_policy(settings: Settings) -> HttpPolicy:
    """The settings of the HTTP face."""
    return HttpPolicy(
        public_base_url=settings.public_base_url,
        registration_open=settings.registration_open,
        google_configured=settings.sandbox_embedded or settings.google_client_id is not None,
        frontend_url=settings.frontend_url,
        return_origins=settings.return_origins,
        cors_origins=settings.cors_origins,
        hosts=settings.hosts,
        body_deadline=timedelta(seconds=settings.body_timeout_seconds),
    )


@dataclass(frozen=True, slots=True)
class Container:
    """Everything that the routes use."""

    http: HttpPolicy
    rates: RateLimits
    ids: Ids
    users: UserService
    keys: KeyService
    sessions: SessionService
    slots: SlotService
    slot_reader: SlotReader
    batches: BatchService
    free_busy: FreeBusyService
    feeds: FeedService
    changes: ChangeFeed
    streams: ChangeStreams
    sync: SyncService
    reviews: ReviewService
    undo: UndoService
    connections: ConnectionService
    channels: ChannelService
    calendars: CalendarSelection
    oauth: GoogleOAuth
    sign_in: GoogleSignIn
    idempotency: IdempotencyService
    subscriptions: SubscriptionService
    readiness: Readiness
    links: dict[str, str] = field(default_factory=dict)
    """Further addresses for the start page, by name."""
