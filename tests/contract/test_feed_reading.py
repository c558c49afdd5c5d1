"""What a calendar feed reads of the slots, over every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from services.core.records import CancelledInstance, EventKind, ZoneUse
from services.core.slots import Schedule, SlotContent, Timed
from tests.contract.records import HOUR, NOW, all_day, new_id, slot, some_user, stored, synced, timed

if TYPE_CHECKING:
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

    def exception(name: str, original: str | None, **fields):
        known = synced(user_id, name, **fields)
        assert known.google is not None
        copy = replace(
            known.google,
            kind=EventKind.EXCEPTION,
            recurring_event_id="lecture",
            original_start=original,
        )
        return replace(known, google=copy)

    gone = {"deleted_at": NOW, "base": None}
    await stored(
        uow,
        exception("moved", "2026-03-02T09:00:00+01:00"),
        replace(exception("cancelled", "2026-03-09T09:00:00+01:00"), **gone),
        replace(exception("cancelled too", "2026-03-16", calendar_id="work"), **gone),
        replace(exception("unreadable", "some day"), **gone),
        replace(exception("nowhere", None), **gone),
        slot(user_id, deleted_at=NOW),
    )
    async with uow.reading() as tx:
        found = await tx.feeds.cancelled_instances(user_id)
        assert sorted(found, key=lambda each: each.original_start) == [
            CancelledInstance("primary", "lecture", "2026-03-09T09:00:00+01:00"),
            CancelledInstance("work", "lecture", "2026-03-16"),
        ]
        assert await tx.feeds.cancelled_instances(new_id()) == []


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
