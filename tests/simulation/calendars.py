"""The second calendar of a Google account: how it comes into being, and how a person chooses or leaves it."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from services.core.errors import DatabaseUnavailableError, DomainError
from tests.simulation.processes import ConnectionLostError

if TYPE_CHECKING:
    import random

    from services.core.calendar_list import CalendarChoice
    from tests.engine.google_side import Google
    from tests.simulation.account import Account
    from tests.simulation.replica import Replica
    from tests.simulation.world import World


def with_second_calendar(account: Account) -> Account:
    """The account after the person has made another calendar on Google's page."""
    calendar_id = f"c_{account.user_id.hex}@group.calendar.google.com"
    account.google.call("POST", "/calendars", {"account": account.email, "id": calendar_id})
    return replace(account, others=(account.google.in_calendar(calendar_id),))


async def choose(
    world: World, account: Account, google: Google, dice: random.Random, *, selected: bool
) -> bool:
    """Take a calendar into the sync or out of it.

    Returns:
        Whether it was done; it is refused while Google is away, and while edits wait that would not reach it.
    """

    def asked(replica: Replica) -> object:
        return replica.parts.container.calendars.choose(
            account.user_id, google.calendar, selected=selected, default=None
        )

    try:
        choice: CalendarChoice = await world.ask(dice, asked)  # type: ignore[arg-type]  # a coroutine
    except (DomainError, ConnectionLostError, DatabaseUnavailableError):
        return False
    if selected and world.plan.shape.webhooks:
        # Every request ends so, whatever comes of it; else the next tick finds that the channel is missing.
        replica = world.somebody(dice)
        with contextlib.suppress(DomainError, ConnectionLostError):
            await replica.process.answer(replica.channels.ensure(account.user_id, google.calendar))
    return choice.selected is selected


async def choose_all(world: World, account: Account) -> None:
    """The person wants every calendar of the account in the app."""
    dice = world.plan.stream("choosing")
    for google in account.others:
        while not await choose(world, account, google, dice, selected=True):
            await world.clock.sleep(5)
