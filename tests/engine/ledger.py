"""How a history of the engine ended, judged without asking the engine."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.core.records import SyncState
from services.core.slots import AllDay, Schedule, Timed, content_to_document
from services.slot_scopes import SlotAddress
from tests.engine.world import USER
from tests.judges.ancestry import FIELDS, judge_ancestry, remote_value

if TYPE_CHECKING:
    from services.core.records import ConflictRecord, Slot
    from services.core.slots import SlotContent
    from tests.engine.world import World
    from tests.judges.ancestry import Ledger


def local_value(content: SlotContent, name: str) -> str:
    """What the app shows in a field."""
    if name == "schedule":
        return content.schedule.span.start.isoformat()
    return str(getattr(content, name))


def conflict_values(conflict: ConflictRecord) -> tuple[str, str]:
    """What a conflict keeps: the losing and the winning value."""

    def value(stored: Any) -> str:
        return str(stored["start"] if conflict.group == "schedule" else stored)

    return value(conflict.losing_value), value(conflict.winning_value)


def schedule_of(value: str) -> Schedule:
    """The schedule that begins at a value of the ledger."""
    if "T" in value:
        start = datetime.fromisoformat(value)
        return Schedule(Timed(start, start + timedelta(hours=1), "UTC"))
    day = date.fromisoformat(value)
    return Schedule(AllDay(day, day + timedelta(days=1)))


async def judge(world: World, ledger: Ledger, titles: list[str]) -> None:
    """Both sides are equal, every edit is accounted for, nothing is doubled, nobody got mail.

    Args:
        world: At rest.
        ledger: Of what was written.
        titles: The first title of each thing that was created.
    """
    slots, events = await world.all_slots(), world.google.events()
    assert {slot.sync_state for slot in slots} <= {SyncState.SYNCED, SyncState.CONFLICT}
    by_event = {slot.google.event_id: slot for slot in slots if slot.google}
    assert len(by_event) == len(slots)
    assert sorted(by_event) == sorted(event["id"] for event in events)
    for event in events:
        content = by_event[event["id"]].content
        for name in FIELDS:
            assert local_value(content, name) == remote_value(event, name)
        overrides = event.get("reminders", {}).get("overrides", [])
        assert [each.minutes for each in content.reminders.overrides] == [
            each["minutes"] for each in overrides
        ]
    conflicts = await world.review.conflicts(USER, after=None, limit=10_000)
    standing = {remote_value(event, name) for event in events for name in FIELDS}
    losers = {conflict_values(conflict)[0] for conflict in conflicts}
    judge_ancestry(ledger, standing=standing, losers=losers, titles=titles)
    assert world.google.call("GET", "/mails")["mails"] == [], "nobody asked for mail"
    await judge_conflicts(world)
    for slot in await world.all_slots(deleted=True):
        await judge_history(world, slot)


async def judge_conflicts(world: World) -> None:
    """Each slot knows how many conflicts of it are open."""
    conflicts = await world.review.conflicts(USER, after=None, limit=10_000)
    of_slot = Counter(conflict.slot_id for conflict in conflicts)
    for slot in await world.all_slots(deleted=True):
        assert slot.open_conflicts == of_slot[slot.id]


async def judge_history(world: World, slot: Slot) -> None:
    """What a slot's history tells leads, change by change, to what the slot is."""
    known: dict[str, Any] = {}
    seqs = []
    for entry in await world.reader.history(USER, SlotAddress(slot.id)):
        seqs.append(entry.seq)
        for name, change in entry.fields.items():
            assert known.setdefault(name, change["before"]) == change["before"], (
                f"a change of {name} is missing"
            )
            known[name] = change["after"]
    assert seqs == sorted(seqs)
    now = {**content_to_document(slot.content), "deleted": slot.deleted_at is not None}
    for name, value in known.items():
        assert now[name] == value, f"the last change of {name} is missing"


async def judge_silence(world: World) -> None:
    """At rest, notifications lead to reading, and reading to nothing."""
    before = [replace(slot, seen_listing=0) for slot in await world.all_slots(deleted=True)]
    events = world.google.events(deleted=True)
    world.google.forget_requests()
    for _ in range(3):
        await world.pull()
    assert [replace(slot, seen_listing=0) for slot in await world.all_slots(deleted=True)] == before
    assert world.google.events(deleted=True) == events
    assert {call["method"] for call in world.google.requests()} == {"GET"}
    assert len(world.google.requests()) == 3
