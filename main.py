"""The composition root: settings, then the container, then the application. Nothing imports this.

`import main` needs no environment and opens nothing; everything happens in the lifespan.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn

from api.application import create_app
from api.container import Container, http_policy
from api.middleware import settings_sentence
from background.delivery import InProcessDelivery
from background.scheduler import build_scheduler
from background.stopping import told_to_stop
from background.webhook_worker import WebhookWorker
from background.worker import SyncWorker
from persistence import migrations
from persistence.database import Database
from persistence.diagnosis import diagnosis
from persistence.unit_of_work import SqlUnitOfWork
from persistence.urls import database_url
from schemas.change_schemas import changes_body
from services.batch_service import BatchService
from services.calendar_selection import CalendarSelection
from services.calendar_service import CalendarService
from services.change_feed import ChangeFeed
from services.change_streams import ChangeStreams
from services.channel_service import ChannelService
from services.configuration import feed_policy, oauth_config, secret_keys, session_policy, sync_policy
from services.connection_service import ConnectionService
from services.core.errors import DatabaseUnavailableError, SettingsError
from services.feed_service import FeedService
from services.free_busy_service import FreeBusyService
from services.google.oauth_endpoints import OAuthEndpoints
from services.google.quota import QuotaPacer, QuotaPolicy
from services.google.transport import (
    AiohttpTransport,
    AsgiTransport,
    GuardedTransport,
    Transport,
)
from services.google_oauth import GoogleOAuth
from services.google_sign_in import GoogleSignIn
from services.idempotency_service import IdempotencyService
from services.joined_transactions import JoinedUnitOfWork
from services.key_service import KeyService
from services.keyring import KeyRing, Rotation
from services.logging_setup import configure_logging
from services.rate_limits import RateLimits
from services.review_service import ReviewService
from services.session_service import SessionService
from services.settings import SANDBOX_PATH, WEBHOOK_PATH, Settings, load_settings
from services.signals import Signals
from services.slot_reader import SlotReader
from services.slot_service import SlotService
from services.subscription_service import SubscriptionService
from services.sync_engine import SyncEngine
from services.sync_service import SyncService
from services.system import SystemClock, SystemIds
from services.token_service import TokenService
from services.token_vault import TokenVault
from services.undo_service import UndoService
from services.user_service import UserService
from services.webhook_delivery import WebhookDelivery
from services.webhooks.target_transport import TargetTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from apscheduler.schedulers.asyncio import AsyncIOScheduler
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox import Sandbox
    from services.core.ports import Clock, Ids

_FORGET: Final = "--forget-unreadable"
SHUTDOWN_GRACE = timedelta(seconds=10)
"""How long running syncs may go on once the service is told to stop."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the lifespan runs and the routes do not see."""

    container: Container
    worker: SyncWorker
    telling: WebhookWorker
    scheduler: AsyncIOScheduler
    calendars: CalendarService


@dataclass(slots=True)
class Readiness:
    """Implements `api.container.Readiness`."""

    database: Database
    scheduler: AsyncIOScheduler
    working: asyncio.Task[None] | None = None

    async def check(self) -> dict[str, str]:
        """What is wrong, by part; the migrations were checked at the start."""
        failing = {}
        try:
            await self.database.ping()
        except DatabaseUnavailableError:
            failing["database"] = "does not answer"
        if not self.scheduler.running:
            failing["scheduler"] = "is not running"
        if self.working is None or self.working.done():
            failing["worker"] = "is not running"
        return failing


