"""The wiring: every service and every worker, made of settings and of the few things that touch the world.

Nothing is opened, asked or started here, so the same wiring serves a process in production and a simulation
over a clock, a store and transports of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from api.container import Container, http_policy
from background.ticks import all_ticks
from background.webhook_worker import WebhookWorker
from background.worker import SyncWorker
from composition.readiness import Readiness
from schemas.change_schemas import changes_body
from services.batch_service import BatchService
from services.calendar_selection import CalendarSelection
from services.calendar_service import CalendarService
from services.change_feed import ChangeFeed
from services.change_streams import ChangeStreams
from services.channel_service import ChannelService
from services.configuration import feed_policy, oauth_config, session_policy, sync_policy
from services.connection_service import ConnectionService
from services.feed_service import FeedService
from services.free_busy_service import FreeBusyService
from services.google.oauth_endpoints import OAuthEndpoints
from services.google.quota import QuotaPacer, QuotaPolicy
from services.google.transport import GuardedTransport
from services.google_oauth import GoogleOAuth
from services.google_sign_in import GoogleSignIn
from services.idempotency_service import IdempotencyService
from services.joined_transactions import JoinedUnitOfWork
from services.key_service import KeyService
from services.rate_limits import RateLimits
from services.review_service import ReviewService
from services.session_service import SessionService
from services.settings import SANDBOX_PATH
from services.signals import Signals
from services.slot_reader import SlotReader
from services.slot_service import SlotService
from services.subscription_service import SubscriptionService
from services.sync_engine import SyncEngine
from services.sync_service import SyncService
from services.token_service import TokenService
from services.undo_service import UndoService
from services.user_service import UserService
from services.webhook_delivery import WebhookDelivery

if TYPE_CHECKING:
    from background.ticks import Tick
    from composition.readiness import Answering
    from services.core.policy import SyncPolicy
    from services.core.ports import Clock, Ids, SecretBox
    from services.core.storage import UnitOfWork
    from services.google.quota import Pacer
    from services.google.requests import CalendarRequests
    from services.google.transport import Transport
    from services.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """One process of the service, wired and at rest."""

    uow: JoinedUnitOfWork
    """The store as the services have it."""
    container: Container
    """What the routes are given."""
    engine: SyncEngine
    worker: SyncWorker
    """Runs the engine while calendars are due."""
    delivery: WebhookDelivery
    telling: WebhookWorker
    """Runs the delivery while receivers have something to be told."""
    ticks: tuple[Tick, ...]
    calendars: CalendarService
    tokens: TokenService
    """Refreshes under way end with its `aclose`."""
    signals: Signals
    readiness: Readiness


def assemble(
    settings: Settings,
    *,
    uow: UnitOfWork,
    database: Answering,
    clock: Clock,
    ids: Ids,
    box: SecretBox,
    transport: Transport,
    web: Transport,
    pacer: Pacer | None = None,
    requests: CalendarRequests | None = None,
    policy: SyncPolicy | None = None,
) -> Parts:
    """Everything, wired; each call makes another replica.

    Args:
        settings: As loaded. Where the database and the network are is not read from them.
        uow: The store.
        database: Where readiness asks whether the store is there.
        clock: The source of time.
        ids: The source of randomness.
        box: Seals secrets before they are stored.
        transport: The way to Google.
        web: The way to receivers of outbound webhooks.
        pacer: `None`: Google's own limits, by `clock`.
        requests: Google's client for the API root of the settings. `None`: it is loaded when it is needed.
        policy: Of the sync. `None`: as the settings say.
    """
    joined, transport = JoinedUnitOfWork(uow), GuardedTransport(transport)
    uow = joined
    signals, policy, config = Signals(), policy or sync_policy(settings), oauth_config(settings)
    endpoints = OAuthEndpoints(transport=transport, clock=clock, config=config)
    tokens = TokenService(uow=uow, endpoints=endpoints, clock=clock, box=box)
    oauth = GoogleOAuth(
        uow=uow, endpoints=endpoints, tokens=tokens, clock=clock, ids=ids, box=box, config=config
    )
    calendars = CalendarService(
        transport=transport,
        tokens=tokens,
        clock=clock,
        pacer=pacer or QuotaPacer(clock=clock, policy=QuotaPolicy()),
        api_root=settings.google.api_root,
        requests=requests,
    )
    channels = ChannelService(
        uow=uow,
        calendars=calendars,
        clock=clock,
        ids=ids,
        signals=signals,
        policy=policy,
        address=settings.webhook_url,
    )
    connections = ConnectionService(
        uow=uow, calendars=calendars, channels=channels, oauth=oauth, clock=clock, signals=signals
    )
    engine = SyncEngine(
        uow=uow,
        calendars=calendars,
        clock=clock,
        ids=ids,
        policy=policy,
        signals=signals,
        replica=str(ids.uuid()),
    )
    poll = timedelta(seconds=settings.worker_poll_seconds)
    worker = SyncWorker(
        engine=engine,
        clock=clock,
        ids=ids,
        signals=signals,
        concurrency=settings.sync_concurrency,
        poll=poll,
    )
    sessions = SessionService(uow=uow, clock=clock, ids=ids, policy=session_policy(settings))
    slots = SlotService(uow=uow, clock=clock, ids=ids, signals=signals, loop_policy=policy.loop)
    changes = ChangeFeed(uow=uow, clock=clock, policy=feed_policy(settings))
    idempotency = IdempotencyService(uow=uow, clock=clock, box=box, signals=signals)
    delivery = WebhookDelivery(uow=uow, transport=web, clock=clock, ids=ids, box=box, render=changes_body)
    readiness = Readiness(database)
    admin = settings.admin_api_key
    container = Container(
        http=http_policy(settings),
        rates=RateLimits(clock=clock, per_minute=settings.rate_limit_per_minute),
        ids=ids,
        users=UserService(uow=uow, clock=clock, ids=ids),
        keys=KeyService(
            uow=uow,
            clock=clock,
            ids=ids,
            administrator_key=admin.get_secret_value() if admin else None,
        ),
        sessions=sessions,
        slots=slots,
        undo=UndoService(uow=uow, slots=slots),
        slot_reader=SlotReader(uow=uow),
        batches=BatchService(uow=uow, signals=signals),
        free_busy=FreeBusyService(uow=uow),
        feeds=FeedService(uow=uow, clock=clock, ids=ids),
        changes=changes,
        streams=ChangeStreams(uow=uow, clock=clock, signals=signals, policy=feed_policy(settings)),
        sync=SyncService(uow=uow, clock=clock, signals=signals),
        reviews=ReviewService(uow=uow, clock=clock, ids=ids, signals=signals, loop_policy=policy.loop),
        connections=connections,
        channels=channels,
        calendars=CalendarSelection(
            uow=uow, calendars=calendars, channels=channels, clock=clock, signals=signals
        ),
        oauth=oauth,
        sign_in=GoogleSignIn(uow=uow, endpoints=endpoints, clock=clock, ids=ids, box=box, config=config),
        idempotency=idempotency,
        subscriptions=SubscriptionService(
            uow=uow,
            delivery=delivery,
            clock=clock,
            ids=ids,
            box=box,
            signals=signals,
            loopback=settings.loopback,
        ),
        readiness=readiness,
        links={"google_sandbox": f"{SANDBOX_PATH}/"} if settings.sandbox_embedded else {},
    )
    return Parts(
        uow=joined,
        container=container,
        engine=engine,
        worker=worker,
        delivery=delivery,
        telling=WebhookWorker(delivery, signals, poll),
        ticks=all_ticks(
            channels=channels,
            connections=connections,
            changes=changes,
            idempotency=idempotency,
            sessions=sessions,
            signals=signals,
        ),
        calendars=calendars,
        tokens=tokens,
        signals=signals,
        readiness=readiness,
    )
