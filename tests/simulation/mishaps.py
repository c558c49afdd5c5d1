"""What goes wrong: each kind of mishap, brought about in the world."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from services.core.errors import DomainError
from tests.simulation.line import DROP_AFTER, DROP_BEFORE, LATE, PAUSE, TRUNCATE
from tests.simulation.processes import ConnectionLostError, Strike
from tests.simulation.stale_pages import StalePages
from tests.simulation.transactions import DatabaseFault

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from tests.simulation.account import Account
    from tests.simulation.replica import Replica
    from tests.simulation.world import World

REFUSALS: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "html_503"},
    {"kind": "not_json"},
    {"kind": "answer", "status": 400, "reason": "badRequest"},
    {"kind": "answer", "status": 401, "reason": "authError"},
    {"kind": "answer", "status": 403, "reason": "userRateLimitExceeded"},
    {"kind": "answer", "status": 403, "reason": "rateLimitExceeded", "headers": {"Retry-After": "20"}},
    {"kind": "answer", "status": 404, "reason": "notFound"},
    {"kind": "answer", "status": 409, "reason": "duplicate"},
    {"kind": "answer", "status": 410, "reason": "deleted"},
    {"kind": "answer", "status": 412, "reason": "conditionNotMet"},
    {"kind": "answer", "status": 429, "reason": "rateLimitExceeded"},
    {"kind": "answer", "status": 429, "reason": "rateLimitExceeded", "headers": {"Retry-After": "30"}},
    {"kind": "answer", "status": 500, "reason": "backendError"},
    {"kind": "answer", "status": 503, "reason": "backendError", "headers": {"Retry-After": "5"}},
)
"""What Google says instead of doing what it was asked."""
_MOST_WAITS = 60
"""A strike falls within this many waits; a run with a few calls takes about as many."""


async def call_fails(world: World, dice: random.Random) -> None:
    actions: list[dict[str, Any] | str] = [*REFUSALS, DROP_BEFORE]
    action = dice.choice(actions)
    times = dice.choice((1, 1, 1, 3))
    if isinstance(action, dict) and action.get("status") in (404, 410):
        # What Google says twice of an event that is there, nobody can tell from the truth.
        if world.happened["gone by mistake"]:
            return
        world.happened["gone by mistake"] += 1
        times = 1
    for _ in range(times):
        world.line.order(action, skip=dice.randrange(4))


async def event_denied(world: World, dice: random.Random) -> None:
    """Google says once of an event that is there that it knows none."""
    if world.happened["gone by mistake"]:
        return
    world.happened["gone by mistake"] += 1
    world.line.deny_event(skip=dice.randrange(2))


async def answer_lost(world: World, dice: random.Random) -> None:
    method = dice.choice((None, "POST", "PATCH", "DELETE"))
    world.line.order(
        dice.choice((DROP_AFTER, DROP_AFTER, TRUNCATE, LATE)), skip=dice.randrange(3), method=method
    )


async def kill(world: World, dice: random.Random) -> None:
    world.somebody(dice).process.arm(Strike.KILL, after=dice.randrange(1, _MOST_WAITS))


async def cancel(world: World, dice: random.Random) -> None:
    world.somebody(dice).process.arm(Strike.CANCEL, after=dice.randrange(1, _MOST_WAITS))


async def pause(world: World, dice: random.Random) -> None:
    seconds = world.policy.lease.total_seconds() * dice.choice((0.5, 1.2, 2.0))
    world.somebody(dice).process.arm(Strike.PAUSE, after=dice.randrange(1, _MOST_WAITS), seconds=seconds)


def strike_all(world: World, strike: Strike, wait: int) -> None:
    """Strike every process at this very wait from now."""
    seconds = world.policy.lease.total_seconds() * 2
    for replica in world.replicas:
        replica.process.arm(strike, after=wait, seconds=seconds)


async def pause_after_write(world: World, dice: random.Random) -> None:
    """The worst moment to stand still: Google has done it, and nothing of it is stored."""
    world.line.order(PAUSE, skip=dice.randrange(3), method=dice.choice(("POST", "PATCH", "PATCH", "DELETE")))


async def stop(world: World, dice: random.Random) -> None:
    """A rolling restart."""
    world.happened["stopped"] += 1
    await world.somebody(dice).stop(timedelta(seconds=dice.choice((0, 5))))


async def tokens_forgotten(world: World, dice: random.Random) -> None:
    """Of everything; where somebody has several calendars mostly of one, so that one is listed more often."""
    account = dice.choice(world.accounts)
    forgotten = {}
    if account.others and dice.random() < 0.7:
        forgotten = {"account": account.email, "calendar": account.some_calendar(dice).calendar}
    world.happened["sync tokens forgotten"] += 1
    account.google.call("POST", "/sync-tokens/invalidate", forgotten)


async def access_expires(world: World, dice: random.Random) -> None:
    del dice
    world.happened["access tokens expired"] += 1
    world.accounts[0].google.call("POST", "/access-tokens/expire", {})


async def tokens_raced(world: World, dice: random.Random) -> None:
    """All replicas need an access token while the person makes a new grant, and perhaps ends the old one."""
    account = dice.choice(world.accounts)
    world.happened["tokens raced"] += 1
    world.happened["relink"] += 1
    account.google.call("POST", "/access-tokens/expire", {"account": account.email})
    asked = [world.start(_new_token(replica, account)) for replica in world.replicas]
    await world.clock.sleep(dice.uniform(0, world.plan.shape.slow))
    if dice.random() < 0.5:
        world.happened["revoke"] += 1
        account.google.call("POST", "/grants/revoke", {"account": account.email})
        await world.clock.sleep(dice.uniform(0, world.plan.shape.slow))
    await world.link(account)
    await asyncio.gather(*asked)


async def _new_token(replica: Replica, account: Account) -> None:
    replica.tokens.forget(account.user_id)
    with contextlib.suppress(DomainError, ConnectionLostError):
        await replica.process.answer(replica.tokens.access_token(account.user_id))


async def listing_glitch(world: World, dice: random.Random) -> None:
    del dice
    world.happened["empty page"] += 1
    world.accounts[0].google.call("POST", "/listings/glitch", {"kind": "empty_page", "times": 1})


async def nothing_there(world: World, dice: random.Random) -> None:
    """A calendar is shown empty by mistake.

    Twice in a row nobody could tell it from an empty one, nor before anything of it was seen.
    """
    account = dice.choice(world.accounts)
    calendar = account.some_calendar(dice).calendar
    slots = await world.slots(account.user_id, deleted=True)
    seen = any(slot.google is not None for slot in slots if slot.calendar_id == calendar)
    if world.happened["calendar shown empty"] or not seen:
        return
    world.happened["calendar shown empty"] += 1
    glitch = {"kind": "nothing_there", "calendar": calendar, "account": account.email, "times": 1}
    account.google.call("POST", "/listings/glitch", glitch)


async def stale_pages(world: World, dice: random.Random) -> None:
    if world.line.stale is None:
        world.happened["stale pages"] += 1
        world.line.stale = StalePages(dice, share=0.3)


async def database_before(world: World, dice: random.Random) -> None:
    world.faults.order(DatabaseFault.BEFORE, after=dice.randrange(1, 12))


async def database_during(world: World, dice: random.Random) -> None:
    world.faults.order(DatabaseFault.DURING, after=dice.randrange(1, 12))


async def database_after(world: World, dice: random.Random) -> None:
    world.faults.order(DatabaseFault.AFTER, after=dice.randrange(1, 12))


async def notifications_lost(world: World, dice: random.Random) -> None:
    world.post.lost += dice.randrange(1, 6)


async def notifications_doubled(world: World, dice: random.Random) -> None:
    world.post.doubled += dice.randrange(1, 4)


async def notifications_late(world: World, dice: random.Random) -> None:
    world.post.late += dice.randrange(1, 4)


async def channel_expires(world: World, dice: random.Random) -> None:
    """Google forgets its channels long before it said that it would."""
    del dice
    channels = world.sandbox._world.channels.table
    for channel_id in list(channels.rows):
        world.happened["channel forgotten"] += 1
        channels.remove(channel_id)


async def google_clock(world: World, dice: random.Random) -> None:
    world.happened["google's clock steps"] += 1
    offset = dice.choice((-600, -5, 0, 5, 600))
    world.accounts[0].google.call("POST", "/clock", {"offset_s": offset})


async def our_clock(world: World, dice: random.Random) -> None:
    """A machine's clock is set, forwards or back."""
    world.happened["our clock steps"] += 1
    world.somebody(dice).clock.offset_s += dice.choice((-300, -20, 20, 300))


ALL: dict[str, Callable[[World, random.Random], Awaitable[None]]] = {
    each.__name__: each
    for each in (
        call_fails,
        event_denied,
        answer_lost,
        kill,
        cancel,
        pause,
        pause_after_write,
        stop,
        tokens_forgotten,
        access_expires,
        tokens_raced,
        listing_glitch,
        nothing_there,
        stale_pages,
        database_before,
        database_during,
        database_after,
        notifications_lost,
        notifications_doubled,
        notifications_late,
        channel_expires,
        google_clock,
        our_clock,
    )
}
