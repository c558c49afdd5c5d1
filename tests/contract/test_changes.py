"""What the change feed reads of the slots, and what is purged, over every store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.core.calendars import CalendarStatus, CalendarSync
from services.core.changes import Reach
from services.core.records import ConflictRecord, HistoryEntry, SeriesLink, Slot
from tests.contract.records import HOUR, NOW, new_id, slot, some_user, stored, synced, timed

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.storage import UnitOfWork

DAY = timedelta(days=1)
LONG_GONE = NOW - 100 * DAY
DELETED_BY = NOW - 90 * DAY


async def saved(uow: UnitOfWork, *slots: Slot) -> list[Slot]:
    async with uow() as tx:
        await tx.users.lock(slots[0].user_id)
        return await tx.slots.save(slots)


async def seen(uow: UnitOfWork, user_id: UUID, after: int = 0, deletions_from: int = 0, limit: int = 99):
    async with uow.reading() as tx:
        page = await tx.changes.page(user_id, after=after, deletions_from=deletions_from, limit=limit)
    return [(each.slot.id, each.slot.seq, each.appeared_seq) for each in page]


async def reach(uow: UnitOfWork, user_id: UUID) -> Reach | None:
    async with uow.reading() as tx:
        return await tx.changes.reach(user_id)


async def test_each_changed_slot_stands_once_where_it_changed_last(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    one, two, three = await stored(uow, *(slot(user_id) for _ in range(3)))
    await stored(uow, slot(await some_user(uow)))
    assert await seen(uow, user_id) == [(one.id, 1, 1), (two.id, 2, 2), (three.id, 3, 3)]
    (gone,) = await saved(uow, replace(one, deleted_at=NOW))
    assert await seen(uow, user_id, limit=2) == [(two.id, 2, 2), (three.id, 3, 3)]
    assert await seen(uow, user_id, after=3) == [(one.id, 4, 1)]
    assert await seen(uow, user_id, deletions_from=4) == [(two.id, 2, 2), (three.id, 3, 3)]
    await saved(uow, replace(gone, deleted_at=None), two)
    assert await seen(uow, user_id) == [(three.id, 3, 3), (one.id, 5, 5), (two.id, 6, 2)]
    assert await reach(uow, user_id) == Reach(6, 0)
    assert await reach(uow, new_id()) is None
    assert await seen(uow, new_id()) == []


async def test_the_page_has_the_slots_as_they_are(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    [kept] = await stored(uow, synced(user_id, "event", timed("Lecture")))
    async with uow.reading() as tx:
        [changed] = await tx.changes.page(user_id, after=0, deletions_from=0, limit=1)
    assert changed.slot == kept


async def test_what_nobody_sees_moves_nothing(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    [kept] = await stored(uow, slot(user_id))
    async with uow() as tx:
        await tx.users.lock(user_id)
        await tx.slots.save_silently([replace(kept, seen_listing=3)])
    assert await seen(uow, user_id, after=1) == []
    assert await seen(uow, user_id) == [(kept.id, 1, 1)]


async def test_a_number_is_seen_with_its_commit_and_none_before_it_is_missing(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    is_written, may_commit = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with uow() as tx:
            await tx.users.lock(user_id)
            await tx.slots.add([slot(user_id)])
            is_written.set()
            await may_commit.wait()

    async def second() -> None:
        await is_written.wait()
        async with uow() as tx:
            await tx.users.lock(user_id)
            await tx.slots.add([slot(user_id)])

    async with asyncio.TaskGroup() as writers:
        writers.create_task(first())
        writers.create_task(second())
        await is_written.wait()
        assert await seen(uow, user_id) == []
        assert await reach(uow, user_id) == Reach(0, 0)
        may_commit.set()
    assert [seq for _, seq, _ in await seen(uow, user_id)] == [1, 2]


async def one_edit(uow: UnitOfWork, of: Slot) -> None:
    async with uow() as tx:
        await tx.users.lock(of.user_id)
        current = await tx.slots.find(of.user_id, of.id)
        assert current is not None
        await tx.slots.save([replace(current, version=current.version + 1)])


async def test_readers_beside_many_writers_step_over_nothing(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    slots = {each.id: each for each in await stored(uow, *(slot(user_id) for _ in range(8)))}
    writers_left = len(slots)
    news = asyncio.Condition()

    async def writer(own: Slot) -> None:
        nonlocal writers_left
        for _ in range(12):
            await one_edit(uow, own)
            async with news:
                news.notify_all()
        writers_left -= 1
        async with news:
            news.notify_all()

    async def next_commit(found: object) -> None:
        async with news:
            if writers_left and not found:
                await news.wait()

    async def reader() -> dict[UUID, int]:
        known: dict[UUID, int] = {}
        position = 0
        while True:
            are_done = writers_left == 0
            async with uow.reading() as tx:
                found = await tx.changes.page(user_id, after=position, deletions_from=0, limit=3)
            numbers = [position, *(change.slot.seq for change in found)]
            assert numbers == sorted(set(numbers))
            position = numbers[-1]
            known |= {change.slot.id: change.slot.version for change in found}
            if are_done and not found:
                return known
            await next_commit(found)

    async with asyncio.TaskGroup() as people:
        readers = [people.create_task(reader()) for _ in range(3)]
        for each in slots.values():
            people.create_task(writer(each))
    for task in readers:
        assert task.result() == dict.fromkeys(slots, 13)


async def test_a_mark_is_another_one_once_something_changed(uow: UnitOfWork) -> None:
    user_id, other = await some_user(uow), await some_user(uow)

    async def marks() -> dict[UUID, object]:
        async with uow.reading() as tx:
            assert await tx.changes.marks([]) == {}
            return await tx.changes.marks([user_id, other, new_id()])

    before = await marks()
    assert before.keys() == {user_id, other}
    assert await marks() == before
    await stored(uow, slot(user_id))
    after = await marks()
    assert after[user_id] != before[user_id]
    assert after[other] == before[other]
    async with uow() as tx:
        claim = await tx.calendars.claim(owner="me", now=NOW, lease_until=NOW + HOUR)
    assert claim is not None
    claimed = await marks()
    assert claimed[claim.user_id] != after[claim.user_id]
    async with uow() as tx:
        await tx.calendars.release(claim, claim.calendar, now=NOW)
    released = await marks()
    assert released[claim.user_id] != claimed[claim.user_id]
    async with uow() as tx:
        await tx.calendars.set_status(claim.user_id, CalendarStatus.DISCONNECTED, now=NOW)
    assert (await marks())[claim.user_id] != released[claim.user_id]


async def test_calendars_in_which_deletions_are_held(uow: UnitOfWork) -> None:
    user_id = await some_user(uow, "primary", "work")
    await stored(
        uow,
        *(synced(user_id, f"event{n}", calendar_id="work", hold_id=new_id()) for n in range(2)),
        slot(user_id),
    )
    async with uow.reading() as tx:
        assert await tx.changes.holding_calendars(user_id) == {"work"}
        assert await tx.changes.holding_calendars(new_id()) == frozenset()


async def test_pending_slots_are_numbered_anew_in_their_order(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    first, done, gone = await stored(
        uow,
        slot(user_id),
        synced(user_id, "event"),
        replace(synced(user_id, "another"), deleted_at=NOW),
    )
    async with uow() as tx:
        await tx.users.lock(user_id)
        await tx.changes.renumber_pending(user_id)
    assert await seen(uow, user_id) == [(done.id, 2, 2), (first.id, 4, 1), (gone.id, 5, 3)]
    assert await reach(uow, user_id) == Reach(5, 0)
    nobody = await some_user(uow)
    async with uow() as tx:
        await tx.users.lock(nobody)
        await tx.changes.renumber_pending(nobody)
    assert await reach(uow, nobody) == Reach(0, 0)


def gone(user_id: UUID, event_id: str | None = None, **fields: Any) -> Slot:
    """A slot that both sides have had deleted for long."""
    given: dict[str, Any] = {"deleted_at": LONG_GONE, "base": None} | fields
    made = synced(user_id, event_id) if event_id else slot(user_id)
    return replace(made, **given)


def exception(user_id: UUID, event_id: str | None, series: Slot | None, **fields: Any) -> Slot:
    link = SeriesLink(NOW, series.id if series else None, "event")
    return replace(gone(user_id, event_id), series=link, **fields)


async def forget(uow: UnitOfWork, user_id: UUID, limit: int = 99) -> int:
    async with uow() as tx:
        await tx.users.lock(user_id)
        return await tx.changes.forget(user_id, deleted_by=DELETED_BY, limit=limit)


async def left(uow: UnitOfWork, user_id: UUID) -> set[UUID]:
    return {slot_id for slot_id, _, _ in await seen(uow, user_id)}


async def test_what_is_deleted_for_long_is_purged_with_its_history(uow: UnitOfWork) -> None:
    user_id, other = await some_user(uow), await some_user(uow)
    kept, old, fresh, tombstone = await stored(
        uow,
        slot(user_id),
        gone(user_id),
        gone(user_id, deleted_at=DELETED_BY + timedelta(seconds=1)),
        gone(user_id, "event"),
    )
    [of_another] = await stored(uow, gone(other))
    async with uow() as tx:
        await tx.users.lock(user_id)
        for each in (old, kept):
            await tx.slots.save([each], [HistoryEntry(user_id, each.id, 0, NOW, "app", {})])
            settled = ConflictRecord(
                new_id(), user_id, each.id, "title", "local", "a", "b", NOW, NOW, "winner"
            )
            await tx.conflicts.add([settled])
    async with uow.reading() as tx:
        found = await tx.changes.users_with_forgettable(deleted_by=DELETED_BY, limit=9)
        assert set(found) == {user_id, other}
        assert len(await tx.changes.users_with_forgettable(deleted_by=DELETED_BY, limit=1)) == 1
    assert await forget(uow, user_id) == 2
    assert await left(uow, user_id) == {kept.id, fresh.id}
    # The tombstone had number 4, the other one number 5 since its last change.
    assert await reach(uow, user_id) == Reach(6, 5)
    assert tombstone.seq == 4
    async with uow.reading() as tx:
        assert await tx.slots.history(user_id, old.id) == []
        assert len(await tx.slots.history(user_id, kept.id)) == 1
        assert await tx.slots.find(other, of_another.id) == of_another
        assert await tx.changes.users_with_forgettable(deleted_by=DELETED_BY, limit=9) == [other]
    assert await forget(uow, user_id) == 0
    assert await reach(uow, user_id) == Reach(6, 5)


async def test_a_purge_goes_piece_by_piece(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    await stored(uow, *(gone(user_id) for _ in range(3)))
    assert [await forget(uow, user_id, limit=2) for _ in range(3)] == [2, 1, 0]
    assert await reach(uow, user_id) == Reach(3, 3)


async def test_without_the_lock_nothing_is_purged(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    await stored(uow, gone(user_id))
    async with uow() as tx:
        with pytest.raises(RuntimeError, match="lock"):
            await tx.changes.forget(user_id, deleted_by=DELETED_BY, limit=9)


async def test_what_the_sync_or_a_person_still_needs_is_kept(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    content = timed()
    needed = await stored(
        uow,
        gone(user_id, "to be deleted", base=content),
        gone(user_id, "asked", sent=content),
        gone(user_id, "to be read", refetch=True),
        gone(user_id, "held", hold_id=new_id()),
        gone(user_id, "fought over", quarantined_until=NOW),
        gone(user_id, "contested", open_conflicts=1),
    )
    assert await forget(uow, user_id) == 0
    assert await left(uow, user_id) == {each.id for each in needed}
    assert await reach(uow, user_id) == Reach(6, 0)


async def test_what_is_gone_moves_nowhere_and_is_forgotten(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    await stored(uow, gone(user_id, "on its way", moving_to="work"))
    assert await forget(uow, user_id) == 1


async def test_cancelled_instances_are_kept_as_long_as_their_series(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    living = slot(user_id)
    fresh = gone(user_id, deleted_at=NOW)
    undeleted = gone(user_id, "series to be deleted", base=timed())
    old = gone(user_id, "series")
    cancelled = [exception(user_id, f"of{n}", each) for n, each in enumerate((living, fresh, undeleted))]
    orphan = exception(user_id, "orphan", None)
    vanished = exception(user_id, None, living)
    went_along = exception(user_id, "along", old)
    await stored(uow, living, fresh, undeleted, old, *cancelled, orphan, vanished, went_along)
    assert await forget(uow, user_id) == 2
    kept = {each.id for each in (living, fresh, undeleted, *cancelled, orphan)}
    # The series itself goes once nothing refers to it any more.
    assert await left(uow, user_id) == kept | {old.id}
    assert await forget(uow, user_id) == 1
    assert await left(uow, user_id) == kept


async def test_a_series_is_kept_as_long_as_an_exception_lives(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    old = gone(user_id, "series")
    survivor = replace(synced(user_id, "instance"), series=SeriesLink(NOW, old.id, "series"))
    await stored(uow, old, survivor)
    assert await forget(uow, user_id) == 0


async def test_calendars_are_of_no_concern(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    async with uow() as tx:
        await tx.calendars.add(
            CalendarSync(user_id=user_id, calendar_id="left", status=CalendarStatus.UNSELECTED)
        )
    await stored(uow, gone(user_id, "event", calendar_id="left"))
    assert await forget(uow, user_id) == 1
