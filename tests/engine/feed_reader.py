"""A reader of the change feed who looks now and then, and ends with exactly what the service has."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from schemas.slot_schemas import slot_body
from services.change_feed import changes_behind
from services.core.changes import ChangeKind
from services.slot_views import account_status
from tests.engine.world import USER

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.changes import FeedPosition
    from tests.engine.world import World


class FeedReader:
    """Keeps what the feed told; when it looks is not drawn from the history's own dice."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._dice = random.Random(f"reader {seed}")
        self._position: FeedPosition | None = None
        self._has: dict[UUID, dict[str, Any]] = {}

    async def perhaps_look(self) -> None:
        if self._dice.random() < 0.3:
            await self._look(limit=self._dice.choice((1, 2, 100)))

    async def judge(self) -> None:
        """Everything that a client can see has come by the feed."""
        while await self._look(limit=100):
            pass
        async with self._world.uow.reading() as tx:
            account = await account_status(tx, USER)
        slots = await self._world.all_slots()
        assert self._has == {slot.id: slot_body(slot, account) for slot in slots}

    async def _look(self, *, limit: int) -> bool:
        async with self._world.uow.reading() as tx:
            view = await changes_behind(tx, USER, self._position, limit=limit)
        for change in view.page.changes:
            if change.kind is ChangeKind.DELETED:
                self._has.pop(change.slot.id, None)
            else:
                assert change.kind is ChangeKind.CREATED or change.slot.id in self._has
                self._has[change.slot.id] = slot_body(change.slot, view.account)
        self._position = view.page.position
        return view.page.more
