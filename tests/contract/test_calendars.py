"""Sync states, leases and channels, over every store."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from services.core.calendar_entry import CalendarEntry
from services.core.calendars import (
    LONG_AGO,
    CalendarStatus,
    CalendarSync,
    Channel,
    ChannelStatus,
    Cursor,
    HoldRecord,
    SyncCounters,
    SyncError,
)
from services.core.errors import LeaseLostError
from services.core.records import ConflictRecord
from tests.contract.records import HOUR, MINUTE, NOW, new_id, slot, some_user, stored

if TYPE_CHECKING:
    from services.core.storage import UnitOfWork

LEASE = NOW + 2 * MINUTE
FULL: dict[str, Any] = {
    "cursor": Cursor("token", 3, "page", 7),
    "time_zone": "Europe/Berlin",
    "counters": SyncCounters(1, 2, 3, 4, 5, 6),
    "progress": (5, None),
}
TRAITS: dict[str, Any] = {
    "push_supported": False,
    "is_default": True,
    "entry": CalendarEntry(
        id="work@group.calendar.google.com",
        summary="Work\N{WHITE HEAVY CHECK MARK}",
        time_zone="Asia/Tokyo",
        access_role="writer",
        color_id="14",
        background_color="#9fe1e7",
    ),
}
OUTCOME: dict[str, Any] = {
    "not_before": NOW + MINUTE,
    "attempts": 2,
    "last_error": SyncError("quota", "slow\0 down", NOW),
    "last_success_at": NOW - HOUR,
}


async def calendar_of(uow: UnitOfWork, user_id, calendar_id: str = "primary") -> CalendarSync:
    async with uow.reading() as tx:
        found = await tx.calendars.find(user_id, calendar_id)
    assert found is not None
    return found


async def claim(uow: UnitOfWork, *, now=NOW, lease_until=LEASE, owner="one"):
    async with uow() as tx:
        return await tx.calendars.claim(owner=owner, now=now, lease_until=lease_until)


async def test_a_calendar_comes_back_as_it_was(uow: UnitOfWork) -> None:
    user_id = await some_user(uow, "b", "a", "B")
    full = CalendarSync(
        user_id=user_id,
        calendar_id="c",
        status=CalendarStatus.DISCONNECTED,
        due_at=NOW,
        pull_due_at=NOW + HOUR,
        dirty_seq=4,
        done_seq=3,
        lease_owner="me",
        lease_until=LEASE,
        epoch=9,
        last_notified_at=NOW,
        **FULL,
        **OUTCOME,
        **TRAITS,
    )
    async with uow() as tx:
        await tx.calendars.add(full)
    assert await calendar_of(uow, user_id, "c") == full
    async with uow.reading() as tx:
        assert [each.calendar_id for each in await tx.calendars.all_of(user_id)] == ["B", "a", "b", "c"]
        assert await tx.calendars.find(user_id, "d") is None
        assert await tx.calendars.find(new_id(), "a") is None


async def test_a_trigger_makes_due(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    async with uow() as tx:
        claimed = await tx.calendars.claim(owner="one", now=NOW, lease_until=LEASE)
        assert claimed is not None
        await tx.calendars.release(
            claimed, replace(claimed.calendar, due_at=NOW + HOUR, pull_due_at=NOW + HOUR), now=NOW
        )
    async with uow() as tx:
        assert await tx.calendars.mark_due(user_id, "primary", now=NOW, pull=False) == 1
        assert await tx.calendars.mark_due(user_id, "primary", now=NOW + MINUTE, pull=False) == 2
        assert await tx.calendars.mark_due(user_id, "other", now=NOW, pull=False) is None
    found = await calendar_of(uow, user_id)
    assert (found.due_at, found.pull_due_at, found.dirty_seq) == (NOW, NOW + HOUR, 2)
    async with uow() as tx:
        assert await tx.calendars.mark_due(user_id, "primary", now=NOW, pull=True) == 3
        assert await tx.calendars.note_notified(user_id, "primary", now=NOW + MINUTE)
        assert not await tx.calendars.note_notified(user_id, "other", now=NOW)
    found = await calendar_of(uow, user_id)
    assert (found.pull_due_at, found.dirty_seq, found.last_notified_at) == (NOW, 4, NOW + MINUTE)
    async with uow() as tx:
        await tx.calendars.set_status(user_id, CalendarStatus.DISCONNECTED, now=NOW)
        assert await tx.calendars.mark_due(user_id, "primary", now=NOW, pull=True) is None
        assert not await tx.calendars.note_notified(user_id, "primary", now=NOW)


async def test_who_waited_longest_comes_first(uow: UnitOfWork) -> None:
    user_id = await some_user(uow, "none")
    dues = {"late": NOW + HOUR, "second": NOW, "first": NOW - HOUR, "blocked": LONG_AGO, "off": LONG_AGO}
    async with uow() as tx:
        await tx.calendars.claim(owner="x", now=NOW, lease_until=NOW + 9 * HOUR)
        for calendar_id, due_at in dues.items():
            await tx.calendars.add(
                CalendarSync(
                    user_id=user_id,
                    calendar_id=calendar_id,
                    due_at=due_at,
                    not_before=NOW + 2 * HOUR if calendar_id == "blocked" else LONG_AGO,
                    status=CalendarStatus.DISCONNECTED if calendar_id == "off" else CalendarStatus.ACTIVE,
                )
            )
    async with uow.reading() as tx:
        assert await tx.calendars.next_due_at() == NOW - HOUR
    for expected in ("first", "second"):
        claimed = await claim(uow, lease_until=NOW + 9 * HOUR)
        assert claimed is not None
        assert claimed.calendar_id == expected
        assert claimed.calendar == await calendar_of(uow, user_id, expected)
        assert (claimed.epoch, claimed.calendar.lease_owner) == (1, "one")
    assert await claim(uow) is None
    async with uow.reading() as tx:
        assert await tx.calendars.next_due_at() == NOW + HOUR
    assert (await claim(uow, now=NOW + HOUR, lease_until=NOW + 9 * HOUR)).calendar_id == "late"
    async with uow.reading() as tx:
        assert await tx.calendars.next_due_at() == NOW + 2 * HOUR


async def test_nothing_is_due_when_there_is_nothing(uow: UnitOfWork) -> None:
    async with uow.reading() as tx:
        assert await tx.calendars.next_due_at() is None
    assert await claim(uow) is None


async def test_a_lease_keeps_others_away_until_it_runs_out(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    first = await claim(uow)
    assert await claim(uow, now=LEASE - MINUTE) is None
    async with uow() as tx:
        await tx.calendars.renew(first, lease_until=LEASE + MINUTE)
    assert await claim(uow, now=LEASE) is None
    second = await claim(uow, owner="two", now=LEASE + MINUTE, lease_until=LEASE + HOUR)
    assert (second.epoch, second.calendar.lease_owner) == (2, "two")
    before = await calendar_of(uow, user_id)
    calendar = replace(first.calendar, time_zone="Mars/Olympus")
    with pytest.raises(LeaseLostError):
        async with uow() as tx:
            await tx.calendars.renew(first, lease_until=LEASE)
    with pytest.raises(LeaseLostError):
        async with uow() as tx:
            await tx.calendars.save_progress(first, calendar)
    with pytest.raises(LeaseLostError) as lost:
        async with uow() as tx:
            await tx.calendars.release(first, calendar, now=LEASE)
    assert (lost.value.user_id, lost.value.calendar_id, lost.value.epoch) == (user_id, "primary", 1)
    assert await calendar_of(uow, user_id) == before


async def test_renewing_locks_the_user(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    await stored(uow, slot(user_id), slot(user_id))
    claimed = await claim(uow)
    async with uow() as tx:
        await tx.calendars.renew(claimed, lease_until=LEASE)
        (third,) = await tx.slots.add([slot(user_id)])
    assert third.seq == 3
    assert [each.seq for each in await stored(uow, slot(user_id))] == [4]


async def test_progress_is_stored_and_nothing_else(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    claimed = await claim(uow)
    async with uow() as tx:
        await tx.calendars.save_progress(claimed, replace(claimed.calendar, due_at=LEASE, **FULL, **OUTCOME))
    assert await calendar_of(uow, user_id) == replace(claimed.calendar, **FULL)


async def test_a_quiet_release_takes_the_times_of_the_run(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    async with uow() as tx:
        await tx.calendars.mark_due(user_id, "primary", now=NOW, pull=True)
    claimed = await claim(uow)
    calendar = replace(
        claimed.calendar, due_at=NOW + HOUR, pull_due_at=NOW + 2 * HOUR, **FULL, **OUTCOME | {"attempts": 0}
    )
    async with uow() as tx:
        await tx.calendars.release(claimed, calendar, now=NOW)
    expected = replace(calendar, lease_owner=None, lease_until=LONG_AGO)
    assert await calendar_of(uow, user_id) == expected
    async with uow.reading() as tx:
        assert await tx.calendars.next_due_at() == NOW + HOUR


async def test_a_trigger_during_the_run_makes_due_again(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    claimed = await claim(uow)
    async with uow() as tx:
        await tx.calendars.mark_due(user_id, "primary", now=NOW, pull=False)
    run = replace(claimed.calendar, due_at=NOW + HOUR, pull_due_at=NOW + HOUR)
    async with uow() as tx:
        await tx.calendars.release(claimed, run, now=NOW + MINUTE)
    found = await calendar_of(uow, user_id)
    assert (found.due_at, found.pull_due_at) == (NOW + MINUTE, NOW + MINUTE)
    assert (found.dirty_seq, found.done_seq) == (1, 0)
    assert await claim(uow, now=NOW + MINUTE, lease_until=LEASE) is not None


async def test_a_run_says_itself_what_it_has_done(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    async with uow() as tx:
        await tx.calendars.mark_due(user_id, "primary", now=NOW, pull=False)
    claimed = await claim(uow)
    async with uow() as tx:
        await tx.calendars.release(claimed, replace(claimed.calendar, **OUTCOME, done_seq=1), now=NOW)
    assert (await calendar_of(uow, user_id)).done_seq == 1
    assert await claim(uow, now=NOW) is None
    assert await claim(uow, now=OUTCOME["not_before"]) is not None


async def test_a_calendar_that_becomes_active_again_waits_for_nothing(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    async with uow() as tx:
        await tx.calendars.mark_due(user_id, "primary", now=NOW, pull=False)
    claimed = await claim(uow)
    async with uow() as tx:
        await tx.calendars.release(claimed, replace(claimed.calendar, **OUTCOME), now=NOW)
        await tx.calendars.set_status(user_id, CalendarStatus.ACTIVE, now=NOW)
    assert (await calendar_of(uow, user_id)).attempts == 0
    assert await claim(uow, now=NOW) is not None


async def test_a_status_ends_leases(uow: UnitOfWork) -> None:
    user_id = await some_user(uow, "a", "b")
    claimed = await claim(uow)
    async with uow() as tx:
        await tx.calendars.release(
            claimed, replace(claimed.calendar, due_at=LEASE, pull_due_at=LEASE), now=NOW
        )
    again = await claim(uow)
    async with uow() as tx:
        await tx.calendars.set_status(user_id, CalendarStatus.REAUTHORISATION_REQUIRED, now=NOW)
    with pytest.raises(LeaseLostError):
        async with uow() as tx:
            await tx.calendars.renew(again, lease_until=LEASE)
    assert await claim(uow, now=LEASE + HOUR) is None
    async with uow.reading() as tx:
        assert await tx.calendars.next_due_at() is None
    async with uow() as tx:
        await tx.calendars.set_status(user_id, CalendarStatus.ACTIVE, now=NOW)
    found = await calendar_of(uow, user_id, claimed.calendar_id)
    assert (found.due_at, found.pull_due_at, found.epoch, found.lease_owner) == (NOW, NOW, 3, None)
    assert await claim(uow) is not None
    assert await claim(uow) is not None


async def test_an_update_leaves_lease_and_triggers_alone(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    before = await calendar_of(uow, user_id)
    claimed = await claim(uow)
    async with uow() as tx:
        await tx.calendars.note_notified(user_id, "primary", now=NOW)
    async with uow() as tx:
        await tx.calendars.update(
            replace(before, due_at=LEASE, dirty_seq=99, epoch=99, **FULL, **OUTCOME, **TRAITS)
        )
    told = {"dirty_seq": 1, "pull_due_at": LONG_AGO, "last_notified_at": NOW}
    expected = replace(claimed.calendar, **told, **FULL, **OUTCOME, **TRAITS)
    assert await calendar_of(uow, user_id) == expected
    async with uow() as tx:
        await tx.calendars.update(replace(expected, status=CalendarStatus.DISCONNECTED))
    assert await claim(uow, now=NOW + 9 * HOUR) is None


async def test_no_two_claim_the_same(uow: UnitOfWork) -> None:
    for _ in range(3):
        await some_user(uow, *"abcdefgh")
    claimed: Counter[object] = Counter()

    async def worker() -> None:
        while (got := await claim(uow)) is not None:
            claimed[got.user_id, got.calendar_id] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(worker())
    assert len(claimed) == 24
    assert set(claimed.values()) == {1}


async def test_what_no_run_changes_is_stored_beside_one(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    before = await calendar_of(uow, user_id)
    claimed = await claim(uow)
    async with uow() as tx:
        await tx.calendars.save_progress(claimed, replace(claimed.calendar, **FULL))
        await tx.calendars.save_traits(replace(before, **OUTCOME, **TRAITS))
        await tx.calendars.save_traits(replace(before, calendar_id="none"))
    found = await calendar_of(uow, user_id)
    assert found == replace(claimed.calendar, **FULL, **TRAITS)
    async with uow() as tx:
        await tx.calendars.release(claimed, claimed.calendar, now=NOW)
    assert (await calendar_of(uow, user_id)).entry == TRAITS["entry"]
    async with uow() as tx:
        await tx.calendars.save_traits(replace(found, is_default=False, entry=None))
    assert (await calendar_of(uow, user_id)).entry is None


async def test_what_is_not_selected_stays_so_until_it_is_selected(uow: UnitOfWork) -> None:
    user_id = await some_user(uow, "a", "b")
    async with uow() as tx:
        await tx.calendars.set_status(user_id, CalendarStatus.UNSELECTED, now=NOW, calendar_id="a")
    for status in (CalendarStatus.DISCONNECTED, CalendarStatus.ACTIVE):
        async with uow() as tx:
            await tx.calendars.set_status(user_id, status, now=NOW)
        assert (await calendar_of(uow, user_id, "a")).status is CalendarStatus.UNSELECTED
        assert (await calendar_of(uow, user_id, "b")).status is status
    claimed = await claim(uow)
    assert claimed.calendar_id == "b"
    assert await claim(uow, now=NOW) is None
    async with uow() as tx:
        await tx.calendars.set_status(user_id, CalendarStatus.ACTIVE, now=NOW, calendar_id="a")
        await tx.calendars.renew(claimed, lease_until=LEASE)
    claimed = await claim(uow)
    assert claimed.calendar_id == "a"
    async with uow() as tx:
        await tx.calendars.set_status(user_id, CalendarStatus.UNSELECTED, now=NOW, calendar_id="a")
        await tx.calendars.set_status(user_id, CalendarStatus.ACTIVE, now=NOW, calendar_id="a")
    with pytest.raises(LeaseLostError):
        async with uow() as tx:
            await tx.calendars.renew(claimed, lease_until=LEASE)


def channel(user_id, channel_id: str, **fields) -> Channel:
    known = Channel(user_id, channel_id, "primary", "hash", ChannelStatus.ACTIVE, NOW, "resource", NOW + HOUR)
    return replace(known, **fields)


async def test_a_claim_tells_how_long_google_notifies(uow: UnitOfWork) -> None:
    user_id, other = await some_user(uow), await some_user(uow)
    async with uow() as tx:
        for each in (
            channel(user_id, "first", expires_at=NOW + HOUR),
            channel(user_id, "last", expires_at=NOW + 2 * HOUR),
            channel(user_id, "retiring", expires_at=NOW + 3 * HOUR, status=ChannelStatus.RETIRING),
            channel(user_id, "opening", expires_at=None, status=ChannelStatus.OPENING),
            channel(user_id, "elsewhere", expires_at=NOW + 3 * HOUR, calendar_id="work"),
            channel(other, "opening", expires_at=None, status=ChannelStatus.OPENING),
        ):
            await tx.channels.add(each)

    claims = [await claim(uow), await claim(uow)]

    until = {claimed.user_id: claimed.notified_until for claimed in claims}
    assert until == {user_id: NOW + 2 * HOUR, other: None}


async def test_channels(uow: UnitOfWork) -> None:
    user_id, other = await some_user(uow), await some_user(uow)
    young = channel(user_id, "a", created_at=NOW + MINUTE)
    old = channel(user_id, "b", calendar_id="work", resource_id=None, expires_at=None)
    async with uow() as tx:
        for each in (young, old):
            await tx.channels.add(each)
    changed = replace(old, status=ChannelStatus.RETIRING, resource_id="r", expires_at=NOW)
    async with uow() as tx:
        assert await tx.channels.all_of(user_id) == [old, young]
        assert await tx.channels.all_of(user_id, "work") == [old]
        await tx.channels.update(changed)
        await tx.channels.remove(other, "a")
        await tx.channels.remove(user_id, "none")
    async with uow() as tx:
        assert await tx.channels.find(user_id, "b") == changed
        assert await tx.channels.find(other, "b") is None
        await tx.channels.remove(user_id, "a")
    async with uow.reading() as tx:
        assert await tx.channels.all_of(user_id) == [changed]


async def test_who_needs_a_channel(uow: UnitOfWork) -> None:
    user_id = await some_user(uow, "none", "has", "soon", "opening", "off", "blocked", "never")
    soon = NOW + MINUTE
    async with uow() as tx:
        await tx.channels.add(channel(user_id, "1", calendar_id="has"))
        await tx.channels.add(channel(user_id, "2", calendar_id="soon", expires_at=soon))
        await tx.channels.add(channel(user_id, "3", calendar_id="opening", status=ChannelStatus.OPENING))
        await tx.channels.add(channel(user_id, "4", calendar_id="never", expires_at=None))
        off = await tx.calendars.find(user_id, "off")
        blocked = await tx.calendars.find(user_id, "blocked")
        assert off is not None
        assert blocked is not None
        await tx.calendars.update(replace(off, push_supported=False))
        await tx.calendars.update(replace(blocked, not_before=NOW + HOUR))
    async with uow.reading() as tx:
        found = await tx.channels.calendars_without(now=NOW, renew_before=soon, limit=9)
        assert found == [(user_id, "none"), (user_id, "opening"), (user_id, "soon")]
        assert len(await tx.channels.calendars_without(now=NOW, renew_before=soon, limit=2)) == 2
    async with uow() as tx:
        await tx.calendars.set_status(user_id, CalendarStatus.DISCONNECTED, now=NOW)
        assert await tx.channels.calendars_without(now=NOW, renew_before=soon, limit=9) == []


async def test_who_has_had_its_time(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    retired = channel(user_id, "1", status=ChannelStatus.RETIRING)
    expired = channel(user_id, "2", expires_at=NOW, created_at=NOW - HOUR)
    stuck = channel(user_id, "3", status=ChannelStatus.OPENING, expires_at=None, created_at=NOW - 2 * HOUR)
    opening = channel(user_id, "4", status=ChannelStatus.OPENING, expires_at=None)
    async with uow() as tx:
        for each in (retired, expired, stuck, opening, channel(user_id, "5")):
            await tx.channels.add(each)
    async with uow.reading() as tx:
        found = await tx.channels.retiring(now=NOW, opened_before=NOW - HOUR, limit=9)
        assert found == [stuck, expired, retired]
        assert await tx.channels.retiring(now=NOW, opened_before=NOW - HOUR, limit=1) == [stuck]


async def test_conflicts(uow: UnitOfWork) -> None:
    user_id, other = await some_user(uow), await some_user(uow)
    records = [
        ConflictRecord(
            new_id(), user_id, new_id(), "schedule", "remote", {"start": "\0", "n": [1]}, None, NOW
        )
        for _ in range(4)
    ]
    resolved = replace(records[1], resolved_at=NOW, resolution="loser")
    async with uow() as tx:
        await tx.conflicts.add(list(reversed(records)))
        await tx.conflicts.add([])
        await tx.conflicts.update(resolved)
    async with uow.reading() as tx:
        assert await tx.conflicts.find(user_id, resolved.id) == resolved
        assert await tx.conflicts.find(other, resolved.id) is None
        assert await tx.conflicts.page(user_id, after=None, limit=2) == [records[0], records[2]]
        assert await tx.conflicts.page(user_id, after=records[2].id, limit=2) == [records[3]]
        assert await tx.conflicts.page(other, after=None, limit=2) == []


async def test_holds(uow: UnitOfWork) -> None:
    user_id, other = await some_user(uow), await some_user(uow)
    records = [HoldRecord(new_id(), user_id, "primary", 50, 90, NOW) for _ in range(3)]
    approved = replace(records[0], resolved_at=NOW, resolution="approved")
    async with uow() as tx:
        for record in records:
            await tx.holds.add(record)
        await tx.holds.update(approved)
    async with uow.reading() as tx:
        assert await tx.holds.find(user_id, approved.id) == approved
        assert await tx.holds.find(other, approved.id) is None
        assert await tx.holds.page(user_id, after=None, limit=9) == records[1:]
        assert await tx.holds.page(user_id, after=records[1].id, limit=9) == records[2:]
