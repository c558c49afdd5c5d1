"""What `python main.py after-restore` makes of a database: nothing held from before is valid any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from persistence.restored import Continued, continue_after_restore
from services.core.beyond import seq_beyond, version_beyond
from services.core.calendars import CalendarStatus, Channel, ChannelStatus
from services.core.changes import FeedPosition, beginning, caught_up, require_whole
from services.core.errors import CursorExpiredError, LeaseLostError
from tests.contract.records import HOUR, NOW, new_id, slot, some_user, stored

if TYPE_CHECKING:
    from uuid import UUID

    from persistence.database import Database
    from services.core.changes import Reach
    from services.core.storage import UnitOfWork

LATER = NOW + HOUR


async def reach(uow: UnitOfWork, user_id: UUID) -> Reach:
    async with uow.reading() as tx:
        found = await tx.changes.reach(user_id)
    assert found is not None
    return found


async def test_every_position_from_before_has_expired_and_numbers_go_on(
    database: Database, sql_uow: UnitOfWork
) -> None:
    users = [await some_user(sql_uow) for _ in range(3)]
    [before] = await stored(sql_uow, slot(users[0]))
    assert await continue_after_restore(database, now=LATER) == Continued(users=3, calendars=3)
    now = await reach(sql_uow, users[0])
    for seq in (0, before.seq, before.seq + 1, before.seq + 10_000_000):
        with pytest.raises(CursorExpiredError):
            require_whole(FeedPosition(seq, seq), now)
    require_whole(beginning(now), now)
    [after] = await stored(sql_uow, slot(users[0]))
    assert after.seq == seq_beyond(LATER) + 1
    require_whole(caught_up(after.seq), await reach(sql_uow, users[0]))


async def test_a_second_restore_of_one_backup_repeats_no_number(
    database: Database, sql_uow: UnitOfWork
) -> None:
    user_id = await some_user(sql_uow)
    [one] = await stored(sql_uow, slot(user_id))
    for hours in (1, 2):
        at = NOW + timedelta(hours=hours)
        await continue_after_restore(database, now=at)
        assert (await reach(sql_uow, user_id)).last_seq == seq_beyond(at)
        async with sql_uow.reading() as tx:
            found = await tx.slots.find(user_id, one.id)
        assert found is not None
        assert found.version == version_beyond(at)


async def test_who_held_a_calendar_before_stores_nothing_and_it_is_due(
    database: Database, sql_uow: UnitOfWork
) -> None:
    user_id = await some_user(sql_uow)
    async with sql_uow() as tx:
        held = await tx.calendars.claim(owner="one", now=NOW, lease_until=LATER + HOUR)
    assert held is not None
    await continue_after_restore(database, now=LATER)
    async with sql_uow() as tx:
        anew = await tx.calendars.claim(owner="two", now=LATER, lease_until=LATER + HOUR)
    assert anew is not None
    assert anew.user_id == user_id
    assert anew.calendar.pull_due_at <= LATER
    with pytest.raises(LeaseLostError):
        async with sql_uow() as tx:
            await tx.calendars.renew(held, lease_until=LATER + HOUR)


async def test_a_calendar_that_is_not_synced_stays_so(database: Database, sql_uow: UnitOfWork) -> None:
    user_id = await some_user(sql_uow)
    async with sql_uow() as tx:
        await tx.calendars.set_status(user_id, CalendarStatus.DISCONNECTED, now=NOW)
    await continue_after_restore(database, now=LATER)
    async with sql_uow() as tx:
        assert await tx.calendars.claim(owner="one", now=LATER, lease_until=LATER + HOUR) is None


async def test_channels_are_replaced_since_google_may_have_closed_them(
    database: Database, sql_uow: UnitOfWork
) -> None:
    user_id = await some_user(sql_uow)
    open_one = Channel(
        user_id=user_id,
        id=f"{user_id.hex}{new_id().hex}",
        calendar_id="primary",
        token_hash="hash",
        status=ChannelStatus.ACTIVE,
        created_at=NOW,
        resource_id="resource",
        expires_at=NOW + timedelta(days=7),
    )
    async with sql_uow() as tx:
        await tx.channels.add(open_one)
    await continue_after_restore(database, now=LATER)
    async with sql_uow.reading() as tx:
        wanting = await tx.channels.calendars_without(now=LATER, renew_before=LATER, limit=10)
        retiring = await tx.channels.retiring(now=LATER, opened_before=NOW, limit=10)
    assert wanting == [(user_id, "primary")]
    assert retiring == [replace(open_one, status=ChannelStatus.RETIRING)]
