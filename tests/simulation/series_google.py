"""What a person does with series in Google, with a ledger of what they wrote and saw when they wrote it."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sandbox.model.recurrence import Series, stamp_of
from services.core.slots import Timed
from tests.judges.series_ancestry import InException, SeriesLedger
from tests.judges.series_rules import FIRST_DAY, moved, random_rule, random_span, span_of, times_of
from tests.judges.series_sides import TEXTS, in_google
from tests.simulation.account_holder import AccountHolder

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from services.core.records import Slot
    from services.core.slots import AllDay, SlotContent
    from tests.judges.series_sides import InGoogle

SCOPES = ("this", "this", "following", "all")


@dataclass(eq=False)
class SeriesEditor(AccountHolder):
    """Somebody who edits series in Google, in one account."""

    ledger: SeriesLedger = field(default_factory=SeriesLedger)
    edited_alone: list[str] = field(default_factory=list)
    """The events of single instances that were edited in Google or found in the bin, each as often."""

    @property
    def values_written(self) -> int:
        return len(self.ledger.saw)

    def settle_slot(self, slot: Slot) -> None:
        self.ledger.settle(texts_of(slot.content))

    async def google_creates(self, dice: random.Random, line: str = "") -> None:
        span, rule = new_times(dice, line)
        more: dict[str, Any] = {"recurrence": list(rule)} if rule else {}
        title = self.ledger.new("title", self._at_google)
        self.ledger.note(title)
        with self._series_are_noted():
            self.account.google.create(title, **times_of(span), **more)
        self._done_in_google("create")

    async def google_writes(self, dice: random.Random, scope: str = "") -> None:
        found = self._event(dice)
        if found is None:
            return
        name = dice.choice(list(TEXTS))
        meant = self._scope(dice, found, scope)
        seen = {str(found.event.get(TEXTS[name], ""))}
        value = self.ledger.new(name, self._at_google)
        if found.series is not None and meant in ("following", "all"):
            seen.add(str(self.account.google.event(found.series).get(TEXTS[name], "")))
        elif found.series is not None:
            now = asyncio.get_running_loop().time()
            self.ledger.exceptions.append(InException(now, found.series, value))
            self.edited_alone.append(found.event["id"])
        if meant == "following":
            self._settle_exceptions_there(found.series)
        self.ledger.note(value, seen)
        with self._series_are_noted():
            self.account.google.edit(found.event["id"], scope=meant, **{TEXTS[name]: value})
        self._done_in_google(f"write {meant}")

    def insist_there(self, event_id: str) -> None:
        """A program gives an event, or a whole series, another title, unless it is gone."""
        for event in self.account.google.events():
            if event["id"] == event_id:
                value = self.ledger.new("title", self._at_google)
                self.ledger.note(value, {str(event.get("summary", ""))})
                self.account.google.edit(event_id, summary=value)
                self._done_in_google("insist")

    async def google_moves(self, dice: random.Random, scope: str = "") -> None:
        found = self._event(dice)
        if found is None:
            return
        meant = self._scope(dice, found, scope)
        if meant in ("following", "all"):
            if self._has_dates(found) and self._is_of_another_kind(found):
                return
            self._settle_exceptions_there(found.series)
        if meant == "this":
            self.edited_alone.append(found.event["id"])
        span = moved(dice, span_of(found.event), kind=not self._has_dates(found))
        times = times_of(span, merging=meant is None)
        with self._series_are_noted():
            self.account.google.edit(found.event["id"], scope=meant, **times)
        self._done_in_google(f"move {meant}")

    async def google_changes_rules(self, dice: random.Random) -> None:
        masters = [
            each
            for each in self.account.google.events()
            if "recurringEventId" not in each and (each.get("recurrence") or dice.random() < 0.3)
        ]
        if not masters:
            return
        master = dice.choice(masters)
        self._settle_exceptions_there(master["id"])
        rule = list(random_rule(dice, span_of(master))) if dice.random() < 0.85 else None
        with self._series_are_noted():
            self.account.google.edit(master["id"], recurrence=rule)
        self._done_in_google("rule" if rule else "no rule")

    async def google_deletes(self, dice: random.Random, scope: str = "") -> None:
        found = self._event(dice)
        if found is None:
            return
        meant = self._scope(dice, found, scope)
        self.ledger.settle(found.shown[3:])
        if meant in ("following", "all") and found.series is not None:
            self.ledger.settle(texts_there(self.account.google.event(found.series)))
            self._settle_exceptions_there(found.series)
        self.account.google.delete(found.event["id"], scope=meant)
        self._done_in_google(f"delete {meant}")

    async def google_undeletes(self, dice: random.Random) -> None:
        """A person finds something in the bin."""
        calendars = self.account.google.sandbox._world.calendars
        log, zone = calendars.log(self.account.email), calendars.table.rows[self.account.email].zone
        gone = [
            each
            for each in log.by_id.values()
            if each.cancelled and not each.orphaned and _has_place(log, each, zone)
        ]
        if gone:
            found = dice.choice(gone)
            await self._note_copy(found.id)
            self.edited_alone.append(found.id)
            self.account.google.edit(found.id, status="confirmed")
            self._done_in_google("undelete")

    async def _note_copy(self, event_id: str) -> None:
        """What the app has made anew since, as it does after a new link, a person takes out of the bin."""
        slots = await self.world.slots(self.account.user_id, deleted=True)
        bound = {slot.google.event_id for slot in slots if slot.google is not None}
        title = self._series_there().get(event_id)
        living = [event for event in self.account.google.events() if event.get("recurrence")]
        if title is None or event_id in bound:
            return
        if any(self.ledger.have_one_root(title, str(event.get("summary", ""))) for event in living):
            self.ledger.made[f"{event_id} out of the bin"] = title

    def _has_dates(self, found: InGoogle) -> bool:
        """Whether the series names dates, which stay of their kind when Google makes days of times."""
        lines = [] if found.series is None else self.account.google.event(found.series).get("recurrence", [])
        return any("DATE" in line for line in lines)

    def _is_of_another_kind(self, found: InGoogle) -> bool:
        """Whether an exception has a time in a series of days, or the other way round."""
        assert found.series is not None  # that is why it is asked
        series = span_of(self.account.google.event(found.series))
        return type(span_of(found.event)) is not type(series)

    def _event(self, dice: random.Random) -> InGoogle | None:
        found = in_google(self.account.google)
        return dice.choice(found[:40]) if found else None

    def _scope(self, dice: random.Random, found: InGoogle, wanted: str) -> str | None:
        """How much is meant; `None`: an event by itself, as is what is left of a series that is gone."""
        if found.series is None:
            return None
        scope = wanted or dice.choice(SCOPES)
        return scope if found.series in self._series_alive() else None

    def _series_alive(self) -> set[str]:
        return {event["id"] for event in self.account.google.events() if event.get("recurrence")}

    def _settle_exceptions_there(self, series: str | None) -> None:
        for event in self.account.google.events(deleted=True):
            if series is not None and event.get("recurringEventId") == series:
                self.ledger.settle(texts_there(event))

    @contextmanager
    def _series_are_noted(self) -> Iterator[None]:
        """What becomes a series in Google meanwhile, a person made."""
        before = self._series_there()
        yield
        after = self._series_there()
        self.ledger.made.update({id_: after[id_] for id_ in after.keys() - before.keys()})

    def _series_there(self) -> dict[str, str]:
        """The title of each series in Google, deleted ones too."""
        events = self.account.google.events(deleted=True)
        return {event["id"]: str(event.get("summary", "")) for event in events if event.get("recurrence")}

    def _done_in_google(self, what: str) -> None:
        # What follows from a change of a series may concern each of its exceptions.
        self.causes += 1 + sum("recurringEventId" in each for each in self.account.google.events())
        self.count_up(f"google {what}")
        self.world.deliver()

    def count_up(self, what: str, times: int = 1) -> None:
        self.world.happened[what] += times

    @property
    def _at_google(self) -> str:
        return f"{self.account.email} in Google"


def new_times(dice: random.Random, line: str) -> tuple[Timed | AllDay, tuple[str, ...]]:
    """When something new takes place: with this line every time from the first day on, else at random."""
    if line:
        start = datetime.combine(FIRST_DAY, time(9), UTC)
        return Timed(start, start + timedelta(hours=1), "UTC"), (line,)
    span = random_span(dice)
    return span, random_rule(dice, span) if dice.random() < 0.8 else ()


def texts_of(content: SlotContent) -> list[str]:
    return [getattr(content, name) for name in TEXTS]


def texts_there(event: dict[str, Any]) -> list[str]:
    return [str(event.get(name, "")) for name in TEXTS.values()]


def _has_place(log: Any, event: Any, zone: ZoneInfo) -> bool:
    """Whether its series has the instance: what comes of one that has no place, Google does not say."""
    if event.master_id is None:
        return True
    master = log.by_id.get(event.master_id)
    if master is None or master.cancelled or not master.recurring:
        return False
    stamp = stamp_of(event.doc.get("originalStartTime"))
    return stamp is not None and Series(master, zone).find(stamp) is not None
