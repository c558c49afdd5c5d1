"""What people do with series on both sides, with a ledger of what they wrote and saw when they wrote it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from services.core.errors import InvalidSlotError, UnknownInstanceError, UnknownSlotError
from services.core.scopes import EditScope
from services.core.series import by_original_start
from services.core.slots import Schedule, SlotContent
from services.slot_reader import SlotReader
from services.slot_scopes import SlotAddress, SlotEdit
from services.slot_service import SlotDraft
from tests.engine.series_rules import moved, random_rule, random_span, span_of, times_of
from tests.engine.series_sides import TEXTS, in_app, in_google, shown_in_app
from tests.judges.series_ancestry import InException, SeriesLedger
from tests.simulation.account_holder import AccountHolder

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from services.core.agenda import Entry
    from services.core.records import Slot
    from services.core.storage import Transaction
    from tests.engine.series_sides import InGoogle
    from tests.simulation.replica import Replica

_SCOPES = ("this", "this", "following", "all")
_REFUSALS = (UnknownInstanceError, UnknownSlotError, InvalidSlotError)
"""What an app says of an edit that has come too late or cannot be."""
_PATCH = "PATCH /slots/{slot_id}"


@dataclass(frozen=True, slots=True)
class _Aim:
    """What an edit in the app is meant for, as its author sees it."""

    entry: Entry
    scope: str
    address: SlotAddress

    @property
    def whole(self) -> bool:
        """Whether it is about more than one instance."""
        return self.scope in ("following", "all")

    @property
    def series_id(self) -> UUID | None:
        """The series of the instance or exception."""
        if self.entry.occurrence is not None:
            return self.entry.slot.id
        return self.entry.slot.series.series_id if self.entry.slot.series else None


@dataclass(eq=False)
class SeriesPerson(AccountHolder):
    """Somebody at the app and at Google who edits series, in one account."""

    ledger: SeriesLedger = field(default_factory=SeriesLedger)

    @property
    def values_written(self) -> int:
        return len(self.ledger.saw)

    def settle_slot(self, slot: Slot) -> None:
        self.ledger.settle(_texts(slot.content))

    async def agenda(self) -> tuple[Entry, ...]:
        """What the app shows."""
        return await in_app(SlotReader(uow=self.world.store), self.account.user_id)

    # What a person does in the app.

    async def app_creates(self, dice: random.Random) -> None:
        span = random_span(dice)
        rule = random_rule(dice, span) if dice.random() < 0.8 else ()
        title = self.ledger.new("title", self._app)
        draft = SlotDraft(SlotContent(title, Schedule(span)), rule)
        self.causes += 1
        answered = await self.send(
            dice, "POST /slots", lambda replica: replica.slots.create(self.account.user_id, draft)
        )
        self.ledger.note(title, answered=answered)
        self._count_up("app create")

    async def app_writes(self, dice: random.Random) -> None:
        aim = await self._aim(dice)
        if aim is None:
            return
        name = dice.choice(list(TEXTS))
        value = self.ledger.new(name, self._app)
        seen: set[str] = set()

        def change(content: SlotContent) -> SlotContent:
            if getattr(content, name) != value:
                seen.add(getattr(content, name))
            return replace(content, **{name: value})  # type: ignore[arg-type]

        async def edit(replica: Replica, tx: Transaction) -> Any:
            seen.clear()
            here = await self._exception_at(tx, aim)
            if here is not None:
                # An edit of more than one instance says something of the one that it was made in.
                seen.add(getattr(here.content, name))
            return await replica.slots.edit(self.account.user_id, aim.address, SlotEdit(change))

        answered = await self._request(dice, f"write {aim.scope}", _PATCH, edit)
        if answered is not None:
            self.ledger.note(value, seen, answered=answered)

    async def app_moves(self, dice: random.Random) -> None:
        aim = await self._aim(dice)
        if aim is None:
            return
        span = moved(dice, _span(aim.entry))
        change = SlotEdit(
            lambda content: replace(content, schedule=Schedule(span, content.schedule.recurrence))
        )
        await self._reschedule(dice, f"move {aim.scope}", aim, change)

    async def app_changes_rules(self, dice: random.Random) -> None:
        aim = await self._aim(dice)
        if aim is None:
            return
        owner = await self._owner(aim)
        if owner is None or dice.random() < 0.4:
            target = owner or aim.entry.slot
            span = target.content.schedule.span
            rule = random_rule(dice, span) if dice.random() < 0.8 else ()
            aim = replace(aim, scope="all", address=SlotAddress(target.id))
            await self._reschedule(dice, "rule", aim, SlotEdit(_same, recurrence=rule))
        elif aim.whole:
            rule = random_rule(dice, _span(aim.entry))
            await self._reschedule(dice, f"rule {aim.scope}", aim, SlotEdit(_same, recurrence=rule))

    async def app_deletes(self, dice: random.Random) -> None:
        aim = await self._aim(dice)
        if aim is None:
            return
        gone: set[str] = set()

        async def delete(replica: Replica, tx: Transaction) -> Any:
            gone.clear()
            gone.update(shown_in_app(aim.entry)[3:])
            here = await tx.slots.find(self.account.user_id, aim.entry.slot.id)
            gone.update(_texts(here.content) if here is not None else ())
            here = await self._exception_at(tx, aim)
            gone.update(_texts(here.content) if here is not None else ())
            if aim.whole:
                gone.update(await self._texts_of_series(tx, aim))
            return await replica.slots.delete(self.account.user_id, aim.address)

        answered = await self._request(dice, f"delete {aim.scope}", "DELETE /slots/{slot_id}", delete)
        if answered is not None:
            self.ledger.settle(gone)

    async def app_restores(self, dice: random.Random) -> None:
        slots = await self.world.slots(self.account.user_id, deleted=True)
        gone = [slot for slot in slots if slot.deleted_at is not None]
        if not gone:
            return
        address = SlotAddress(dice.choice(gone).id)

        async def restore(replica: Replica, tx: Transaction) -> Any:
            del tx
            return await replica.slots.restore(self.account.user_id, address)

        await self._request(dice, "restore", "POST /slots/{slot_id}/restore", restore)

    async def _reschedule(self, dice: random.Random, what: str, aim: _Aim, change: SlotEdit) -> None:
        """Whoever changes when a series takes place knows that exceptions may lose their place."""
        displaced: set[str] = set()

        async def edit(replica: Replica, tx: Transaction) -> Any:
            displaced.clear()
            if aim.whole:
                displaced.update(await self._texts_of_exceptions(tx, aim))
            return await replica.slots.edit(self.account.user_id, aim.address, change)

        answered = await self._request(dice, what, _PATCH, edit)
        if answered is not None:
            self.ledger.settle(displaced)

    async def _request(
        self,
        dice: random.Random,
        what: str,
        route: str,
        edit: Callable[[Replica, Transaction], Awaitable[Any]],
    ) -> bool | None:
        """Whether it was answered; `None` when it was refused."""

        async def work(replica: Replica) -> Any:
            # With its key a request is one transaction, so that it sees what it changes.
            async with replica.uow.reading() as tx:
                return await edit(replica, tx)

        self.causes += 2 + len(await self._exceptions())
        try:
            answered = await self.send(dice, route, work, with_key=True)
        except _REFUSALS as refusal:
            self._count_up(f"app {what}: {type(refusal).__name__}")
            return None
        self._count_up(f"app {what}")
        return answered

    async def _aim(self, dice: random.Random) -> _Aim | None:
        entries = await self.agenda()
        if not entries:
            return None
        entry = dice.choice(entries[:40])
        if entry.occurrence is None and entry.slot.series is None:
            return _Aim(entry, "single", SlotAddress(entry.slot.id))
        scope = dice.choice(_SCOPES)
        start = None if entry.occurrence is None else entry.occurrence.original_start
        return _Aim(entry, scope, SlotAddress(entry.slot.id, start, EditScope(scope)))

    async def _owner(self, aim: _Aim) -> Slot | None:
        """The series of what is aimed at, unless it is deleted."""
        if aim.series_id is None:
            return None
        owner = await self.world.slot(self.account.user_id, aim.series_id)
        return None if owner is None or owner.deleted_at is not None else owner

    async def _exceptions(self) -> list[Slot]:
        slots = await self.world.slots(self.account.user_id, deleted=True)
        return [slot for slot in slots if slot.series is not None]

    async def _exception_at(self, tx: Transaction, aim: _Aim) -> Slot | None:
        """The exception in the place that is aimed at."""
        if aim.series_id is None:
            return None
        exceptions = by_original_start(await tx.slots.exceptions_of(self.account.user_id, {aim.series_id}))
        entry = aim.entry
        if entry.occurrence is not None:
            return exceptions.get(entry.occurrence.original_start)
        return exceptions.get(entry.slot.series.original_start) if entry.slot.series else None

    async def _texts_of_series(self, tx: Transaction, aim: _Aim) -> set[str]:
        texts = await self._texts_of_exceptions(tx, aim)
        if aim.series_id is not None:
            series = await tx.slots.find(self.account.user_id, aim.series_id)
            texts.update(_texts(series.content) if series is not None else ())
        return texts

    async def _texts_of_exceptions(self, tx: Transaction, aim: _Aim) -> set[str]:
        """What the exceptions of a series hold, here and in Google."""
        series_id = aim.series_id or aim.address.slot_id
        exceptions = await tx.slots.exceptions_of(self.account.user_id, {series_id})
        events = {slot.google.event_id for slot in exceptions if slot.google is not None}
        texts = {text for slot in exceptions for text in _texts(slot.content)}
        for event in self.account.google.events(deleted=True):
            if event["id"] in events:
                texts.update(_texts_there(event))
        return texts

    # What a person does in Google.

    async def google_creates(self, dice: random.Random) -> None:
        span = random_span(dice)
        rule = random_rule(dice, span) if dice.random() < 0.8 else ()
        more: dict[str, Any] = {"recurrence": list(rule)} if rule else {}
        title = self.ledger.new("title", self._at_google)
        self.ledger.note(title)
        self.account.google.create(title, **times_of(span), **more)
        self._done_in_google("create")

    async def google_writes(self, dice: random.Random) -> None:
        found = self._event(dice)
        if found is None:
            return
        name = dice.choice(list(TEXTS))
        scope = self._scope(dice, found)
        seen = {str(found.event.get(TEXTS[name], ""))}
        value = self.ledger.new(name, self._at_google)
        if found.series is not None and scope in ("following", "all"):
            seen.add(str(self.account.google.event(found.series).get(TEXTS[name], "")))
        elif found.series is not None:
            now = asyncio.get_running_loop().time()
            self.ledger.exceptions.append(InException(now, found.series, value))
        if scope == "following":
            self._settle_exceptions_there(found.series)
        self.ledger.note(value, seen)
        self.account.google.edit(found.event["id"], scope=scope, **{TEXTS[name]: value})
        self._done_in_google(f"write {scope}")

    async def google_moves(self, dice: random.Random) -> None:
        found = self._event(dice)
        if found is None:
            return
        scope = self._scope(dice, found)
        if scope in ("following", "all"):
            self._settle_exceptions_there(found.series)
        span = moved(dice, span_of(found.event), kind=not self._has_dates(found))
        times = times_of(span, merging=scope is None)
        self.account.google.edit(found.event["id"], scope=scope, **times)
        self._done_in_google(f"move {scope}")

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
        self.account.google.edit(master["id"], recurrence=rule)
        self._done_in_google("rule" if rule else "no rule")

    async def google_deletes(self, dice: random.Random) -> None:
        found = self._event(dice)
        if found is None:
            return
        scope = self._scope(dice, found)
        self.ledger.settle(found.shown[3:])
        if scope in ("following", "all") and found.series is not None:
            self.ledger.settle(_texts_there(self.account.google.event(found.series)))
            self._settle_exceptions_there(found.series)
        self.account.google.delete(found.event["id"], scope=scope)
        self._done_in_google(f"delete {scope}")

    async def google_undeletes(self, dice: random.Random) -> None:
        """A person finds something in the bin."""
        log = self.account.google.sandbox._world.calendars.log(self.account.email)
        gone = [
            each
            for each in log.by_id.values()
            if each.cancelled and not each.orphaned and _has_master(log, each)
        ]
        if gone:
            self.account.google.edit(dice.choice(gone).id, status="confirmed")
            self._done_in_google("undelete")

    def _has_dates(self, found: InGoogle) -> bool:
        """Whether the series names dates, which stay of their kind when Google makes days of times."""
        lines = [] if found.series is None else self.account.google.event(found.series).get("recurrence", [])
        return any("DATE" in line for line in lines)

    def _event(self, dice: random.Random) -> InGoogle | None:
        found = in_google(self.account.google)
        return dice.choice(found[:40]) if found else None

    @staticmethod
    def _scope(dice: random.Random, found: InGoogle) -> str | None:
        return None if found.series is None else dice.choice(_SCOPES)

    def _settle_exceptions_there(self, series: str | None) -> None:
        for event in self.account.google.events(deleted=True):
            if series is not None and event.get("recurringEventId") == series:
                self.ledger.settle(_texts_there(event))

    def _done_in_google(self, what: str) -> None:
        # What follows from a change of a series may concern each of its exceptions.
        self.causes += 1 + sum("recurringEventId" in each for each in self.account.google.events())
        self._count_up(f"google {what}")
        self.world.deliver()

    def _count_up(self, what: str) -> None:
        self.world.happened[what] += 1

    @property
    def _app(self) -> str:
        return f"{self.account.email} in the app"

    @property
    def _at_google(self) -> str:
        return f"{self.account.email} in Google"


def _same(content: SlotContent) -> SlotContent:
    return content


def _span(entry: Entry) -> Any:
    return entry.slot.content.schedule.span if entry.occurrence is None else entry.occurrence.span


def _texts(content: SlotContent) -> list[str]:
    return [getattr(content, name) for name in TEXTS]


def _texts_there(event: dict[str, Any]) -> list[str]:
    return [str(event.get(name, "")) for name in TEXTS.values()]


def _has_master(log: Any, event: Any) -> bool:
    if event.master_id is None:
        return True
    master = log.by_id.get(event.master_id)
    return master is not None and not master.cancelled and master.recurring
