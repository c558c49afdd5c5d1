"""What a forged notification costs tells nothing: each takes the steps of every other one.

How long the answers take is in the benchmarks; here is why they take as long.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from persistence.database import Database
from persistence.unit_of_work import SqlUnitOfWork
from services.channel_service import ChannelService, _hash, channel_id_for
from services.core.calendars import Channel, ChannelStatus
from services.core.errors import UnknownChannelError
from services.core.policy import SyncPolicy
from services.signals import Signals
from tests.contract.records import NOW, some_user
from tests.google.world import CountingIds, ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN = "what Google was given to send back"
RESOURCE = "what the channel watches"


class _Noted:
    """A connection that says what it is asked."""

    def __init__(self, connection: Any, statements: list[str]) -> None:
        self._connection = connection
        self._statements = statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, statement: Any, params: Any) -> Any:
        self._statements.append(str(statement))
        return await self._connection.fetch(statement, params)

    async def fetch_raw(self, statement: Any, params: Any) -> Any:
        self._statements.append(str(statement))
        return await self._connection.fetch_raw(statement, params)


class NotingDatabase(Database):
    """A database that notes every statement, and where transactions begin."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.statements: list[str] = []

    @asynccontextmanager
    async def transaction(self, *, writing: bool) -> AsyncIterator[Any]:
        self.statements.append("writing" if writing else "reading")
        async with super().transaction(writing=writing) as connection:
            yield _Noted(connection, self.statements)


@pytest.fixture
async def noting(database_url: str) -> AsyncIterator[NotingDatabase]:
    opened = NotingDatabase(database_url)
    yield opened
    await opened.dispose()


async def test_forged_notifications_are_refused_by_the_same_statements(noting: NotingDatabase) -> None:
    uow = SqlUnitOfWork(noting)
    channels = ChannelService(
        uow=uow,
        # Nothing is asked of Google while a notification is answered.
        calendars=cast("Any", None),
        clock=ManualClock(),
        ids=CountingIds(),
        signals=Signals(),
        policy=SyncPolicy(),
        address=None,
    )
    user_id = await some_user(uow)
    stranger = await some_user(uow)
    channel_id = channel_id_for(user_id, stranger)
    async with uow() as tx:
        await tx.channels.add(
            Channel(user_id, channel_id, "primary", _hash(TOKEN), ChannelStatus.ACTIVE, NOW, RESOURCE)
        )
    forged = {
        "no channel of the user": (channel_id_for(user_id, user_id), TOKEN, RESOURCE),
        "no channel of another user": (channel_id_for(stranger, stranger), TOKEN, RESOURCE),
        "no user": (f"{'f' * 64}", TOKEN, RESOURCE),
        "no id of ours": ("x", TOKEN, RESOURCE),
        "no id at all": ("", TOKEN, RESOURCE),
        "another token": (channel_id, "guessed", RESOURCE),
        "no token": (channel_id, "", RESOURCE),
        "another resource": (channel_id, TOKEN, "guessed"),
    }
    steps: dict[str, list[str]] = {}
    for name, (known, token, resource) in forged.items():
        noting.statements.clear()
        with pytest.raises(UnknownChannelError):
            await channels.notified(channel_id=known, token=token, resource_id=resource, state="exists")
        steps[name] = list(noting.statements)
    [same] = {tuple(each) for each in steps.values()}
    assert len(same) == 2
    assert same[0] == "writing"
    assert "channels" in same[1]

    noting.statements.clear()
    await channels.notified(channel_id=channel_id, token=TOKEN, resource_id=RESOURCE, state="exists")
    assert tuple(noting.statements[:2]) == same
    assert len(noting.statements) == 3
