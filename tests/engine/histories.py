"""Random histories of two sides and a faulty line between them, and a judge that does not ask the engine.

Every edit writes a value that nothing else writes and notes which value its author saw. At the end each edit
must be accounted for: it stands, or an edit that had seen it replaced it, or its value is kept in a conflict.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from services.core.records import SyncState
from tests.engine.interruptions import die_at
from tests.engine.world import USER, World, make_world

if TYPE_CHECKING:
    from uuid import UUID

    from services.google.transport import HttpRequest

FIELDS = {"title": "summary", "location": "location", "description": "description"}
FAULTS = ("commit_then_drop", "drop_before", "truncate", "html_503", "not_json")


@dataclass(slots=True)
class Ledger:
    """Every value that anybody wrote, with the value that its author saw in the same field."""

    saw: dict[str, str] = field(default_factory=dict)
    where: dict[str, Any] = field(default_factory=dict)
    """On which slot (by id) or event (by id) a value was written."""
    deletions: list[frozenset[str]] = field(default_factory=list)
    """The values that the deleter of something saw."""

    def write(self, thing: Any, name: str, *, saw: str) -> str:
        """A value never written before."""
        value = f"{name}-{len(self.saw)}"
        self.note(value, thing, saw=saw)
        return value

    def note(self, value: str, thing: Any, *, saw: str = "") -> None:
        """Remember who wrote what, having seen what."""
        self.saw[value] = saw
        self.where[value] = thing

    def descends(self, value: str, ancestor: str) -> bool:
        """Whether the author of `value` had, perhaps through others, seen `ancestor`."""
        while value in self.saw:
            if value == ancestor:
                return True
            value = self.saw[value]
        return value == ancestor


@dataclass(slots=True)
class History:
    """One random history."""

    world: World
    dice: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    slots: list[UUID] = field(default_factory=list)
    google_born: set[str] = field(default_factory=set)

    async def play(self, steps: int) -> None:
        """Let both sides act, the line fail and the process die."""
        self.world.transport.before = self.world.transport.after = self._meanwhile
        for _ in range(steps):
            await self._step()
            self.world.clock.advance(timedelta(milliseconds=self.dice.randrange(1, 3000)))
        self.world.google.call("DELETE", "/faults")
        self.world.transport.before = self.world.transport.after = None
        await self.world.settle(within=timedelta(minutes=40))
        await self.world.pull()

    async def _step(self) -> None:
        match self.dice.choice(
            ["app", "app", "google", "google", "sync", "sync", "sync", "fault", "create", "born", "drop"]
        ):
            case "app":
                await self._app_edits()
            case "google":
                self._google_edits()
            case "sync":
                await self._sync()
            case "fault":
                self.world.google.fault(self.dice.choice(FAULTS), skip=self.dice.randrange(3))
            case "create":
                await self._app_creates()
            case "born":
                self._google_creates()
            case _:
                await self._delete()

    async def _meanwhile(self, request: HttpRequest) -> None:
        """Somebody edits while a call is under way."""
        del request
        match self.dice.randrange(12):
            case 0:
                await self._app_edits()
            case 1:
                self._google_edits()
            case _:
                return

    async def _app_creates(self) -> None:
        title = f"app-{len(self.slots)}"
        slot = await self.world.create(title)
        self.slots.append(slot.id)
        self.ledger.note(title, slot.id)

    def _google_creates(self) -> None:
        title = f"google-{len(self.google_born)}"
        event = self.world.google.create(title)
        self.google_born.add(event["id"])
        self.ledger.note(title, event["id"])

    async def _app_edits(self) -> None:
        slots = await self.world.all_slots()
        if not slots:
            return
        slot = self.dice.choice(slots)
        name = self.dice.choice(list(FIELDS))
        value = self.ledger.write(slot.id, name, saw=getattr(slot.content, name))
        await self.world.edit(slot, **{name: value})

    def _google_edits(self) -> None:
        events = self.world.google.events()
        if not events:
            return
        event = self.dice.choice(events)
        name = self.dice.choice(list(FIELDS))
        value = self.ledger.write(event["id"], name, saw=event.get(FIELDS[name], ""))
        self.world.google.edit(event["id"], **{FIELDS[name]: value})

    async def _delete(self) -> None:
        slots, events = await self.world.all_slots(), self.world.google.events()
        if slots and self.dice.random() < 0.5:
            slot = self.dice.choice(slots)
            seen = frozenset(getattr(slot.content, name) for name in FIELDS)
            self.ledger.deletions.append(seen)
            await self.world.delete(slot)
        elif events:
            event = self.dice.choice(events)
            seen = frozenset(event.get(theirs, "") for theirs in FIELDS.values())
            self.ledger.deletions.append(seen)
            self.world.google.delete(event["id"])

    async def _sync(self) -> None:
        if self.dice.random() < 0.7:
            async with self.world.uow() as tx:
                await tx.calendars.mark_due(USER, "primary", now=self.world.clock.now(), pull=True)
        claim = await self.world.engine.claim()
        if claim is None:
            return
        run = self.world.engine.run(claim)
        if self.dice.random() < 0.4:
            await die_at(run, self.dice.randrange(1, 12), cancel=self.dice.random() < 0.5)
            self.world.clock.advance(self.world.policy.lease + timedelta(seconds=1))
        else:
            await run

    async def judge(self) -> None:
        """Every edit is accounted for, both sides are equal, nothing is doubled."""
        slots = await self.world.all_slots()
        events = self.world.google.events()
        assert {slot.sync_state for slot in slots} <= {SyncState.SYNCED, SyncState.CONFLICT}
        by_event = {slot.google.event_id: slot for slot in slots if slot.google}
        assert sorted(by_event) == sorted(event["id"] for event in events)
        standing = {getattr(by_event[event["id"]].content, name) for event in events for name in FIELDS}
        for event in events:
            for name, theirs in FIELDS.items():
                assert getattr(by_event[event["id"]].content, name) == event.get(theirs, "")
        conflicts = await self.world.review.conflicts(USER, after=None, limit=10_000)
        # Who deletes a thing has replaced what was seen of it, even if the thing comes back.
        deleted = {value for seen in self.ledger.deletions for value in seen}
        kept = standing | deleted | {str(conflict.losing_value) for conflict in conflicts}
        for value in self.ledger.saw:
            assert any(self.ledger.descends(each, value) for each in kept), f"{value} was lost"
            if any(self.ledger.descends(each, value) for each in deleted):
                continue
            for stands in standing - {"", value}:
                assert not self.ledger.descends(value, stands), f"{value} lost to {stands}, which it had seen"
        created = [*(f"app-{number}" for number in range(len(self.slots)))]
        created += [f"google-{number}" for number in range(len(self.google_born))]
        for title in created:
            copies = [each for each in standing if each and self.ledger.descends(each, title)]
            assert len(copies) <= 1, f"{title} stands twice"


async def play(seed: int, *, steps: int = 30) -> None:
    """One history from a seed, judged."""
    history = History(await make_world(seed=seed), random.Random(seed))
    await history.play(steps)
    await history.judge()
