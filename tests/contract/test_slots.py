"""Slots, over every store."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from persistence.failures import ConstraintError
from services.core.records import (
    HistoryEntry,
    PushFailure,
    SeriesLink,
    Slot,
    SlotCounts,
    SlotQuery,
    SyncState,
)
from tests.contract.records import HOUR, MINUTE, NOW, all_day, new_id, slot, some_user, stored, synced, timed
from tests.strategies import slots as any_slots

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.storage import UnitOfWork

LATER = NOW + 24 * HOUR


def titles(slots) -> list[str]:
    return [each.content.title for each in slots]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=any_slots())
async def test_any_slot_comes_back_as_it_was(uow: UnitOfWork, drawn) -> None:
    user_id = await some_user(uow)
    drawn = replace(drawn, user_id=user_id)
    async with uow() as tx:
        await tx.users.lock(user_id)
        (added,) = await tx.slots.add([drawn])
    async with uow.reading() as tx:
        found = await tx.slots.find(user_id, drawn.id)
        assert found == added == replace(drawn, seq=1)
        queue = await tx.slots.push_queue(user_id, "primary", limit=9)
        assert queue == ([found] if found.push_at is not None else [])
        query = SlotQuery(sync_state=found.sync_state, include_deleted=True)
        assert await tx.slots.page(user_id, query) == [found]
    async with uow() as tx:
        await tx.users.lock(user_id)
        (saved,) = await tx.slots.save([drawn])
    async with uow.reading() as tx:
        assert await tx.slots.find(user_id, drawn.id) == saved == replace(drawn, seq=2)


async def test_nul_characters_are_dropped_alike(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    content = timed("a\0b", description="\0", location="c\0")
    (added,) = await stored(
        uow, slot(user_id, content, base=content, sent=content, failure=PushFailure("r", "d\0", 1, None))
    )
    clean = timed("ab", description="", location="c")
    assert (added.content, added.base, added.sent) == (clean, clean, clean)
    async with uow.reading() as tx:
        assert await tx.slots.find(user_id, added.id) == added
    assert not added.dirty


async def test_without_the_lock_nothing_is_written(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    (added,) = await stored(uow, slot(user_id))
    async with uow() as tx:
        with pytest.raises(RuntimeError, match="lock"):
            await tx.slots.add([slot(user_id)])
        with pytest.raises(RuntimeError, match="lock"):
            await tx.slots.save([added])
        with pytest.raises(RuntimeError, match="lock"):
            await tx.slots.save_silently([added])
        assert await tx.slots.add([]) == await tx.slots.save([]) == []


async def test_sequence_numbers_follow_each_other(uow: UnitOfWork) -> None:
    user_id, other = await some_user(uow), await some_user(uow)
    async with uow() as tx:
        await tx.users.lock(user_id)
        first = await tx.slots.add([slot(user_id) for _ in range(3)])
        await tx.users.lock(user_id)
        changed = await tx.slots.save(first[:2])
    assert [each.seq for each in first + changed] == [1, 2, 3, 4, 5]
    assert [each.seq for each in await stored(uow, slot(other))] == [1]
    async with uow() as tx:
        await tx.users.lock(user_id)
        await tx.slots.save_silently([replace(first[2], refetch=True)])
        (last,) = await tx.slots.save([first[0]])
    assert last.seq == 6
    async with uow.reading() as tx:
        assert await tx.slots.find(user_id, first[2].id) == replace(first[2], refetch=True)


async def test_a_history_comes_in_pieces(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    [kept] = await stored(uow, slot(user_id))
    for _ in range(3):
        async with uow() as tx:
            await tx.users.lock(user_id)
            await tx.slots.save([kept], [HistoryEntry(user_id, kept.id, 0, NOW, "app", {})])
    async with uow.reading() as tx:
        every = await tx.slots.history(user_id, kept.id)
        assert [each.seq for each in every] == [2, 3, 4]
        assert await tx.slots.history(user_id, kept.id, limit=2) == every[:2]
        assert await tx.slots.history(user_id, kept.id, after=3, limit=2) == every[2:]
        assert await tx.slots.history(user_id, kept.id, after=2) == every[1:]
        assert await tx.slots.history(user_id, kept.id, after=4) == []


async def test_concurrent_writers_leave_no_gap_and_lose_nothing(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    (counter,) = await stored(uow, slot(user_id))
    numbers: list[int] = []

    async def writer() -> None:
        for _ in range(5):
            async with uow() as tx:
                await tx.users.lock(user_id)
                current = await tx.slots.find(user_id, counter.id)
                assert current is not None
                (saved,) = await tx.slots.save([replace(current, version=current.version + 1)])
                (added,) = await tx.slots.add([slot(user_id)])
            numbers.extend((saved.seq, added.seq))

    async with asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(writer())
    assert sorted(numbers) == list(range(2, 162))
    async with uow.reading() as tx:
        found = await tx.slots.find(user_id, counter.id)
    assert found is not None
    assert found.version == 81


async def test_users_do_not_see_each_other(uow: UnitOfWork) -> None:
    ada, bob = await some_user(uow), await some_user(uow)
    (hers,) = await stored(uow, synced(ada, "event", hold_id=(hold := new_id())))
    async with uow.reading() as tx:
        assert await tx.slots.find(bob, hers.id) is None
        assert await tx.slots.find_many(bob, [hers.id]) == {}
        assert await tx.slots.find_by_events(bob, "primary", ["event"]) == {}
        assert await tx.slots.page(bob, SlotQuery(include_deleted=True)) == []
        assert await tx.slots.held_by(bob, hold) == []
        assert await tx.slots.counts(bob) == {}
        assert await tx.slots.count_known(bob, "primary") == 0
    async with uow() as tx:
        await tx.slots.mark_seen(bob, [hers.id], 9)
    async with uow.reading() as tx:
        assert await tx.slots.find(ada, hers.id) == hers
    await stored(uow, synced(bob, "event"))


async def test_an_event_belongs_to_one_slot(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    await stored(uow, synced(user_id, "event"), synced(user_id, "event", calendar_id="other"))
    with pytest.raises(ConstraintError):
        await stored(uow, synced(user_id, "event"))


async def test_slots_of_events(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    known = await stored(uow, *(synced(user_id, f"event-{number}") for number in range(2_500)))
    await stored(uow, synced(user_id, "event-1", calendar_id="other"), slot(user_id))
    async with uow.reading() as tx:
        wanted = [f"event-{number}" for number in range(0, 5_000, 2)]
        found = await tx.slots.find_by_events(user_id, "primary", wanted)
        assert found == {f"event-{number}": known[number] for number in range(0, 2_500, 2)}
        assert await tx.slots.find_by_events(user_id, "primary", []) == {}
        ids = [each.id for each in known[:40]]
        assert await tx.slots.find_many(user_id, [*ids, new_id()]) == {each.id: each for each in known[:40]}
        assert await tx.slots.find_many(user_id, []) == {}


async def test_a_listing_shows_what_is_missing(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    kept, missed, edited, held, deleted, never = await stored(
        uow,
        *(synced(user_id, name) for name in "ab"),
        replace(synced(user_id, "c"), content=timed("Edited")),
        synced(user_id, "d", hold_id=new_id()),
        synced(user_id, "e", deleted_at=NOW),
        slot(user_id),
    )
    coming_back = replace(synced(user_id, "f"), base=None)
    await stored(uow, coming_back, synced(user_id, "f", calendar_id="other"))
    async with uow() as tx:
        await tx.slots.mark_seen(user_id, [kept.id, new_id()], 1)
        await tx.slots.mark_seen(user_id, [], 1)
    async with uow.reading() as tx:
        assert await tx.slots.find(user_id, kept.id) == replace(kept, seen_listing=1)
        missing = await tx.slots.missing_from(user_id, "primary", listing=1, limit=None)
        assert missing == [missed, edited]
        assert await tx.slots.missing_from(user_id, "primary", listing=1, limit=1) == [missed]
        assert await tx.slots.count_missing(user_id, "primary", listing=1) == 2
        assert await tx.slots.count_known(user_id, "primary") == 4
        assert held.hold_id is not None
        assert await tx.slots.held_by(user_id, held.hold_id) == [held]
    assert {deleted.google is None, never.google is None} == {True, False}


async def test_the_push_queue(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    soon, late = NOW + MINUTE, NOW + HOUR
    retried, fresh, quiet, given_up, waiting, fresh_too, held = await stored(
        uow,
        slot(user_id, failure=PushFailure("r", "d", 1, soon)),
        slot(user_id),
        synced(user_id, "a"),
        slot(user_id, failure=PushFailure("r", "d", 9, None)),
        slot(user_id, quarantined_until=late),
        slot(user_id),
        slot(user_id, hold_id=new_id()),
    )
    await stored(uow, slot(user_id, calendar_id="other"))
    async with uow.reading() as tx:
        queue = await tx.slots.push_queue(user_id, "primary", limit=9)
        assert queue == [fresh, fresh_too, retried, waiting]
        assert await tx.slots.push_queue(user_id, "primary", limit=1) == [fresh]
    assert (quiet.push_at, given_up.push_at, held.push_at) == (None, None, None)


async def test_pages_are_stable(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    everything = [slot(user_id, timed(str(number), NOW + (number % 7) * HOUR)) for number in range(40)]
    everything += [slot(user_id, all_day(f"day {number}")) for number in range(5)]
    random.Random(7).shuffle(everything)
    await stored(uow, *everything)
    seen: list = []
    query = SlotQuery(limit=7)
    async with uow.reading() as tx:
        while page := await tx.slots.page(user_id, query):
            seen += page
            position = (page[-1].content.schedule.sort_start, page[-1].id)
            query = replace(query, after=position)
    order = sorted(everything, key=lambda each: (each.content.schedule.sort_start, each.id))
    assert [each.id for each in seen] == [each.id for each in order]


async def test_windows_overlap(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    await stored(
        uow,
        slot(user_id, timed("before", NOW - 2 * HOUR)),
        slot(user_id, timed("ends at it", NOW - HOUR)),
        slot(user_id, timed("into it", NOW - HOUR, 90 * MINUTE)),
        slot(user_id, timed("across", NOW - HOUR, 9 * HOUR)),
        slot(user_id, timed("in it", NOW + MINUTE, MINUTE)),
        slot(user_id, timed("starts at its end", NOW + HOUR)),
        slot(user_id, all_day("yesterday", date(2026, 5, 3))),
        slot(user_id, all_day("today", date(2026, 5, 4))),
        slot(user_id, all_day("all week", date(2026, 5, 1), days=7)),
        slot(user_id, all_day("tomorrow", date(2026, 5, 5))),
    )
    midnight = NOW.replace(hour=0)
    timed_only = SlotQuery(starts_before=NOW + HOUR, ends_after=NOW)
    async with uow.reading() as tx:

        async def found(query: SlotQuery) -> set[str]:
            return set(titles(await tx.slots.page(user_id, query)))

        days = {"yesterday", "today", "all week", "tomorrow"}
        assert await found(timed_only) - days == {"into it", "across", "in it"}
        assert await found(timed_only) & days == days
        both = replace(
            timed_only,
            all_day_starts_before=midnight + timedelta(days=1),
            all_day_ends_after=midnight,
        )
        assert await found(both) == {"into it", "across", "in it", "today", "all week"}


async def test_filters(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    await stored(
        uow,
        slot(user_id, timed("Straße 100%", description="mit ÄRGER", location="Café_1")),
        synced(user_id, "a", timed("other"), calendar_id="work"),
        slot(user_id, timed("gone"), deleted_at=NOW),
        slot(user_id, timed("broken"), failure=PushFailure("r", "d", 1, NOW)),
    )
    async with uow.reading() as tx:

        async def found(**filters) -> list[str]:
            return sorted(titles(await tx.slots.page(user_id, SlotQuery(**filters))))

        street = ["Straße 100%"]
        assert await found() == ["Straße 100%", "broken", "other"]
        assert await found(include_deleted=True) == ["Straße 100%", "broken", "gone", "other"]
        for text in ("strasse", "STRASSE", "100%", "Ärger", "CAFÉ_1", "ße 1"):
            assert await found(text=text) == street, text
        assert await found(text="%") == street
        assert await found(text="_") == street
        assert await found(text="100% mit") == []
        assert await found(calendar_id="work") == ["other"]
        assert await found(source="google") == ["other"]
        assert await found(sync_state=SyncState.FAILED) == ["broken"]
        assert await found(sync_state=SyncState.LOCAL_ONLY) == []
        assert await found(limit=1, text="o") == ["broken"] or await found(limit=1, text="o") == ["other"]


async def test_series_and_exceptions_are_found_apart(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    weekly = replace(timed("Weekly"), schedule=replace(timed().schedule, recurrence=("RRULE:FREQ=WEEKLY",)))
    series, single = await stored(uow, synced(user_id, "series", weekly), slot(user_id, timed("Single")))

    def exception(name: str, original: datetime | date, series_id: UUID | None) -> Slot:
        link = SeriesLink(original, series_id, "series")
        return replace(synced(user_id, name, timed(name)), series=link)

    moved, cancelled, later = await stored(
        uow,
        exception("moved", datetime(2026, 3, 9, 8, tzinfo=UTC), series.id),
        replace(exception("cancelled", date(2026, 3, 10), series.id), deleted_at=NOW, base=None),
        exception("later", datetime(2026, 3, 16, 8, tzinfo=UTC), None),
    )
    [vanished] = await stored(
        uow,
        replace(
            exception("vanished", datetime(2026, 3, 11, 8, tzinfo=UTC), series.id),
            deleted_at=NOW,
            base=None,
            google=None,
        ),
    )
    async with uow.reading() as tx:
        assert await tx.slots.page(user_id, SlotQuery(recurring=True)) == [series]
        others = await tx.slots.page(user_id, SlotQuery(recurring=False))
        assert {each.id for each in others} == {single.id, moved.id, later.id}
        found = await tx.slots.replaced_instances(
            user_id,
            starts_from=datetime(2026, 3, 9, 8, tzinfo=UTC),
            starts_before=datetime(2026, 3, 16, 8, tzinfo=UTC),
        )
        bound = await tx.slots.exceptions_of(user_id, {series.id})
        orphans = await tx.slots.orphans(user_id, series.calendar_id, {"series", "another"})
        assert await tx.slots.orphans(user_id, "another", {"series"}) == []
        assert await tx.slots.exceptions_of(user_id, {single.id}) == []
    # One that is gone from Google without being cancelled stands for nothing.
    assert {key: set(names) for key, names in found.items()} == {series.id: {"20260309T080000Z", "20260310"}}
    assert bound == sorted([moved, cancelled, vanished], key=lambda each: each.id)
    assert orphans == [later]


async def test_counts(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    await stored(
        uow,
        slot(user_id),
        slot(user_id, failure=PushFailure("r", "d", 1, NOW), open_conflicts=2),
        slot(user_id, quarantined_until=NOW),
        synced(user_id, "a", hold_id=new_id()),
        synced(user_id, "b", open_conflicts=1),
        synced(user_id, "c", deleted_at=NOW),
        synced(user_id, "d", calendar_id="work"),
    )
    async with uow.reading() as tx:
        assert await tx.slots.counts(user_id) == {
            "primary": SlotCounts(total=5, pending=2, failed=1, conflicts=2, quarantined=1, held=1),
            "work": SlotCounts(total=1),
        }


async def test_history_carries_the_number_of_its_change(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    first, second = await stored(uow, slot(user_id), slot(user_id))
    fields = {"title": {"before": "a", "after": "b\0"}}

    def entry(of, origin) -> HistoryEntry:
        return HistoryEntry(user_id, of.id, 0, NOW, origin, fields)

    async with uow() as tx:
        await tx.users.lock(user_id)
        await tx.slots.save([first], [entry(first, "app")])
        await tx.slots.save([second, first], [entry(first, "google"), entry(first, "merge")])
    async with uow.reading() as tx:
        history = await tx.slots.history(user_id, first.id)
        assert [(each.seq, each.origin) for each in history] == [(3, "app"), (5, "google"), (5, "merge")]
        assert history[0] == replace(entry(first, "app"), seq=3)
        assert await tx.slots.history(user_id, second.id) == []
