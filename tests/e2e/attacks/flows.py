"""The way to Google and back, step by step, so that a story can do something else in between."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Table, update

from persistence.database import Database
from persistence.models import oauth_flows, sign_in_flows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import timedelta

    from tests.e2e.browser import Browser
    from tests.e2e.google import Google
    from tests.e2e.servers import Server
    from tests.e2e.world import Person

AUTHORIZE, CALLBACK = "/auth/google/authorize", "/auth/google/callback"


async def ticket_url(person: Person) -> str:
    """What a program is given for the person's browser."""
    return str((await person.app.get(AUTHORIZE))["authorization_url"])


async def to_google(browser: Browser, url: str) -> str:
    """Google's page, to which an address of the service sends a browser."""
    opened = await browser.go(url)
    assert opened.status_code == 302, opened.text
    return opened.headers["location"]


async def linking(person: Person) -> str:
    """Google's page, on which the person's browser stands to link an account."""
    return await to_google(person.browser, await ticket_url(person))


async def signing_in(browser: Browser, service: str) -> str:
    """Google's page, on which a browser that was signed in as nobody stands to sign in."""
    browser.forget("session")
    return await to_google(browser, f"{service}{AUTHORIZE}")


async def decided(google: Google, page: str, *, account: str | None = None) -> str:
    """Where Google sends the browser once the owner of an account has consented."""
    body = {"url": page, "account": account or google.email}
    return str((await google.control("POST", "/consent", body))["location"])


async def grow_older(server: Server, by: timedelta) -> None:
    """Every attempt to link or to sign in was begun so much earlier."""
    for table in (oauth_flows, sign_in_flows):
        await _grow_older(server, table, by)


async def _grow_older(server: Server, table: Table, by: timedelta) -> None:
    async with rows_of(server) as database, database.transaction(writing=True) as connection:
        for row in await connection.fetch(table.select(), {}):
            flow = dict(zip(table.columns.keys(), row, strict=True))
            earlier = {name: flow[name] - by for name in ("created_at", "expires_at")}
            statement = update(table).where(table.c.id == flow["id"]).values(earlier)
            await connection.fetch(statement, {})


@asynccontextmanager
async def rows_of(server: Server) -> AsyncIterator[Database]:
    """The database of a server, as somebody who may read and write it has it."""
    assert server.database_url is not None
    database = Database(server.database_url)
    try:
        yield database
    finally:
        await database.dispose()
