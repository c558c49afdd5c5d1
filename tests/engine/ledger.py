"""Who wrote what having seen what, and a judge of how it ended that does not ask the engine.

Every edit writes a value that nothing else writes and notes which value its author saw. At the end each edit
must be accounted for: it stands, or an edit that had seen it replaced it, or its value is kept in a conflict,
or a person who saw it deleted the thing or settled the conflict.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.core.records import SyncState
from services.core.slots import AllDay, Schedule, Timed, content_to_document
from services.slot_scopes import SlotAddress
from tests.engine.world import START, USER

if TYPE_CHECKING:
    from services.core.records import ConflictRecord, Slot
    from services.core.slots import SlotContent
    from tests.engine.world import World

FIELDS = {"title": "summary", "location": "location", "description": "description", "schedule": "start"}
"""The fields that both sides edit, with Google's names."""


def local_value(content: SlotContent, name: str) -> str:
    """What the app shows in a field."""
    if name == "schedule":
        return content.schedule.span.start.isoformat()
    return str(getattr(content, name))


def remote_value(event: dict[str, Any], name: str) -> str:
    """What Google shows in a field."""
    if name != "schedule":
        return str(event.get(FIELDS[name], ""))
    start = event["start"]
    if "date" in start:
        return str(start["date"])
    return datetime.fromisoformat(start["dateTime"]).astimezone(UTC).isoformat()


def conflict_values(conflict: ConflictRecord) -> tuple[str, str]:
    """What a conflict keeps: the losing and the winning value."""

    def value(stored: Any) -> str:
        return str(stored["start"] if conflict.group == "schedule" else stored)

    return value(conflict.losing_value), value(conflict.winning_value)


@dataclass(slots=True)
class Ledger:
    """Every value that anybody wrote, with the value that its author saw in the same field."""

    saw: dict[str, str] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    """Values that a person saw and decided about: by deleting the thing, or by settling a conflict."""
    reasserted: set[str] = field(default_factory=set)
    """Values that a person brought back with a deleted thing, whatever was written since."""
    late: bool = False
    """Whether a write of ours reached Google long after it was given up, and still met its condition.

    Google dates it by its arrival, so it may look later than an edit that had seen it; that one is then kept
    in a conflict.
    """

    def write(self, name: str, *, saw: str) -> str:
        """A value never written before."""
        number = len(self.saw)
        if name != "schedule":
            value = f"{name}-{number}"
        elif number % 3:
            value = (START + timedelta(minutes=number)).isoformat()
        else:
            value = (START.date() + timedelta(days=number)).isoformat()
        self.note(value, saw=saw)
        return value

    def note(self, value: str, *, saw: str = "") -> None:
        """Remember that somebody wrote `value`, having seen `saw`."""
        assert value not in self.saw, f"{value} was written before"
        self.saw[value] = saw

    def descends(self, value: str, ancestor: str) -> bool:
        """Whether the author of `value` had, perhaps through others, seen `ancestor`."""
        while value in self.saw:
            if value == ancestor:
                return True
            value = self.saw[value]
        return value == ancestor


def schedule_of(value: str) -> Schedule:
    """The schedule that begins at a value of the ledger."""
    if "T" in value:
        start = datetime.fromisoformat(value)
        return Schedule(Timed(start, start + timedelta(hours=1), "UTC"))
    day = date.fromisoformat(value)
    return Schedule(AllDay(day, day + timedelta(days=1)))


def google_times(value: str) -> dict[str, Any]:
    """The same, in Google's words; what the other kind of time had is removed."""
    if "T" in value:
        end = (datetime.fromisoformat(value) + timedelta(hours=1)).isoformat()
        return {
            "start": {"dateTime": value, "timeZone": "UTC", "date": None},
            "end": {"dateTime": end, "timeZone": "UTC", "date": None},
        }
    end = (date.fromisoformat(value) + timedelta(days=1)).isoformat()
    none = {"dateTime": None, "timeZone": None}
    return {"start": {"date": value, **none}, "end": {"date": end, **none}}


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
    kept = standing | ledger.settled | {conflict_values(conflict)[0] for conflict in conflicts}
    for value in ledger.saw:
        assert any(ledger.descends(each, value) for each in kept), f"{value} was lost"
        if ledger.late or any(ledger.descends(each, value) for each in ledger.settled):
            continue
        for stands in standing - ledger.reasserted - {"", value}:
            assert not ledger.descends(value, stands), f"{value} lost to {stands}, which it had seen"
    for title in titles:
        copies = [each for each in standing if each and ledger.descends(each, title)]
        assert len(copies) <= 1, f"{title} stands twice"
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
