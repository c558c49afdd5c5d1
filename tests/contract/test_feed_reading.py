"""What a calendar feed reads of the slots, over every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from services.core.records import CancelledInstance, SeriesLink, ZoneUse
from services.core.slots import Schedule, SlotContent, Timed
from tests.contract.records import HOUR, NOW, all_day, new_id, slot, some_user, stored, synced, timed

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.storage import UnitOfWork

DAY = timedelta(days=1)


def in_zone(timezone: str, start=NOW) -> SlotContent:
    return SlotContent("Meeting", Schedule(Timed(start, start + HOUR, timezone)))


async def test_slots_in_the_order_of_their_ids(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    one, two, gone, three = await stored(
        uow,
        slot(user_id, timed(start=NOW + 2 * DAY)),
        slot(user_id, all_day()),
        slot(user_id, deleted_at=NOW),
        slot(user_id, timed(start=NOW - 2 * DAY)),
    )
    await stored(uow, slot(await some_user(uow)))
    async with uow.reading() as tx:
        assert await tx.feeds.slots(user_id, after=None, limit=2) == [one, two]
        assert await tx.feeds.slots(user_id, after=two.id, limit=2) == [three]
        assert await tx.feeds.slots(user_id, after=gone.id, limit=2) == [three]
        assert await tx.feeds.slots(user_id, after=three.id, limit=2) == []
        assert await tx.feeds.slots(new_id(), after=None, limit=2) == []


async def test_cancelled_instances_are_deleted_exceptions(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)

    lecture, work = new_id(), new_id()
    second, third = datetime(2026, 3, 9, 8, tzinfo=UTC), date(2026, 3, 16)

    def exception(name: str, original: datetime | date, series_id: UUID | None, **fields):
        return replace(synced(user_id, name, **fields), series=SeriesLink(original, series_id, "event"))

    gone = {"deleted_at": NOW, "base": None}
    vanished = replace(exception("vanished", NOW, lecture), google=None)
    await stored(
        uow,
        exception("moved", datetime(2026, 3, 2, 8, tzinfo=UTC), lecture),
        replace(exception("cancelled", second, lecture), **gone),
        replace(exception("cancelled too", third, work, calendar_id="work"), **gone),
        replace(exception("to be cancelled", second, work), deleted_at=NOW, google=None),
        replace(exception("of nobody", second, None), **gone),
        replace(vanished, **gone),
        slot(user_id, deleted_at=NOW),
    )
    async with uow.reading() as tx:
        found = await tx.feeds.cancelled_instances(user_id)
        assert await tx.feeds.cancelled_instances(new_id()) == []
    assert set(found) == {
        CancelledInstance(lecture, second),
        CancelledInstance(work, third),
        CancelledInstance(work, second),
    }


async def test_zones_and_the_time_in_which_they_are_used(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    await stored(
        uow,
        slot(user_id, in_zone("Europe/Paris", NOW + DAY)),
        slot(user_id, in_zone("Europe/Paris", NOW - DAY)),
        slot(user_id, in_zone("Asia/Kathmandu")),
        slot(user_id, in_zone("America/New_York"), deleted_at=NOW),
        slot(user_id, all_day()),
    )
    async with uow.reading() as tx:
        assert await tx.feeds.zones(user_id) == [
            ZoneUse("Asia/Kathmandu", NOW, NOW + HOUR),
            ZoneUse("Europe/Paris", NOW - DAY, NOW + DAY + HOUR),
        ]
        assert await tx.feeds.zones(new_id()) == []


async def test_the_last_sequence_number_grows_with_what_clients_see(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    async with uow.reading() as tx:
        assert await tx.feeds.last_seq(user_id) == 0
    (added,) = await stored(uow, slot(user_id))
    async with uow() as tx:
        await tx.users.lock(user_id)
        await tx.slots.save_silently([replace(added, refetch=True)])
    async with uow.reading() as tx:
        assert await tx.feeds.last_seq(user_id) == 1
    async with uow() as tx:
        await tx.users.lock(user_id)
        await tx.slots.save([added])
    async with uow.reading() as tx:
        assert await tx.feeds.last_seq(user_id) == 2
        assert await tx.feeds.last_seq(new_id()) == 0