@asynccontextmanager
async def build_container(
    settings: Settings, *, clock: Clock, ids: Ids, transport: Transport
) -> AsyncIterator[Parts]:
    """Everything, wired; the only place that names concrete classes."""
    async with AsyncExitStack() as stack:
        guarded = GuardedTransport(transport)
        database = Database(settings.database_url.get_secret_value())
        stack.push_async_callback(database.dispose)
        uow, signals, policy = JoinedUnitOfWork(SqlUnitOfWork(database)), Signals(), sync_policy(settings)
        box = TokenVault.from_secrets(*secret_keys(settings, ids), ids=ids)
        await KeyRing(uow=uow, vault=box, clock=clock).check()
        config = oauth_config(settings)
        endpoints = OAuthEndpoints(transport=guarded, clock=clock, config=config)
        tokens = TokenService(uow=uow, endpoints=endpoints, clock=clock, box=box)
        stack.push_async_callback(tokens.aclose)
        oauth = GoogleOAuth(
            uow=uow, endpoints=endpoints, tokens=tokens, clock=clock, ids=ids, box=box, config=config
        )
        calendars = CalendarService(
            transport=guarded,
            tokens=tokens,
            clock=clock,
            pacer=QuotaPacer(clock=clock, policy=QuotaPolicy()),
            api_root=settings.google.api_root,
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
        selection = CalendarSelection(
            uow=uow, calendars=calendars, channels=channels, clock=clock, signals=signals
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
        scheduler = build_scheduler(
            channels=channels,
            connections=connections,
            changes=changes,
            idempotency=idempotency,
            sessions=sessions,
            signals=signals,
        )
        loopback = settings.loopback
        web = TargetTransport(loopback=loopback)
        stack.push_async_callback(web.aclose)
        delivery = WebhookDelivery(uow=uow, transport=web, clock=clock, ids=ids, box=box, render=changes_body)
        subscriptions = SubscriptionService(
            uow=uow, delivery=delivery, clock=clock, ids=ids, box=box, signals=signals, loopback=loopback
        )
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
            calendars=selection,
            oauth=oauth,
            sign_in=GoogleSignIn(uow=uow, endpoints=endpoints, clock=clock, ids=ids, box=box, config=config),
            idempotency=idempotency,
            subscriptions=subscriptions,
            readiness=Readiness(database, scheduler),
            links={"google_sandbox": f"{SANDBOX_PATH}/"} if settings.sandbox_embedded else {},
        )
        yield Parts(container, worker, WebhookWorker(delivery, signals, poll), scheduler, calendars)


@asynccontextmanager
async def running(
    app: FastAPI,
    settings: Settings,
    *,
    clock: Clock,
    ids: Ids,
    transport: Transport | None = None,
) -> AsyncIterator[Parts]:
    """The whole service around `app`: container, worker and ticks; and the sandbox where it is embedded.

    Args:
        app: Gets the container.
        settings: As loaded.
        clock: The source of time.
        ids: The source of randomness.
        transport: Instead of the network.
    """
    async with AsyncExitStack() as stack:
        # With PostgreSQL there are replicas: migrating is one process's work, not each one's.
        await _prepare_database(settings, migrate=settings.sqlite)
        outward = transport or await _network(stack)
        delivering = None
        if settings.sandbox_embedded:
            outward, delivering = await stack.enter_async_context(
                _embedded(app, settings, clock, ids, outward)
            )
        parts = await stack.enter_async_context(
            build_container(settings, clock=clock, ids=ids, transport=outward)
        )
        app.state.container = parts.container
        if delivering is not None:
            stack.push_async_callback(_cancel, asyncio.create_task(delivering(), name="notifications"))
        # Google's client takes a moment to load; the first sync would wait for it otherwise.
        loading = asyncio.create_task(parts.calendars.prepare())
        stack.push_async_callback(asyncio.wait, [loading])
        working = asyncio.create_task(parts.worker.run_forever(), name="sync worker")
        stack.push_async_callback(_stop, parts.worker, working)
        telling = asyncio.create_task(parts.telling.run_forever(), name="webhook worker")
        stack.push_async_callback(_cancel, telling)
        watching = asyncio.create_task(parts.container.streams.watch_forever(), name="change watch")
        stack.push_async_callback(_cancel, watching)
        stack.callback(parts.container.streams.close)
        parts.scheduler.start()
        stack.callback(parts.scheduler.shutdown, wait=False)
        if isinstance(parts.container.readiness, Readiness):
            parts.container.readiness.working = working
        yield parts


async def _network(stack: AsyncExitStack) -> Transport:
    network = AiohttpTransport()
    stack.push_async_callback(network.aclose)
    return network


async def _stop(worker: SyncWorker, working: asyncio.Task[None]) -> None:
    worker.stop(SHUTDOWN_GRACE)
    await asyncio.wait([working])


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


@asynccontextmanager
async def _embedded(
    app: FastAPI, settings: Settings, clock: Clock, ids: Ids, network: Transport
) -> AsyncIterator[tuple[Transport, Callable[[], Coroutine[None, None, None]]]]:
    """The Google simulator under `/sandbox`; calls both ways stay in the process, so no port matters."""
    from starlette.responses import RedirectResponse
    from starlette.routing import Mount, Route

    from sandbox import Sandbox, SqliteStore
    from sandbox.asgi import Face, deliver_forever

    file = settings.sqlite_file
    store = SqliteStore(str(file.with_suffix(".sandbox.db"))) if file is not None else None
    root = f"{settings.public_base_url}{SANDBOX_PATH}"
    seed = hashlib.sha256(f"sandbox {secret_keys(settings, ids)[0]}".encode()).digest()
    simulator: Sandbox = Sandbox(now=clock.now, seed=int.from_bytes(seed[:7]), base_url=root, store=store)
    face = Face(simulator)

    async def add_slash(_: Request) -> Response:
        return RedirectResponse(f"{SANDBOX_PATH}/")

    routes = [Route(SANDBOX_PATH, add_slash), Mount(SANDBOX_PATH, app=face, name="sandbox")]
    app.router.routes.extend(routes)
    address = settings.webhook_url or root
    delivery = InProcessDelivery(
        AsgiTransport(app, prefix=address.removesuffix(WEBHOOK_PATH), fallback=network)
    )
    try:
        yield (
            AsgiTransport(face, prefix=root, fallback=network),
            lambda: delivery.run(lambda post: deliver_forever(simulator, post, now=clock.now)),
        )
    finally:
        for route in routes:
            app.router.routes.remove(route)
        if store is not None:
            store.close()


async def _prepare_database(settings: Settings, *, migrate: bool) -> None:
    """Migrate the database, or see that somebody did."""
    url = settings.database_url.get_secret_value()
    file = settings.sqlite_file
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            detail = f"names a file in {file.parent}, which is no directory and cannot be made one"
            raise SettingsError("DATABASE_URL", detail) from None
    try:
        if migrate:
            await migrations.upgrade(url)
        elif await migrations.current_revision(url) != migrations.head_revision():
            raise SettingsError(
                "DATABASE_URL", "names a database of another revision: run `alembic upgrade head` first"
            )
    except ValueError as error:
        raise SettingsError("DATABASE_URL", f"cannot be used: {error}") from None
    except DatabaseUnavailableError as error:
        raise SettingsError("DATABASE_URL", diagnosis(error, database_url(url))) from None


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Read the settings, start everything, and stop it in the opposite order."""
    settings = load_settings()
    configure_logging(level=settings.log_level, style=settings.log_format)
    async with running(app, settings, clock=SystemClock(), ids=SystemIds()) as parts:
        with told_to_stop(parts.container.streams.close):
            yield


app = create_app(lifespan)


def serve() -> None:
    """Migrate and serve: what `python main.py` does."""
    import uvicorn

    try:
        settings = load_settings()
        configure_logging(level=settings.log_level, style=settings.log_format)
        if not settings.sqlite:
            asyncio.run(_prepare_database(settings, migrate=True))
        _require_free_port(settings)
        asyncio.run(_check_keys_early(settings))
    except SettingsError as error:
        _refuse(error)
    sys.stdout.write(_welcome(settings))
    sys.stdout.flush()
    options: dict[str, Any] = {"loop": "uvloop", "http": "httptools"}
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        # Without a proxy of ours in front, anybody could write these headers.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        limit_concurrency=1000,
        backlog=2048,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=int(SHUTDOWN_GRACE.total_seconds()),
        **options,
    )


def rotate_keys(*options: str) -> None:
    """Encrypt every stored token with SECRET_KEY: what `python main.py rotate-keys` does."""
    try:
        settings = load_settings()
        configure_logging(level=settings.log_level, style=settings.log_format)
        done = asyncio.run(_rotated(settings, forget_unreadable=_FORGET in options))
    except SettingsError as error:
        _refuse(error)
    sys.stdout.write(
        f"Encrypted with SECRET_KEY now: {done.resealed}. Erased: {done.forgotten}. "
        f"Cannot be opened: {done.unreadable}.\n"
    )
    if not done.complete:
        sys.stderr.write(
            "SECRET_KEY_PREVIOUS must be the key that the rest was encrypted with; if that is lost, "
            f"`rotate-keys {_FORGET}` erases the rest, and its users have to link again.\n"
        )
        sys.exit(1)
    sys.stdout.write("SECRET_KEY_PREVIOUS is not needed any more.\n")


async def _rotated(settings: Settings, *, forget_unreadable: bool) -> Rotation:
    await _prepare_database(settings, migrate=settings.sqlite)
    async with _key_ring(settings) as ring:
        return await ring.rotate(forget_unreadable=forget_unreadable)


async def _check_keys_early(settings: Settings) -> None:
    """Refuse a wrong key before the server starts, where there is a database to ask already."""
    file = settings.sqlite_file
    if settings.sqlite and (file is None or not file.exists()):
        return
    try:
        url = settings.database_url.get_secret_value()
        if await migrations.current_revision(url) == migrations.head_revision():
            async with _key_ring(settings) as ring:
                await ring.check()
    except (DatabaseUnavailableError, ValueError):
        return  # The server says what is the matter with the database.


@asynccontextmanager
async def _key_ring(settings: Settings) -> AsyncIterator[KeyRing]:
    ids, database = SystemIds(), Database(settings.database_url.get_secret_value())
    try:
        vault = TokenVault.from_secrets(*secret_keys(settings, ids), ids=ids)
        yield KeyRing(uow=SqlUnitOfWork(database), vault=vault, clock=SystemClock())
    finally:
        await database.dispose()


def _refuse(error: SettingsError) -> NoReturn:
    sys.stderr.write(f"{settings_sentence(error)}\n")
    sys.exit(2)


def _require_free_port(settings: Settings) -> None:
    """Nobody may listen there already; asked before anything is started."""
    try:
        socket.create_server((settings.host, settings.port), reuse_port=False).close()
    except OSError:
        detail = f"{settings.port} is in use on {settings.host}: set another one"
        raise SettingsError("PORT", detail) from None


def _welcome(settings: Settings) -> str:
    """What a person who starts the service wants to know first."""
    base = settings.public_base_url
    lines = [f"Calendar Sync: {base}", f"Documentation: {base}/docs"]
    if settings.sandbox_embedded:
        lines.append(f"Simulated Google: {base}{SANDBOX_PATH}/")
    return "\n".join(lines) + "\n"


def command(*words: str) -> None:
    """What the words behind `python main.py` ask for."""
    match words:
        case ():
            serve()
        case ("rotate-keys",) | ("rotate-keys", "--forget-unreadable"):
            rotate_keys(*words[1:])
        case _:
            sys.stderr.write(f"usage: python main.py [rotate-keys [{_FORGET}]]\n")
            sys.exit(2)


if __name__ == "__main__":
    command(*sys.argv[1:])
