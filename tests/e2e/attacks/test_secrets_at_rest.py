"""Whoever can write to the database gains nothing by it, and whoever lacks the key does not start."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from persistence.unit_of_work import SqlUnitOfWork
from tests.e2e.attacks.flows import rows_of
from tests.e2e.world import Person, somebody

if TYPE_CHECKING:
    from tests.e2e.conftest import Machines
    from tests.e2e.servers import GoogleServer, Server


async def test_swapped_ciphertexts(
    machines: Machines, shared_google: GoogleServer, database_url: str
) -> None:
    """One user's token cannot be made to work for another, and nobody has to link again for it."""
    google = shared_google
    server = machines.server(database_url, google)
    # The service says that a token does not open, which is an error of the database's owner.
    machines.expected = "DecryptionError"
    async with somebody(server.url, google.url, "ada") as ada, somebody(server.url, google.url, "eve") as eve:
        for person in (ada, eve):
            await person.connect()
        server.process.stop()
        await swap_tokens(server, ada, eve)
        since = await ada.google.request_count()
        server.start()
        for person in (ada, eve):
            await person.app.create("Goes nowhere")
            await person.app.calendar_becomes(lambda seen: (seen["last_error"] or {}).get("reason"))
        for person in (ada, eve):
            assert (await person.app.get("/auth/users/me"))["google"]["status"] == "connected"
            assert await person.google.titles() == []
            assert await person.google.requests(since) == []


async def swap_tokens(server: Server, one: Person, other: Person) -> None:
    async with rows_of(server) as database, SqlUnitOfWork(database)() as tx:
        ids = [UUID(person.app.user_id) for person in (one, other)]
        accounts = await tx.accounts.find_many(ids)
        first, second = (accounts[each] for each in ids)
        await tx.accounts.save(replace(first, refresh_token=second.refresh_token))
        await tx.accounts.save(replace(second, refresh_token=first.refresh_token))
