"""A user is erased in the middle of everything: nothing of it stays, and nobody else notices."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from services.core.errors import UnknownUserError
from tests.simulation.processes import ConnectionLostError

if TYPE_CHECKING:
    import random

    from tests.simulation.account_holder import AccountHolder
    from tests.simulation.world import World


async def erase(person: AccountHolder, dice: random.Random) -> None:
    """The person wants to be forgotten, and asks until it is done."""
    world, account = person.world, person.account
    purge = dice.random() < 0.5
    person.leaves = True
    while await _is_known(person):
        with contextlib.suppress(ConnectionLostError, UnknownUserError):
            await world.ask(
                dice, lambda replica: replica.connections.erase(account.user_id, purge_google=purge)
            )
    world.accounts.remove(account)
    world.erased.append(person)
    world.happened["erased"] += 1


async def _is_known(person: AccountHolder) -> bool:
    async with person.world.store.reading() as tx:
        return await tx.users.find(person.account.user_id) is not None


async def nobody_is_left(world: World) -> None:
    """What was under way when a user was erased has stored nothing since."""
    for person in world.erased:
        left = await world.shared.rows_of(person.account.user_id)
        assert not left, f"of an erased user there are still {left}"
