"""What people do with series on both sides, at random, with a note of every value that somebody wrote."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from services.core.errors import InvalidSlotError, UnknownInstanceError, UnknownSlotError
from services.core.scopes import EditScope
from services.core.slots import Schedule, SlotContent
from services.slot_scopes import SlotAddress, SlotEdit
from services.slot_service import SlotDraft
from tests.engine.series_ledger import SeriesLedger
from tests.engine.series_rules import moved, random_rule, random_span, span_of, times_of
from tests.engine.series_sides import TEXTS, in_app, in_google, shown_in_app
from tests.engine.world import EMAIL, USER

if TYPE_CHECKING:
    import random
    from collections.abc import Coroutine

    from services.core.agenda import Entry
    from services.core.records import Slot
    from tests.engine.series_sides import InGoogle
    from tests.engine.world import World

SCOPES = ("this", "this", "following", "all")
REFUSALS = (UnknownInstanceError, UnknownSlotError, InvalidSlotError)
"""What an app says of an edit that has come too late or cannot be."""


@dataclass(slots=True)
class SeriesPeople:
    """Somebody at the app and somebody at Google, who both edit series."""

    world: World
    dice: random.Random
    ledger: SeriesLedger = field(default_factory=SeriesLedger)
    happened: Counter[str] = field(default_factory=Counter)
    """How often which kind of edit went through, so that a test can see what it reaches."""

    # What a person does in the app.

    async def app_creates(self) -> None:
        span = random_span(self.dice)
        rule = random_rule(self.dice, span) if self.dice.random() < 0.8 else ()
        content = SlotContent(self.ledger.write("title", "app"), Schedule(span))
        await self._try("create", self.world.slots.create(USER, SlotDraft(content, rule)))

    async def app_writes(self) -> None:
        entry = await self._entry()
        if entry is None:
            return
        name = self.dice.choice(list(TEXTS))
        scope, address = self._scoped(entry)
        seen = {shown_in_app(entry)[3 + list(TEXTS).index(name)]}
        owner = await self._owner(entry)
        if owner is not None:
            seen.add(getattr(owner.content, name))
        value = self.ledger.new(name, "app")
        change = SlotEdit(lambda content: replace(content, **{name: value}))  # type: ignore[arg-type]
        if await self._try(f"write {scope}", self.world.slots.edit(USER, address, change)):
            self.ledger.note(value, seen)

    async def app_moves(self) -> None:
        entry = await self._entry()
        if entry is None:
            return
        scope, address = self._scoped(entry)
        span = entry.slot.content.schedule.span if entry.occurrence is None else entry.occurrence.span
        span = moved(self.dice, span)
        change = SlotEdit(
            lambda content: replace(content, schedule=Schedule(span, content.schedule.recurrence))
        )
        await self._reschedule(entry, f"move {scope}", address, change)

    async def app_changes_rules(self) -> None:
        entry = await self._entry()
        if entry is None:
            return
        span = entry.slot.content.schedule.span if entry.occurrence is None else entry.occurrence.span
        owner = await self._owner(entry)
        if owner is None or self.dice.random() < 0.4:
            target = owner or entry.slot
            span = target.content.schedule.span
            rule = random_rule(self.dice, span) if self.dice.random() < 0.8 else ()
            address = SlotAddress(target.id)
            await self._reschedule(entry, "rule", address, SlotEdit(_same, recurrence=rule))
            return
        scope, address = self._scoped(entry)
        if scope == "this":
            return
        rule = random_rule(self.dice, span)
        await self._reschedule(entry, f"rule {scope}", address, SlotEdit(_same, recurrence=rule))

    async def app_deletes(self) -> None:
        entry = await self._entry()
        if entry is None:
            return
        scope, address = self._scoped(entry)
        await self._settle_here(entry, whole=scope != "this")
        await self._try(f"delete {scope}", self.world.slots.delete(USER, address))

    async def app_restores(self) -> None:
        gone = [slot for slot in await self.world.all_slots(deleted=True) if slot.deleted_at is not None]
        if gone:
            slot = self.dice.choice(gone)
            await self._try("restore", self.world.slots.restore(USER, SlotAddress(slot.id)))

    async def _reschedule(self, entry: Entry, what: str, address: SlotAddress, change: SlotEdit) -> None:
        await self._settle_exceptions_here(entry)
        await self._try(what, self.world.slots.edit(USER, address, change))

    async def _entry(self) -> Entry | None:
        entries = await in_app(self.world.reader, USER)
        return self.dice.choice(entries[:40]) if entries else None

    def _scoped(self, entry: Entry) -> tuple[str, SlotAddress]:
        if entry.occurrence is None and entry.slot.series is None:
            return "single", SlotAddress(entry.slot.id)
        scope = self.dice.choice(SCOPES)
        start = None if entry.occurrence is None else entry.occurrence.original_start
        return scope, SlotAddress(entry.slot.id, start, EditScope(scope))

    async def _owner(self, entry: Entry) -> Slot | None:
        """The series of an instance or an exception."""
        if entry.occurrence is not None:
            return entry.slot
        link = entry.slot.series
        if link is None or link.series_id is None:
            return None
        owner = await self.world.slot(link.series_id)
        return None if owner.deleted_at is not None else owner

    async def _settle_here(self, entry: Entry, *, whole: bool) -> None:
        self.ledger.settle(shown_in_app(entry)[3:])
        owner = await self._owner(entry)
        if whole and owner is not None:
            self.ledger.settle(_texts(owner.content))
            await self._settle_exceptions_here(entry)

    async def _settle_exceptions_here(self, entry: Entry) -> None:
        """Whoever changes when a series takes place knows that exceptions may lose their place."""
        owner = await self._owner(entry)
        if owner is None:
            return
        for slot in await self.world.all_slots(deleted=True):
            if slot.series is not None and slot.series.series_id == owner.id:
                self.ledger.settle(_texts(slot.content))
                if slot.google is not None:
                    self._settle_event(slot.google.event_id)

    async def _try(self, what: str, edit: Coroutine[Any, Any, Any]) -> bool:
        try:
            await edit
        except REFUSALS as refusal:
            self.happened[f"app {what}: {type(refusal).__name__}"] += 1
            return False
        self.happened[f"app {what}"] += 1
        return True

    # What a person does in Google.

    async def google_creates(self) -> None:
        span = random_span(self.dice)
        rule = random_rule(self.dice, span) if self.dice.random() < 0.8 else ()
        more: dict[str, Any] = {"recurrence": list(rule)} if rule else {}
        self.world.google.create(self.ledger.write("title", "google"), **times_of(span), **more)
        self.happened["google create"] += 1

    async def google_writes(self) -> None:
        found = self._event()
        if found is None:
            return
        name = self.dice.choice(list(TEXTS))
        scope = self._scope(found)
        seen = {str(found.event.get(TEXTS[name], ""))}
        if found.series is not None and scope in ("following", "all"):
            seen.add(str(self.world.google.event(found.series).get(TEXTS[name], "")))
        if scope == "following":
            self._settle_exceptions_there(found)
        value = self.ledger.write(name, "google", seen)
        self.world.google.edit(found.event["id"], scope=scope, **{TEXTS[name]: value})
        self.happened[f"google write {scope}"] += 1

    async def google_moves(self) -> None:
        found = self._event()
        if found is None:
            return
        scope = self._scope(found)
        if scope in ("following", "all"):
            self._settle_exceptions_there(found)
        span = moved(self.dice, span_of(found.event), kind=not self._has_dates(found))
        times = times_of(span, merging=scope is None)
        self.world.google.edit(found.event["id"], scope=scope, **times)
        self.happened[f"google move {scope}"] += 1

    async def google_changes_rules(self) -> None:
        masters = [
            each
            for each in self.world.google.events()
            if "recurringEventId" not in each and (each.get("recurrence") or self.dice.random() < 0.3)
        ]
        if not masters:
            return
        master = self.dice.choice(masters)
        self._settle_series_there(master["id"])
        rule = list(random_rule(self.dice, span_of(master))) if self.dice.random() < 0.85 else None
        self.world.google.edit(master["id"], recurrence=rule)
        self.happened["google rule" if rule else "google no rule"] += 1

    async def google_deletes(self) -> None:
        found = self._event()
        if found is None:
            return
        scope = self._scope(found)
        self.ledger.settle(found.shown[3:])
        if scope in ("following", "all") and found.series is not None:
            self._settle_event(found.series)
            self._settle_exceptions_there(found)
        self.world.google.delete(found.event["id"], scope=scope)
        self.happened[f"google delete {scope}"] += 1

    async def google_undeletes(self) -> None:
        """A person finds something in the bin."""
        log = self.world.google.sandbox._world.calendars.log(EMAIL)
        gone = [
            each
            for each in log.by_id.values()
            if each.cancelled and not each.orphaned and self._has_master(log, each)
        ]
        if gone:
            event = self.dice.choice(gone)
            self.world.google.edit(event.id, status="confirmed")
            self.happened["google undelete"] += 1

    @staticmethod
    def _has_master(log: Any, event: Any) -> bool:
        if event.master_id is None:
            return True
        master = log.by_id.get(event.master_id)
        return master is not None and not master.cancelled and master.recurring

    def _has_dates(self, found: InGoogle) -> bool:
        """Whether the series names dates, which stay of their kind when Google makes days of times."""
        lines = [] if found.series is None else self.world.google.event(found.series).get("recurrence", [])
        return any("DATE" in line for line in lines)

    def _event(self) -> InGoogle | None:
        found = in_google(self.world.google)
        return self.dice.choice(found[:40]) if found else None

    def _scope(self, found: InGoogle) -> str | None:
        return None if found.series is None else self.dice.choice(SCOPES)

    def _settle_exceptions_there(self, found: InGoogle) -> None:
        if found.series is not None:
            self._settle_series_there(found.series)

    def _settle_series_there(self, series: str) -> None:
        for event in self.world.google.events(deleted=True):
            if event.get("recurringEventId") == series:
                self.ledger.settle(str(event.get(name, "")) for name in TEXTS.values())

    def _settle_event(self, event_id: str) -> None:
        for event in self.world.google.events(deleted=True):
            if event["id"] == event_id:
                self.ledger.settle(str(event.get(name, "")) for name in TEXTS.values())


def _same(content: SlotContent) -> SlotContent:
    return content


def _texts(content: SlotContent) -> list[str]:
    return [getattr(content, name) for name in TEXTS]
