"""One user, the real engine, a store in memory and Google in the same process, in time that a test moves."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import orjson

from persistence.memory import MemoryStore, MemoryUnitOfWork
from sandbox import Request, Sandbox
from services.calendar_service import CalendarService
from services.channel_service import ChannelService
from services.connection_service import ConnectionService
from services.core.accounts import AccountStatus, GoogleAccount, User
from services.core.calendars import CalendarSync
from services.core.errors import GoogleNotConnectedError, ReauthorisationRequiredError
from services.core.policy import SyncPolicy
from services.core.records import Notify, Slot, SlotQuery
from services.core.slots import Schedule, SlotContent, Timed
from services.google.oauth_endpoints import OAuthConfig, OAuthEndpoints
from services.google.quota import NoPacing
from services.google.transport import GuardedTransport, HttpRequest, HttpResponse, no_answer
from services.google_oauth import GoogleOAuth
from services.review_service import ReviewService
from services.signals import Signals
from services.slot_service import SlotDraft, SlotEdit, SlotService
from services.sync_engine import SyncEngine
from services.sync_service import SyncService
from services.token_service import TokenService
from services.token_vault import TokenVault
from tests.engine.interruptions import InterruptibleUnitOfWork
from tests.sandbox.discovery_schema import check

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.core.storage import UnitOfWork

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
GOOGLE = "http://google.test"
EMAIL = "ada@example.com"
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


class SandboxTransport:
    """Hands requests to the simulator in process; a hook may act between commit and answer."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.before: Callable[[HttpRequest], Awaitable[None]] | None = None
        self.after: Callable[[HttpRequest], Awaitable[None]] | None = None
        self.answered: Callable[[HttpRequest, HttpResponse], HttpResponse] | None = None
        """May put another answer in the place of one."""
        self.page_size = 2500
        """Events per page of a listing, whatever is asked for."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        request = replace(request, url=request.url.replace("maxResults=2500", f"maxResults={self.page_size}"))
        await asyncio.sleep(0)  # noqa: TID251  # a process may die before the call, and after it
        if self.before is not None:
            await self.before(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._sandbox.handle(Request(request.method, request.url, headers, request.body))
        await asyncio.sleep(0)  # noqa: TID251
        if self.after is not None:
            await self.after(request)
        if answer.fault.drop or answer.fault.truncate:
            raise no_answer("connection-lost")
        if answer.headers.get("Content-Type", "").startswith("application/json"):
            path = urlsplit(request.url).path
            check(request.method, path, answer.status, answer.body, passed_through=("aFieldOfTheFuture",))
        given = HttpResponse(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.body
        )
        return given if self.answered is None else self.answered(request, given)


class Google:
    """Google's side, as a person and as a test arranges it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._events = f"/calendars/{quote(EMAIL)}/primary/events"
        self.call("POST", "/accounts", {"email": EMAIL})

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of the control API."""
        answer = self._sandbox.handle(
            Request(method, f"{GOOGLE}/_control{path}", {}, orjson.dumps(body) if body is not None else b"")
        )
        assert answer.status == 200, answer.body
        return answer.json()

    def create(self, summary: str, *, at: datetime = START, **more: Any) -> dict[str, Any]:
        """A person adds an event."""
        event = {
            "summary": summary,
            "start": {"dateTime": at.isoformat(), "timeZone": "UTC"},
            "end": {"dateTime": (at + timedelta(hours=1)).isoformat(), "timeZone": "UTC"},
            **more,
        }
        return self.call("POST", self._events, event)

    def edit(self, event_id: str, **changes: Any) -> dict[str, Any]:
        """A person changes an event."""
        return self.call("POST", self._events, {"id": event_id, **changes})

    def delete(self, event_id: str) -> None:
        """A person deletes an event."""
        self.call("DELETE", f"{self._events}/{event_id}")

    def event(self, event_id: str) -> dict[str, Any]:
        """An event with everything in it, deleted or not."""
        return self.call("GET", f"{self._events}/{event_id}")

    def events(self, *, deleted: bool = False) -> list[dict[str, Any]]:
        """All events."""
        items = self.call("GET", self._events)["events"]
        return [each for each in items if deleted or each["status"] != "cancelled"]

    def fault(
        self,
        kind: str,
        *,
        method: str | None = None,
        path: str = "",
        times: int = 1,
        skip: int = 0,
        **action: Any,
    ) -> None:
        """Order a mishap for calls of the calendar whose path contains a match of `path`."""
        match = {"path_regex": f"/calendar/v3/.*{path}", **({"method": method} if method else {})}
        self.call(
            "POST",
            "/faults",
            {"match": match, "times": times, "skip": skip, "action": {"kind": kind, **action}},
        )

    def requests(self) -> list[dict[str, Any]]:
        """Calendar calls so far."""
        calls = self.call("GET", "/requests")["requests"]
        return [each for each in calls if each["path"].startswith("/calendar/v3/")]

    def forget_requests(self) -> None:
        """Start counting calls anew."""
        self.call("DELETE", "/requests")


class SandboxTokens:
    """Access tokens straight from the simulator, for as long as the account is connected."""

    def __init__(self, google: Google, uow: UnitOfWork) -> None:
        self._google = google
        self._uow = uow
        self._token: str | None = None

    async def access_token(self, user_id: UUID) -> str:
        async with self._uow.reading() as tx:
            account = await tx.accounts.find(user_id)
        if account is None or account.status is AccountStatus.DISCONNECTED:
            raise GoogleNotConnectedError(user_id, AccountStatus.DISCONNECTED.value)
        if account.status is AccountStatus.REAUTHORISATION_REQUIRED:
            raise ReauthorisationRequiredError(user_id, "the account has to be linked again")
        if self._token is None:
            answer = self._google.call("POST", "/tokens", {"account": EMAIL})
            self._token = str(answer["access_token"])
        return self._token

    def invalidate(self, user_id: UUID, token: str) -> None:
        del user_id, token
        self._token = None

    async def refuse_grant(self, user_id: UUID, token: str, reason: str) -> None:
        raise AssertionError(f"nothing in these stories loses a scope: {user_id} {token} {reason}")


@dataclass(slots=True)
class World:
    """Everything a story needs."""

    clock: ManualClock
    ids: SeededIds
    transport: SandboxTransport
    google: Google
    uow: InterruptibleUnitOfWork
    engine: SyncEngine
    other_engine: SyncEngine
    """Of another replica."""
    slots: SlotService
    sync: SyncService
    review: ReviewService
    connections: ConnectionService
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

    async def notified(self) -> None:
        """A notification of Google's arrives."""
        async with self.uow() as tx:
            await tx.calendars.mark_due(USER, "primary", now=self.clock.now(), pull=True)

    async def pull(self) -> None:
        """A notification arrives, and everything that follows from it is done."""
        await self.notified()
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

    async def create(self, title: str, *, at: datetime = START, **more: Any) -> Slot:
        """The app creates a slot."""
        content = SlotContent(title, Schedule(Timed(at, at + timedelta(hours=1), "UTC")), **more)
        return (await self.slots.create(USER, SlotDraft(content))).slot

    async def edit(self, slot: Slot, notify: Notify = "none", /, **changes: Any) -> Slot:
        """The app changes fields of a slot."""
        change = SlotEdit(lambda content: replace(content, **changes), notify=notify)
        return (await self.slots.edit(USER, slot.id, change)).slot

    async def delete(self, slot: Slot, notify: Notify = "none", /) -> Slot:
        """The app deletes a slot."""
        return (await self.slots.delete(USER, slot.id, notify=notify)).slot

    async def restore(self, slot: Slot) -> Slot:
        """The app brings a deleted slot back."""
        return (await self.slots.restore(USER, slot.id)).slot

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

    async def calendar(self) -> CalendarSync:
        """The sync state of the primary calendar."""
        async with self.uow.reading() as tx:
            found = await tx.calendars.find(USER, "primary")
        assert found is not None
        return found


