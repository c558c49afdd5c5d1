"""A client of the change feed that looks now and then, and must end with exactly what the service has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from schemas.slot_bodies import slot_body
from services.change_feed import changes_behind
from services.core.changes import ChangeKind
from services.core.errors import DatabaseUnavailableError
from services.core.records import SlotQuery
from services.slot_views import account_status
from tests.simulation.processes import ConnectionLostError

if TYPE_CHECKING:
    import random
    from uuid import UUID

    from services.change_feed import ChangesView
    from services.core.accounts import AccountStatus
    from services.core.changes import FeedPosition
    from services.core.storage import Transaction
    from tests.simulation.account import Account
    from tests.simulation.replica import Replica
    from tests.simulation.world import World


@dataclass(eq=False)
class FeedReader:
    """Keeps what the feed told."""

    world: World
    account: Account
    _position: FeedPosition | None = None
    _has: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    _seq: int = 0
    """The number of the last change that it was told of."""
    _reading: bool = False

    async def read_feed(self, dice: random.Random) -> None:
        """One page, from any replica; where it does not come, the next time it is asked for again."""
        if self._reading:
            return
        self._reading = True
        try:
            replica = self.world.somebody(dice)
            view, everything = await replica.process.answer(self._page(replica, dice.choice((1, 2, 100))))
            self._take(view)
            if everything is not None:
                self._compare(everything)
        except (ConnectionLostError, DatabaseUnavailableError):
            return
        finally:
            self._reading = False

    async def judge(self) -> None:
        """Everything that a client can see has come by the feed, in the order of its numbers."""
        while True:
            async with self.world.store.reading() as tx:
                view = await changes_behind(tx, self.account.user_id, self._position, limit=100)
            self._take(view)
            if not view.page.more:
                break
        async with self.world.store.reading() as tx:
            self._compare(await self._everything(tx, await account_status(tx, self.account.user_id)))

    async def _page(self, replica: Replica, limit: int) -> tuple[ChangesView, dict[UUID, Any] | None]:
        """The page, and where it is the last one, what the service has at that moment."""
        async with replica.uow.reading() as tx:
            view = await changes_behind(tx, self.account.user_id, self._position, limit=limit)
            return view, None if view.page.more else await self._everything(tx, view.account)

    async def _everything(self, tx: Transaction, status: AccountStatus) -> dict[UUID, Any]:
        slots = await tx.slots.page(self.account.user_id, SlotQuery(limit=100_000))
        return {slot.id: slot_body(slot, status) for slot in slots}

    def _compare(self, everything: dict[UUID, Any]) -> None:
        assert self._has == everything, "a reader of the feed holds something else than the service"

    def _take(self, view: ChangesView) -> None:
        for change in view.page.changes:
            assert change.slot.seq > self._seq, "the feed goes back"
            self._seq = change.slot.seq
            if change.kind is ChangeKind.DELETED:
                self._has.pop(change.slot.id, None)
            else:
                known = change.slot.id in self._has
                assert known or change.kind is ChangeKind.CREATED, "the feed changes what it never told of"
                self._has[change.slot.id] = slot_body(change.slot, view.account)
        self._position = view.page.position
