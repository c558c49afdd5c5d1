"""One user, the real engine, a store in memory and Google in the same process, in time that a test moves."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from persistence.memory import MemoryStore, MemoryUnitOfWork
from sandbox import Sandbox
from services.calendar_selection import CalendarSelection
from services.calendar_service import CalendarService
from services.channel_service import ChannelService
from services.connection_service import ConnectionService
from services.core.accounts import AccountStatus, GoogleAccount, User
from services.core.calendars import CalendarSync
from services.core.policy import SyncPolicy
from services.core.records import Notify, Slot, SlotQuery
from services.core.slots import Schedule, SlotContent, Timed
from services.google.oauth_endpoints import OAuthConfig, OAuthEndpoints
from services.google.quota import NoPacing
from services.google.requests import CalendarRequests
from services.google.transport import GuardedTransport
from services.google_oauth import GoogleOAuth
from services.review_service import ReviewService
from services.signals import Signals
from services.slot_reader import SlotReader
from services.slot_scopes import SlotAddress, SlotEdit
from services.slot_service import SlotDraft, SlotService
from services.sync_engine import SyncEngine
from services.sync_service import SyncService
from services.token_service import TokenService
from services.token_vault import TokenVault
from tests.engine.google_side import EMAIL, GOOGLE, START, Google, SandboxTokens, SandboxTransport
from tests.engine.interruptions import InterruptibleUnitOfWork

if TYPE_CHECKING:
    from services.core.storage import UnitOfWork

USER = UUID(int=0xADA)


class ManualClock:
    """Time that moves when somebody sleeps or a test says so."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))

    def advance(self, by: timedelta) -> None:
        self._now += by


class SeededIds:
    """Ids and randomness that a seed decides."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._count = 0

    def uuid(self) -> UUID:
        self._count += 1
        return UUID(
            int=(self._count << 64) | self._random.getrandbits(62) | (7 << 76) | (2 << 62), version=None
        )

    def secret(self, nbytes: int = 32) -> str:
        return self._random.randbytes(nbytes).hex()

    def jitter(self) -> float:
        return self._random.random()


@dataclass(slots=True)
class World:
    """Everything a story needs."""

    clock: ManualClock
    ids: SeededIds
    transport: SandboxTransport
    google: Google
    uow: InterruptibleUnitOfWork
    calendars: CalendarService
    engine: SyncEngine
    other_engine: SyncEngine
    """Of another replica."""
    slots: SlotService
    reader: SlotReader
    sync: SyncService
    review: ReviewService
    connections: ConnectionService
    selection: CalendarSelection
    channels: ChannelService
    policy: SyncPolicy

    async def settle(self, *, within: timedelta = timedelta(minutes=2)) -> int:
        """Run until nothing is due for `within`; returns how many runs it took."""
        runs = 0
        deadline = self.clock.now() + within
        while runs < 200:
            claim = await self.engine.claim()
            if claim is not None:
                await self.engine.run(claim)
                runs += 1
                continue
            due_at = await self.engine.next_due_at()
            if due_at is None or due_at > deadline:
                return runs
            self.clock.advance(max(due_at - self.clock.now(), timedelta(milliseconds=1)))
        raise AssertionError("the sync does not come to rest")

    async def notified(self, calendar_id: str = "primary") -> None:
        """A notification of Google's arrives."""
        async with self.uow() as tx:
            await tx.calendars.mark_due(USER, calendar_id, now=self.clock.now(), pull=True)

    async def pull(self, calendar_id: str = "primary") -> None:
        """A notification arrives, and everything that follows from it is done."""
        await self.notified(calendar_id)
        await self.settle(within=timedelta(seconds=20))

    async def run_once(self) -> None:
        """One run of what is due."""
        claim = await self.engine.claim()
        assert claim is not None
        await self.engine.run(claim)

    async def list_everything(self) -> None:
        """Google forgets our sync token, so that everything is listed again."""
        self.google.call("POST", "/sync-tokens/invalidate", {})
        await self.pull()

    async def create(
        self, title: str, *, at: datetime = START, calendar_id: str | None = None, **more: Any
    ) -> Slot:
        """The app creates a slot."""
        content = SlotContent(title, Schedule(Timed(at, at + timedelta(hours=1), "UTC")), **more)
        return (await self.slots.create(USER, SlotDraft(content, calendar_id=calendar_id))).entry.slot

    async def linked(self, title: str = "Talk") -> tuple[Slot, str]:
        """A slot of the app that Google has, and the id of its event."""
        slot = await self.create(title)
        await self.settle()
        slot = await self.slot(slot.id)
        assert slot.google is not None
        return slot, slot.google.event_id

    async def edit(self, slot: Slot, notify: Notify = "none", /, **changes: Any) -> Slot:
        """The app changes fields of a slot."""
        change = SlotEdit(lambda content: replace(content, **changes), notify=notify)
        return (await self.slots.edit(USER, SlotAddress(slot.id), change)).entry.slot

    async def move(self, slot: Slot, calendar_id: str, **changes: Any) -> Slot:
        """The app moves a slot to another calendar."""
        change = SlotEdit(lambda content: replace(content, **changes), calendar_id=calendar_id)
        return (await self.slots.edit(USER, SlotAddress(slot.id), change)).entry.slot

    async def delete(self, slot: Slot, notify: Notify = "none", /) -> Slot:
        """The app deletes a slot."""
        return (await self.slots.delete(USER, SlotAddress(slot.id), notify=notify)).entry.slot

    async def restore(self, slot: Slot) -> Slot:
        """The app brings a deleted slot back."""
        return (await self.slots.restore(USER, SlotAddress(slot.id))).entry.slot

    async def slot(self, slot_id: UUID) -> Slot:
        """A slot as it is stored now."""
        async with self.uow.reading() as tx:
            found = await tx.slots.find(USER, slot_id)
        assert found is not None
        return found

    async def all_slots(self, *, deleted: bool = False) -> list[Slot]:
        """Every slot."""
        async with self.uow.reading() as tx:
            return await tx.slots.page(USER, SlotQuery(include_deleted=deleted, limit=100_000))

    async def calendar(self, calendar_id: str = "primary") -> CalendarSync:
        """The sync state of a calendar."""
        async with self.uow.reading() as tx:
            found = await tx.calendars.find(USER, calendar_id)
        assert found is not None
        return found


