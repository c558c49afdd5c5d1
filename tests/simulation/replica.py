"""One replica of the service: the real services and the real worker, over a simulated world."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from composition.assembly import Parts, assemble
from services.core.errors import DomainError
from services.google.quota import NoPacing
from services.google.requests import CalendarRequests
from services.settings import Settings, load_settings
from services.token_service import REFRESH_TOKEN
from services.token_vault import TokenVault
from tests.simulation.transactions import SimulatedUnitOfWork

if TYPE_CHECKING:
    from background.ticks import Tick
    from services.batch_service import BatchService
    from services.channel_service import ChannelService
    from services.connection_service import ConnectionService
    from services.core.policy import SyncPolicy
    from services.core.storage import UnitOfWork
    from services.google.transport import HttpRequest, HttpResponse, Transport
    from services.idempotency_service import IdempotencyService
    from services.review_service import ReviewService
    from services.slot_service import SlotService
    from services.sync_service import SyncService
    from services.token_service import TokenService
    from services.undo_service import UndoService
    from tests.simulation.processes import Process
    from tests.simulation.transactions import DatabaseFaults

START: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
GOOGLE: Final = "http://google.localhost"
CLIENT: Final[dict[str, Any]] = {
    "client_id": "client",
    "client_secret": "a client secret of the simulation",
    "redirect_uris": ["http://localhost/auth/google/callback"],
}
_POLL_S: Final = 60.0
_LEFT_OUT: Final = frozenset({"look for due calendars"})
"""It would hide a worker that sleeps too long."""


class SimulatedClock:
    """Implements `Clock` over the running loop's virtual time."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self.offset_s = offset_s
        """How far it is off."""
        self._loop = asyncio.get_running_loop()
        self._said: tuple[float, datetime] = (0.0, START)

    def now(self) -> datetime:
        passed_s = self._loop.time() + self.offset_s
        if passed_s != self._said[0]:
            self._said = (passed_s, START + timedelta(seconds=passed_s))
        return self._said[1]

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
    parts: Parts

    @property
    def uow(self) -> UnitOfWork:
        """The store, as the services have it."""
        return self.parts.uow

    @property
    def slots(self) -> SlotService:
        """The slots of the API."""
        return self.parts.container.slots

    @property
    def batches(self) -> BatchService:
        """Several changes at once."""
        return self.parts.container.batches

    @property
    def undo(self) -> UndoService:
        """Changes that are taken back."""
        return self.parts.container.undo

    @property
    def sync(self) -> SyncService:
        """Asking for a sync."""
        return self.parts.container.sync

    @property
    def reviews(self) -> ReviewService:
        """What waits for a person."""
        return self.parts.container.reviews

    @property
    def connections(self) -> ConnectionService:
        """The life of a connection."""
        return self.parts.container.connections

    @property
    def channels(self) -> ChannelService:
        """Where notifications come in."""
        return self.parts.container.channels

    @property
    def idempotency(self) -> IdempotencyService:
        """Requests that may be sent again."""
        return self.parts.container.idempotency

    @property
    def tokens(self) -> TokenService:
        """Access tokens."""
        return self.parts.tokens

    def start(self) -> list[asyncio.Task[None]]:
        """Work until the process dies or is stopped; the tasks that do."""
        ticks = [each for each in self.parts.ticks if each.name not in _LEFT_OUT]
        works = [self.parts.worker.run_forever(), *map(self._again_and_again, ticks)]
        return [self.process.spawn(work, for_good=True) for work in works]

    async def stop(self, grace: timedelta) -> None:
        """Finish what runs, as on a rolling restart."""
        self.parts.worker.stop(grace)
        while self.process.tasks and not self.process.dead:
            await asyncio.wait(list(self.process.tasks), timeout=grace.total_seconds() + 1)
            self.process.kill()

    async def _again_and_again(self, tick: Tick) -> None:
        """As the scheduler does, but the first time at once: histories are shorter than most intervals."""
        while True:
            # After a failure the next tick finds the same.
            with contextlib.suppress(DomainError):
                await tick.run()
            await self.clock.sleep(tick.every.total_seconds())


@cache
def _settings(*, webhooks: bool) -> Settings:
    return load_settings(
        None,
        google_client_id=CLIENT["client_id"],
        google_client_secret=CLIENT["client_secret"],
        google_auth_uri=f"{GOOGLE}/o/oauth2/v2/auth",
        google_token_uri=f"{GOOGLE}/token",
        google_revoke_uri=f"{GOOGLE}/revoke",
        google_userinfo_uri=f"{GOOGLE}/v1/userinfo",
        google_api_root=GOOGLE,
        webhook_base_url="http://localhost" if webhooks else None,
        worker_poll_seconds=_POLL_S,
    )


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
    clock = SimulatedClock(skew_s)
    parts = assemble(
        _settings(webhooks=webhooks),
        uow=SimulatedUnitOfWork(store, process, faults, breaks_off=breaks_off),
        database=_AlwaysThere(),
        clock=clock,
        ids=SeededIds(dice),
        box=_keys(),
        transport=transport,
        web=_Nobody(),
        pacer=NoPacing(),
        requests=_requests(),
        policy=policy,
    )
    return Replica(process, clock, parts)


class _AlwaysThere:
    async def ping(self) -> None:
        return


class _Nobody:
    async def send(self, request: HttpRequest) -> HttpResponse:
        raise AssertionError(f"nobody subscribed to anything: {request.method}")


def sealed(refresh_token: str, user_id: UUID) -> str:
    """A refresh token as it is stored."""
    return _keys().seal(refresh_token, purpose=REFRESH_TOKEN, user_id=user_id)


def fingerprint(text: str) -> str:
    """What tells two requests apart."""
    return hashlib.sha256(text.encode()).hexdigest()
