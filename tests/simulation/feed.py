"""A client of the change feed that looks now and then, and must end with exactly what the service has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from schemas.slot_schemas import slot_body
from services.change_feed import changes_behind
from services.core.changes import ChangeKind
from services.core.errors import DatabaseUnavailableError
from services.slot_views import account_status
from tests.simulation.processes import ConnectionLostError

if TYPE_CHECKING:
    import random
    from uuid import UUID

    from services.change_feed import ChangesView
    from services.core.changes import FeedPosition
    from tests.simulation.replica import Replica
    from tests.simulation.world import Account, World


@dataclass(eq=False)
class FeedReader:
    """Keeps what the feed told."""

    world: World
    account: Account
    _position: FeedPosition | None = None
    _has: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    _reading: bool = False

    async def read_feed(self, dice: random.Random) -> None:
        """One page, from any replica; where it does not come, the next time it is asked for again."""
        if self._reading:
            return
        self._reading = True
        try:
            replica = self.world.somebody(dice)
            self._take(await replica.process.answer(self._page(replica, dice.choice((1, 2, 100)))))
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
            status = await account_status(tx, self.account.user_id)
        slots = await self.world.slots(self.account.user_id)
        expected = {slot.id: slot_body(slot, status) for slot in slots}
        assert self._has == expected, "a reader of the feed holds something else than the service"

    async def _page(self, replica: Replica, limit: int) -> ChangesView:
        async with replica.uow.reading() as tx:
            return await changes_behind(tx, self.account.user_id, self._position, limit=limit)

    def _take(self, view: ChangesView) -> None:
        for change in view.page.changes:
            if change.kind is ChangeKind.DELETED:
                self._has.pop(change.slot.id, None)
            else:
                known = change.slot.id in self._has
                assert known or change.kind is ChangeKind.CREATED, "the feed changes what it never told of"
                self._has[change.slot.id] = slot_body(change.slot, view.account)
        self._position = view.page.position
