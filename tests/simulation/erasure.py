"""A user is erased in the middle of everything: nothing of it stays, and nobody else notices."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.core.errors import UnknownUserError
from tests.simulation.processes import ConnectionLostError
from tests.simulation.replica import CLIENT

if TYPE_CHECKING:
    import random

    from tests.simulation.account_holder import AccountHolder
    from tests.simulation.world import World

_ANSWERED_WITHIN_S: Final = 30.0
"""How long whoever works for a user may take to notice that there is none: a call or two, on a slow line."""

_EXCUSES: Final = (
    *("struck", "stopped", "fault", "database"),
    *("relink", "disconnect", "revoke", "tokens raced", "access tokens"),
)
"""What may keep somebody from telling Google, or makes a grant or a channel that nobody here knows of."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """Somebody who has left, and since when."""

    person: AccountHolder
    at: float


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
    world.erased.append(Erasure(person, world.clock.monotonic()))
    world.happened["erased"] += 1


async def _is_known(person: AccountHolder) -> bool:
    async with person.world.store.reading() as tx:
        return await tx.users.find(person.account.user_id) is not None


async def nobody_is_left(world: World) -> None:
    """What was under way when a user was erased has stored nothing since, and soon asks Google nothing."""
    for erasure in world.erased:
        _google_is_asked_no_more(world, erasure)
        left = await world.shared.rows_of(erasure.person.account.user_id)
        assert not left, f"of an erased user there are still {left}"
        _google_knows_it(world, erasure)


def _google_is_asked_no_more(world: World, erasure: Erasure) -> None:
    asked_at = world.line.askers.asked_at.get(erasure.person.account.email, 0.0)
    noticed_at = max(erasure.at, world.line.stood_until()) + _ANSWERED_WITHIN_S
    late_s = asked_at - noticed_at
    assert late_s <= 0, f"Google was asked in the name of an erased user {late_s:.0f} s too late"


def _google_knows_it(world: World, erasure: Erasure) -> None:
    """Where Google could be reached, the grant is revoked and no channel is left."""
    if any(what.startswith(_EXCUSES) for what in world.happened if world.happened[what]):
        return
    email, google = erasure.person.account.email, world.sandbox._world
    grant = google.grants.grant_of(email, CLIENT["client_id"])
    assert grant is None, "the grant of an erased user lives on"
    channels = [channel for channel in google.channels.table.rows.values() if channel.account == email]
    opened_at = max(
        (at for (whose, _), at in world.line.channel_opened_at.items() if whose == email), default=0
    )
    # What was asked for just before can be stopped no more once the grant is revoked; it runs out by itself.
    if opened_at < erasure.at - 4 * world.plan.shape.slow - 1.0:
        assert not channels, f"{len(channels)} channels of an erased user live on"
        world.happened["erased without a trace"] += 1
