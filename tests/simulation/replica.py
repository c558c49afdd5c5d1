"""One replica of the service: the real services and the real worker, over a simulated world."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from background.worker import SyncWorker
from services.calendar_service import CalendarService
from services.channel_service import ChannelService
from services.connection_service import ConnectionService
from services.core.errors import DomainError
from services.google.oauth_endpoints import OAuthConfig, OAuthEndpoints
from services.google.quota import NoPacing
from services.google.requests import CalendarRequests
from services.google.transport import GuardedTransport
from services.google_oauth import GoogleOAuth
from services.idempotency_service import IdempotencyService
from services.joined_transactions import JoinedUnitOfWork
from services.review_service import ReviewService
from services.signals import Signals
from services.slot_service import SlotService
from services.sync_engine import SyncEngine
from services.sync_service import SyncService
from services.token_service import TokenService
from services.token_vault import TokenVault
from tests.simulation.store import SimulatedUnitOfWork

if TYPE_CHECKING:
    from services.core.policy import SyncPolicy
    from services.core.storage import UnitOfWork
    from services.google.transport import Transport
    from tests.simulation.processes import Process
    from tests.simulation.store import DatabaseFaults

START: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
GOOGLE: Final = "http://google.test"
WEBHOOK: Final = "http://localhost/webhooks/google-calendar"
CLIENT: Final = {
    "client_id": "client",
    "client_secret": "secret",
    "redirect_uris": ["http://localhost/auth/google/callback"],
}
_POLL: Final = timedelta(seconds=60)
_TICK_S: Final = 90.0


class SimulatedClock:
    """Implements `Clock` over the running loop's virtual time."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self.offset_s = offset_s
        """How far it is off."""
        self._loop = asyncio.get_running_loop()

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time() + self.offset_s)

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251


class SeededIds:
    """Ids and randomness that a seed decides."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def uuid(self) -> UUID:
        return UUID(int=self._dice.getrandbits(128), version=4)

    def secret(self, nbytes: int = 32) -> str:
        return self._dice.randbytes(nbytes).hex()

    def jitter(self) -> float:
        return self._dice.random()


@dataclass(slots=True)
class Replica:
    """What answers requests and syncs, while its process lives."""

    process: Process
    clock: SimulatedClock
    uow: UnitOfWork
    slots: SlotService
    sync: SyncService
    reviews: ReviewService
    connections: ConnectionService
    channels: ChannelService
    tokens: TokenService
    idempotency: IdempotencyService
    worker: SyncWorker

    def start(self) -> None:
        """Work until the process dies or is stopped."""
        self.process.spawn(self.worker.run_forever(), for_good=True)
        self.process.spawn(self._tick(), for_good=True)

    async def stop(self, grace: timedelta) -> None:
        """Finish what runs, as on a rolling restart."""
        self.worker.stop(grace)
        while self.process.tasks and not self.process.dead:
            await asyncio.wait(list(self.process.tasks), timeout=grace.total_seconds() + 1)
            self.process.kill()

    async def _tick(self) -> None:
        while True:
            # After a failure the next tick finds the same, as with the scheduler.
            with contextlib.suppress(DomainError):
                await self.channels.renew_due()
            await self.clock.sleep(_TICK_S)


@cache
def _requests() -> CalendarRequests:
    return CalendarRequests.load(GOOGLE)


@cache
def _keys() -> TokenVault:
    # Its nonces need not differ in a simulation, and deriving keys takes longer than a history.
    return TokenVault.from_secrets("a secret of tests", ids=SeededIds(random.Random(0)))


def new_replica(
    process: Process,
    *,
    store: UnitOfWork,
    breaks_off: bool,
    faults: DatabaseFaults,
    transport: Transport,
    dice: random.Random,
    policy: SyncPolicy,
    skew_s: float,
    webhooks: bool,
) -> Replica:
    """Everything that one process holds, not started yet."""
    clock, ids, signals = SimulatedClock(skew_s), SeededIds(dice), Signals()
    uow = JoinedUnitOfWork(SimulatedUnitOfWork(store, process, faults, breaks_off=breaks_off))
    guarded = GuardedTransport(transport)
    config = OAuthConfig(
        client_id=CLIENT["client_id"],  # type: ignore[arg-type]
        client_secret=CLIENT["client_secret"],  # type: ignore[arg-type]
        redirect_uri=CLIENT["redirect_uris"][0],
        public_base_url="http://localhost",
        auth_uri=f"{GOOGLE}/o/oauth2/v2/auth",
        token_uri=f"{GOOGLE}/token",
        revoke_uri=f"{GOOGLE}/revoke",
        userinfo_uri=f"{GOOGLE}/v1/userinfo",
    )
    endpoints = OAuthEndpoints(transport=guarded, clock=clock, config=config)
    tokens = TokenService(uow=uow, endpoints=endpoints, clock=clock, box=_keys())
    calendars = CalendarService(
        transport=guarded, tokens=tokens, clock=clock, pacer=NoPacing(), api_root=GOOGLE
    )
    calendars._requests = _requests()
    channels = ChannelService(
        uow=uow,
        calendars=calendars,
        clock=clock,
        ids=ids,
        signals=signals,
        policy=policy,
        address=WEBHOOK if webhooks else None,
    )
    oauth = GoogleOAuth(
        uow=uow, endpoints=endpoints, tokens=tokens, clock=clock, ids=ids, box=_keys(), config=config
    )
    engine = SyncEngine(
        uow=uow,
        calendars=calendars,
        clock=clock,
        ids=ids,
        policy=policy,
        signals=signals,
        replica=process.name,
    )
    return Replica(
        process=process,
        clock=clock,
        uow=uow,
        slots=SlotService(uow=uow, clock=clock, ids=ids, signals=signals, loop_policy=policy.loop),
        sync=SyncService(uow=uow, clock=clock, signals=signals),
        reviews=ReviewService(uow=uow, clock=clock, ids=ids, signals=signals, loop_policy=policy.loop),
        connections=ConnectionService(
            uow=uow, calendars=calendars, channels=channels, oauth=oauth, clock=clock, signals=signals
        ),
        channels=channels,
        tokens=tokens,
        idempotency=IdempotencyService(uow=uow, clock=clock, box=_keys(), signals=signals),
        worker=SyncWorker(engine=engine, clock=clock, ids=ids, signals=signals, concurrency=4, poll=_POLL),
    )


def sealed(refresh_token: str, user_id: UUID) -> str:
    """A refresh token as it is stored."""
    from services.token_service import REFRESH_TOKEN

    return _keys().seal(refresh_token, purpose=REFRESH_TOKEN, user_id=user_id)


def fingerprint(text: str) -> str:
    """What tells two requests apart."""
    return hashlib.sha256(text.encode()).hexdigest()