async def make_world(*, seed: int = 1, policy: SyncPolicy | None = None) -> World:
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
    )
    calendars.prepare_now()
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
        engine=engine("one"),
        other_engine=engine("two"),
        slots=SlotService(uow=uow, clock=clock, ids=ids, signals=signals, loop_policy=policy.loop),
        sync=SyncService(uow=uow, clock=clock, signals=signals),
        review=ReviewService(uow=uow, clock=clock, ids=ids, signals=signals, loop_policy=policy.loop),
        connections=_connections(
            uow=uow,
            calendars=calendars,
            transport=transport,
            clock=clock,
            ids=ids,
            signals=signals,
            policy=policy,
        ),
        policy=policy,
    )


def _connections(
    *,
    uow: UnitOfWork,
    calendars: CalendarService,
    transport: SandboxTransport,
    clock: ManualClock,
    ids: SeededIds,
    signals: Signals,
    policy: SyncPolicy,
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
    channels = ChannelService(
        uow=uow, calendars=calendars, clock=clock, ids=ids, signals=signals, policy=policy, address=None
    )
    return ConnectionService(
        uow=uow, calendars=calendars, channels=channels, oauth=oauth, clock=clock, signals=signals
    )


__all__ = ["EMAIL", "START", "USER", "World", "make_world"]
