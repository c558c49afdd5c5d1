"""The simulated world: replicas, Google, the line between them, and the mail that notifications are."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sandbox import Sandbox
from services.core.accounts import AccountStatus, GoogleAccount, User
from services.core.errors import DatabaseUnavailableError, DomainError
from services.core.policy import BrakePolicy, LoopPolicy, SyncPolicy
from services.core.records import SlotQuery
from tests.engine.google_side import Google
from tests.simulation.account import Account
from tests.simulation.calendars import choose_all, with_second_calendar
from tests.simulation.line import Line
from tests.simulation.post import Post
from tests.simulation.processes import ConnectionLostError, Process, Strike
from tests.simulation.replica import CLIENT, GOOGLE, Replica, SimulatedClock, new_replica, sealed
from tests.simulation.sometimes import INTERNAL_ERROR
from tests.simulation.transactions import DatabaseFaults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from services.core.calendars import CalendarSync
    from services.core.records import Slot
    from services.core.storage import UnitOfWork
    from tests.simulation.erasure import Erasure
    from tests.simulation.plan import Plan
    from tests.simulation.stores import Opened, Store

POLLING: Final = timedelta(seconds=150)
FALLBACK: Final = timedelta(seconds=200)
_RESTART_S: Final = 5.0


@dataclass(eq=False)
class World:
    """Everything that a history takes place in."""

    plan: Plan
    shared: Store
    store: UnitOfWork
    """The state as somebody sees it who looks from outside."""
    sandbox: Sandbox
    line: Line
    accounts: list[Account]
    policy: SyncPolicy
    clock: SimulatedClock
    faults: DatabaseFaults
    happened: Counter[str]
    trace: blake2b
    post: Post
    replicas: list[Replica] = field(default_factory=list)
    graves: list[Process] = field(default_factory=list)
    background: dict[asyncio.Future[Any], None] = field(default_factory=dict)
    erased: list[Erasure] = field(default_factory=list)
    """Who has left."""
    ending: bool = False
    _outside: Context = field(default_factory=copy_context)
    _lives: int = 0

    # Replicas.

    def launch(self, number: int) -> Replica:
        """A new life for the replica of this number."""
        self._lives += 1
        opened = self.shared.open()
        process = Process(
            f"{number}.{self._lives}", on_strike=self._struck, on_death=partial(self._died, number, opened)
        )
        shape = self.plan.shape
        replica = new_replica(
            process,
            store=opened.uow,
            breaks_off=self.shared.breaks_off,
            faults=self.faults,
            transport=self.line.of(process),
            dice=self.plan.stream(f"ids {process.name}"),
            policy=self.policy,
            skew_s=shape.skews_s[number],
            webhooks=shape.webhooks,
        )
        for task in replica.start():
            task.add_done_callback(self._ended)
        return replica

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What works for as long as its process does has ended; it must not have failed."""
        failed = not task.cancelled() and task.exception() is not None
        self.happened[INTERNAL_ERROR] += failed and not self.ending

    def _struck(self, strike: Strike) -> None:
        self.happened[f"struck {strike}"] += 1

    def somebody(self, dice: random.Random) -> Replica:
        """The replica that a request comes to."""
        alive = [each for each in self.replicas if not each.process.dead]
        return dice.choice(alive or self.replicas)

    def _died(self, number: int, opened: Opened, process: Process) -> None:
        """Somebody starts it again a while later."""
        opened.killed(process)
        if not self.ending:
            # Not in the context of the task that was struck: a new process inherits nothing of it.
            loop = asyncio.get_running_loop()
            loop.call_later(_RESTART_S, self._restart, number, context=self._outside)

    def _restart(self, number: int) -> None:
        if not self.ending:
            self.graves.append(self.replicas[number].process)
            self.replicas[number] = self.launch(number)

    async def ask(self, dice: random.Random, request: Callable[[Replica], Coroutine[Any, Any, Any]]) -> Any:
        """A request that is sent again, to any replica, until it is answered.

        Raises:
            ConnectionLostError: It never was.
        """
        for _ in range(8):
            replica = self.somebody(dice)
            try:
                return await replica.process.answer(request(replica))
            except (ConnectionLostError, DatabaseUnavailableError):
                self.happened["request sent again"] += 1
                await self.clock.sleep(dice.uniform(0.5, 5))
        raise ConnectionLostError

    def deliver(self) -> None:
        """Take what Google has to tell to somebody."""
        if self.plan.shape.webhooks:
            self.post.deliver(self)

    # What a judge sees.

    async def slots(self, user_id: UUID, *, deleted: bool = False) -> list[Slot]:
        """Every slot, as it is stored."""
        async with self.store.reading() as tx:
            return await tx.slots.page(user_id, SlotQuery(include_deleted=deleted, limit=100_000))

    async def slot(self, user_id: UUID, slot_id: UUID) -> Slot | None:
        """One slot as it is stored."""
        async with self.store.reading() as tx:
            return await tx.slots.find(user_id, slot_id)

    async def calendars(self) -> list[CalendarSync]:
        """The sync state of every calendar."""
        async with self.store.reading() as tx:
            return [one for each in self.accounts for one in await tx.calendars.all_of(each.user_id)]

    # The life of a connection.

    async def link(self, account: Account) -> None:
        """The person goes through Google's consent page (again)."""
        granted = account.google.call(
            "POST", "/tokens", {"account": account.email, "client_id": CLIENT["client_id"]}
        )
        while not await self._is_stored(account, granted["refresh_token"]):
            await self.clock.sleep(5)
        dice = random.Random(len(self.graves))
        # The others learn of it when Google refuses what they have.
        self.somebody(dice).tokens.forget(account.user_id)
        await self.ask(dice, lambda replica: replica.connections.connected(account.user_id))
        if self.plan.shape.webhooks:
            replica = self.somebody(dice)
            with contextlib.suppress(DomainError, ConnectionLostError):
                await replica.process.answer(replica.channels.setup(account.user_id))

    async def _is_stored(self, account: Account, refresh_token: str) -> bool:
        """Whether the grant could be stored: a process that stands still may keep the database locked."""
        try:
            async with self.store() as tx:
                await tx.users.lock(account.user_id)
                known = await tx.accounts.find(account.user_id)
                assert known is not None
                await tx.accounts.save(
                    replace(
                        known,
                        status=AccountStatus.CONNECTED,
                        version=known.version + 1,
                        refresh_token=sealed(refresh_token, account.user_id),
                    )
                )
                await tx.changes.renumber_pending(account.user_id)
        except DatabaseUnavailableError:
            return False
        return True

    def start(self, work: Awaitable[Any]) -> asyncio.Future[Any]:
        """Something that goes on beside the history, outside of every process."""
        task = asyncio.ensure_future(work)
        self.background[task] = None
        task.add_done_callback(lambda done: self.background.pop(done, None))
        return task

    async def end(self) -> None:
        """Stop everything."""
        self.ending = True
        for replica in self.replicas:
            replica.process.kill()
            self.graves.append(replica.process)
        for task in list(self.background):
            task.cancel()
        waiting = [task for grave in self.graves for task in grave.tasks] + list(self.background)
        if waiting:
            await asyncio.wait(waiting)
        for grave in self.graves:
            grave.close()


