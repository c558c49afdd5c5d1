"""The wiring over what production has: a SQL database whose keys fit, and the way to receivers on the web."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from background.ticks import Tick
from composition.assembly import assemble
from composition.keys import token_vault
from persistence.database import Database
from persistence.unit_of_work import SqlUnitOfWork
from services.keyring import KeyRing
from services.shared_clock import SharedClock
from services.system import SystemClock
from services.webhooks.target_transport import TargetTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from composition.assembly import Parts
    from services.core.ports import Clock, Ids
    from services.google.transport import Transport
    from services.settings import Settings


@asynccontextmanager
async def open_parts(
    settings: Settings, *, ids: Ids, transport: Transport, clock: Clock | None = None
) -> AsyncIterator[Parts]:
    """The parts of one process over the database of the settings; nothing runs yet.

    Args:
        settings: As loaded.
        ids: The source of randomness.
        transport: The way to Google.
        clock: The source of time. `None`: the machine's, set by that of the database, which replicas share.

    Raises:
        SettingsError: The keys do not open what the database has.
    """
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url.get_secret_value())
        stack.push_async_callback(database.dispose)
        looked_after: tuple[Tick, ...] = ()
        if clock is None:
            clock = shared = SharedClock(SystemClock())
            set_clock = partial(shared.set_by, database.time)
            await set_clock()
            looked_after = (Tick("set the clock", set_clock, timedelta(minutes=1), timedelta(seconds=15)),)
        uow, vault = SqlUnitOfWork(database), token_vault(settings, ids)
        await KeyRing(uow=uow, vault=vault, clock=clock).check()
        web = await stack.enter_async_context(aclosing(TargetTransport(loopback=settings.loopback)))
        parts = assemble(
            settings,
            uow=uow,
            database=database,
            clock=clock,
            ids=ids,
            box=vault,
            transport=transport,
            web=web,
        )
        stack.push_async_callback(parts.tokens.aclose)
        yield replace(parts, ticks=(*parts.ticks, *looked_after))