@cache
def _client() -> CalendarRequests:
    """Google's client, which takes longer to load than a history to play."""
    return CalendarRequests.load(GOOGLE)


async def make_world(
    *, seed: int = 1, policy: SyncPolicy | None = None, webhook_url: str | None = None
) -> World:
    """A connected user with an empty calendar on both sides."""
    clock, ids, policy = ManualClock(), SeededIds(seed), policy or SyncPolicy()
    sandbox = Sandbox(now=clock.now, seed=seed, base_url=GOOGLE)
    google = Google(sandbox)
    transport = SandboxTransport(sandbox)
    uow = InterruptibleUnitOfWork(MemoryUnitOfWork(MemoryStore()))
    signals = Signals()
    calendars = CalendarService(
        transport=GuardedTransport(transport),
        tokens=SandboxTokens(google, uow),
        clock=clock,
        pacer=NoPacing(),
        api_root=GOOGLE,
        requests=_client(),
    )
    channels = ChannelService(
        uow=uow,
        calendars=calendars,
        clock=clock,
        ids=ids,
        signals=signals,
        policy=policy,
        address=webhook_url,
    )
    async with uow() as tx:
        await tx.users.add(User(USER, EMAIL, None, clock.now()))
        await tx.accounts.save(
            GoogleAccount(USER, "1", EMAIL, (), AccountStatus.CONNECTED, "sealed", clock.now())
        )
        await tx.calendars.add(CalendarSync(user_id=USER, calendar_id="primary", dirty_seq=1))

    def engine(replica: str) -> SyncEngine:
        return SyncEngine(
            uow=uow,
            calendars=calendars,
            clock=clock,
            ids=ids,
            policy=policy,
            signals=signals,
            replica=replica,
        )

    return World(
        clock=clock,
        ids=ids,
        transport=transport,
        google=google,
        uow=uow,
        calendars=calendars,
        engine=engine("one"),
        other_engine=engine("two"),
        slots=SlotService(uow=uow, clock=clock, ids=ids, signals=signals, loop_policy=policy.loop),
        reader=SlotReader(uow=uow),
        sync=SyncService(uow=uow, clock=clock, signals=signals),
        review=ReviewService(uow=uow, clock=clock, ids=ids, signals=signals, loop_policy=policy.loop),
        connections=_connections(
            uow=uow,
            calendars=calendars,
            channels=channels,
            transport=transport,
            clock=clock,
            ids=ids,
            signals=signals,
        ),
        selection=CalendarSelection(
            uow=uow, calendars=calendars, channels=channels, clock=clock, signals=signals
        ),
        channels=channels,
        policy=policy,
    )


def _connections(
    *,
    uow: UnitOfWork,
    calendars: CalendarService,
    channels: ChannelService,
    transport: SandboxTransport,
    clock: ManualClock,
    ids: SeededIds,
    signals: Signals,
) -> ConnectionService:
    config = OAuthConfig(
        client_id="client",
        client_secret="secret",
        redirect_uri="http://localhost/callback",
        public_base_url="http://localhost",
        auth_uri=f"{GOOGLE}/o/oauth2/v2/auth",
        token_uri=f"{GOOGLE}/token",
        revoke_uri=f"{GOOGLE}/revoke",
        userinfo_uri=f"{GOOGLE}/v1/userinfo",
    )
    box = TokenVault.from_secrets("a secret of tests", ids=ids)
    endpoints = OAuthEndpoints(transport=transport, clock=clock, config=config)
    tokens = TokenService(uow=uow, endpoints=endpoints, clock=clock, box=box)
    oauth = GoogleOAuth(
        uow=uow, endpoints=endpoints, tokens=tokens, clock=clock, ids=ids, box=box, config=config
    )
    return ConnectionService(
        uow=uow, calendars=calendars, channels=channels, oauth=oauth, clock=clock, signals=signals
    )


__all__ = ["EMAIL", "START", "USER", "World", "make_world"]