async def make_world(plan: Plan, shared: Store) -> World:
    """A world at its beginning: each user is linked, and every calendar is empty."""
    shape = plan.shape
    store = shared.open().uow
    clock = SimulatedClock()
    sandbox = Sandbox(now=clock.now, seed=plan.seed, base_url=GOOGLE)
    happened: Counter[str] = Counter()
    trace = blake2b(digest_size=16)
    accounts = [
        Account(UUID(int=0xADA + number), email, Google(sandbox, email))
        for number, email in enumerate(("ada@example.com", "bob@example.com")[: shape.users])
    ]
    if shape.second_calendar:
        accounts = [with_second_calendar(account) for account in accounts]
    policy = SyncPolicy(
        loop=LoopPolicy(
            limit=shape.breaker_limit, cooldown=timedelta(minutes=1), cooldown_ceiling=timedelta(minutes=4)
        ),
        brake=BrakePolicy(minimum=shape.brake_minimum),
        confirm_one_by_one=shape.confirm_one_by_one,
        polling=POLLING,
        fallback=FALLBACK,
        channel_lifetime=timedelta(seconds=shape.channels_last_s),
        channel_margin=timedelta(seconds=shape.channels_last_s / 2),
    )
    line = Line(
        sandbox=sandbox,
        dice=plan.stream("latency"),
        slow=shape.slow,
        page_size=shape.page_size,
        trace=trace,
        after=lambda: None,
        happened=happened,
    )
    world = World(
        plan=plan,
        shared=shared,
        store=store,
        sandbox=sandbox,
        line=line,
        accounts=accounts,
        policy=policy,
        clock=clock,
        faults=DatabaseFaults(lambda fault: happened.update([f"database {fault}"])),
        happened=happened,
        trace=trace,
        post=Post(plan.stream("post")),
    )
    line.after = world.deliver
    if shape.series:
        # What processes see counts from the first call on, before anybody has a ledger.
        line.on_cut = lambda *_: None
    accounts[0].google.call("POST", "/clients", dict(CLIENT))
    orphans = "gone" if shape.orphans_are_gone else "cancelled"
    accounts[0].google.call("POST", "/switches", {"orphaned_exceptions": orphans})
    accounts[0].google.call("POST", "/clock", {"offset_s": shape.google_ahead_s})
    happened["google's clock is off"] += shape.google_ahead_s != 0
    for account in accounts:
        async with store() as tx:
            await tx.users.add(User(account.user_id, account.email, None, clock.now()))
            await tx.accounts.save(
                GoogleAccount(
                    account.user_id, "1", account.email, (), AccountStatus.DISCONNECTED, None, clock.now()
                )
            )
    world.replicas = [world.launch(number) for number in range(shape.replicas)]
    for account in accounts:
        await world.link(account)
        await choose_all(world, account)
    return world
