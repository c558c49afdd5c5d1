"""A receiver that does as it is told, and our side, in one process and in virtual time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from persistence.memory import MemoryStore, MemoryUnitOfWork
from schemas.change_schemas import changes_body
from services.core.accounts import User
from services.google.transport import HttpRequest, HttpResponse, no_answer
from services.signals import Signals
from services.subscription_service import SubscriptionService
from services.token_vault import TokenVault
from services.webhook_delivery import WebhookDelivery
from tests.contract.records import slot, timed
from tests.google.world import CountingIds, ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.core.records import Slot
    from services.core.subscriptions import Subscription

URL = "https://app.example.com/hook"


@dataclass
class Receiver:
    """Implements the transport: takes messages, unless it is told to fail."""

    status: int | None = 204
    """`None`: no answer comes."""
    requests: list[HttpRequest] = field(default_factory=list)
    meanwhile: Callable[[], Any] | None = None
    """Happens once, while the next message is on its way."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        if self.status is None:
            raise no_answer("timeout")
        return HttpResponse(self.status)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(each.body) for each in self.requests]

    @property
    def ids(self) -> list[str]:
        return [each.headers["webhook-id"] for each in self.requests]

    def titles(self, at: int = -1) -> list[str]:
        return [each["slot"]["title"] for each in self.messages[at]["data"]["items"]]


class World:
    """A user with one webhook."""

    def __init__(self) -> None:
        self.clock, self.ids, self.receiver = ManualClock(), CountingIds(), Receiver()
        self.uow = MemoryUnitOfWork(MemoryStore())
        box = TokenVault.from_secrets("the key of these stories", ids=self.ids)
        self.delivery = WebhookDelivery(
            uow=self.uow,
            transport=self.receiver,
            clock=self.clock,
            ids=self.ids,
            box=box,
            render=changes_body,
        )
        self.service = SubscriptionService(
            uow=self.uow,
            delivery=self.delivery,
            clock=self.clock,
            ids=self.ids,
            box=box,
            signals=Signals(),
            loopback=False,
        )
        self.user_id = self.ids.uuid()
        self.secret = ""
        self.subscription_id = self.user_id

    async def begin(self) -> None:
        async with self.uow() as tx:
            await tx.users.add(User(self.user_id, "ada@example.com", None, self.clock.now()))
        made, self.secret = await self.service.create(self.user_id, URL, "")
        self.subscription_id = made.id

    async def add(self, *titles: str) -> list[Slot]:
        async with self.uow() as tx:
            await tx.users.lock(self.user_id)
            return await tx.slots.add([slot(self.user_id, timed(title)) for title in titles])

    async def save(self, *slots: Slot) -> list[Slot]:
        async with self.uow() as tx:
            await tx.users.lock(self.user_id)
            return await tx.slots.save(slots)

    async def tell(self) -> int:
        """Do everything that is due now; how many messages that took."""
        before = len(self.receiver.requests)
        while (claimed := await self.delivery.claim()) is not None:
            await self.delivery.run(claimed)
        return len(self.receiver.requests) - before

    async def stands(self) -> Subscription:
        return await self.service.get(self.user_id, self.subscription_id)

    async def log(self) -> list[Any]:
        return await self.service.deliveries(self.user_id, self.subscription_id, before=None, limit=200)
