"""What a person does with series in the app; what its requests see, they see as they are carried out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from services.core.errors import InvalidSlotError, UnknownInstanceError, UnknownSlotError
from services.core.records import SlotQuery
from services.core.scopes import EditScope
from services.core.series import by_original_start
from services.core.slots import Schedule, SlotContent
from services.slot_scopes import SlotAddress, SlotEdit
from services.slot_service import SlotDraft
from tests.judges.series_rules import moved, random_rule
from tests.judges.series_sides import TEXTS, shown_in_app
from tests.simulation.people import FIGHT_ROUNDS
from tests.simulation.series_aims import (
    Aim,
    agenda_of,
    nothing_moved,
    only_what_was_meant_is_gone,
)
from tests.simulation.series_google import SCOPES, SeriesEditor, new_times, texts_of, texts_there

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from services.core.agenda import Entry
    from services.core.records import Slot
    from services.core.storage import Transaction
    from tests.simulation.replica import Replica

_REFUSALS = (UnknownInstanceError, UnknownSlotError, InvalidSlotError)
"""What an app says of an edit that has come too late or cannot be."""
_PATCH = "PATCH /slots/{slot_id}"


@dataclass(eq=False)
class SeriesPerson(SeriesEditor):
    """Somebody at the app and at Google who edits series, in one account."""

    names_changed: bool = False
    """Whether exceptions may stand for other instances than they were made of."""

    async def agenda(self) -> tuple[Entry, ...]:
        """What the app shows."""
        return await agenda_of(self.world.store, self.account)

    # What a person does in the app.

    async def app_creates(self, dice: random.Random, line: str = "") -> None:
        span, rule = new_times(dice, line)
        title = self.ledger.new("title", self._app)
        draft = SlotDraft(SlotContent(title, Schedule(span)), rule)
        self.causes += 1
        answered = await self.send(
            dice, "POST /slots", lambda replica: replica.slots.create(self.account.user_id, draft)
        )
        self.ledger.note(title, answered=answered)
        if rule:
            self.ledger.made[title] = title
        self.count_up("app create")

    async def app_writes(self, dice: random.Random, scope: str = "") -> None:
        aim = await self._aim(dice, scope)
        if aim is None:
            return
        await self._write(dice, aim, dice.choice(list(TEXTS)))

    async def fight(self, dice: random.Random) -> None:
        """A program at Google and one that uses the app both insist on a title for a series of their own."""
        aim = await self._aim(dice, "all")
        if aim is None or self.world.happened["fight"] > 1:
            return
        for _ in range(FIGHT_ROUNDS):
            await self._write(dice, aim, "title")
            await self.world.clock.sleep(dice.uniform(0.2, 0.8))
            owner = await self.world.slot(self.account.user_id, aim.series_id or aim.entry.slot.id)
            if owner is not None and owner.google is not None:
                self.insist_there(owner.google.event_id)
            await self.world.clock.sleep(dice.uniform(0.2, 0.8))

    async def _write(self, dice: random.Random, aim: Aim, name: str) -> None:
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
            before = await agenda_of(replica.uow, self.account)
            edited = await replica.slots.edit(self.account.user_id, aim.address, SlotEdit(change))
            nothing_moved(before, await agenda_of(replica.uow, self.account))
            return edited

        self.names_changed |= aim.scope == "following"
        answered = await self._request(dice, f"write {aim.scope}", _PATCH, edit)
        if answered is not None:
            self.ledger.note(value, seen, answered=answered)

    async def app_moves(self, dice: random.Random, scope: str = "") -> None:
        aim = await self._aim(dice, scope)
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

    async def app_deletes(self, dice: random.Random, scope: str = "") -> None:
        aim = await self._aim(dice, scope)
        if aim is None:
            return
        gone: set[str] = set()

        async def delete(replica: Replica, tx: Transaction) -> Any:
            gone.clear()
            gone.update(shown_in_app(aim.entry)[3:])
            slot = await tx.slots.find(self.account.user_id, aim.entry.slot.id)
            gone.update(texts_of(slot.content) if slot is not None else ())
            here = await self._exception_at(tx, aim)
            gone.update(texts_of(here.content) if here is not None else ())
            if aim.whole:
                gone.update(await self._texts_of_series(tx, aim))
            before = await agenda_of(replica.uow, self.account)
            present = aim.as_shown(before)
            series = await self._series_in(tx, present) if present.series_id else slot
            deleted = await replica.slots.delete(self.account.user_id, aim.address)
            meant = present.of_all(before, series)
            left = [each for each in before if not meant.means(each)]
            only_what_was_meant_is_gone(left, await agenda_of(replica.uow, self.account))
            return deleted

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

    async def _reschedule(self, dice: random.Random, what: str, aim: Aim, change: SlotEdit) -> None:
        """Whoever changes when a series takes place knows that exceptions may lose their place."""
        displaced: set[str] = set()
        self.names_changed |= aim.whole

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

        made: dict[str, str] = {}

        async def work(replica: Replica) -> Any:
            made.clear()
            # With its key a request is one transaction, so that it sees what it changes.
            async with replica.uow.reading() as tx:
                before = await self._series_here(tx)
                edited = await edit(replica, tx)
                after = await self._series_here(tx)
                made.update({id_: after[id_] for id_ in after.keys() - before.keys()})
                return edited

        self.causes += 2 + len(await self._exceptions())
        try:
            answered = await self.send(dice, route, work, with_key=True)
        except _REFUSALS as refusal:
            self.count_up(f"app {what}: {type(refusal).__name__}")
            return None
        self.ledger.made.update(made)
        self.count_up(f"app {what}")
        return answered

    async def _series_here(self, tx: Transaction) -> dict[str, str]:
        """The title of each series in the app, deleted ones too."""
        slots = await tx.slots.page(self.account.user_id, SlotQuery(include_deleted=True, limit=100_000))
        return {str(slot.id): slot.content.title for slot in slots if slot.is_series}

    async def _aim(self, dice: random.Random, scope: str = "") -> Aim | None:
        entries = await self.agenda()
        if not entries:
            return None
        entry = dice.choice(entries[:40])
        if entry.occurrence is None and entry.slot.series is None:
            return Aim(entry, "single", SlotAddress(entry.slot.id))
        scope = scope or dice.choice(SCOPES)
        start = None if entry.occurrence is None else entry.occurrence.original_start
        return Aim(entry, scope, SlotAddress(entry.slot.id, start, EditScope(scope)))

    async def _owner(self, aim: Aim) -> Slot | None:
        """The series of what is aimed at, unless it is deleted."""
        if aim.series_id is None:
            return None
        owner = await self.world.slot(self.account.user_id, aim.series_id)
        return None if owner is None or owner.deleted_at is not None else owner

    async def _exceptions(self) -> list[Slot]:
        slots = await self.world.slots(self.account.user_id, deleted=True)
        return [slot for slot in slots if slot.series is not None]

    async def _exception_at(self, tx: Transaction, aim: Aim) -> Slot | None:
        """The exception in the place that is aimed at."""
        if aim.series_id is None:
            return None
        exceptions = by_original_start(await tx.slots.exceptions_of(self.account.user_id, {aim.series_id}))
        entry = aim.entry
        if entry.occurrence is not None:
            return exceptions.get(entry.occurrence.original_start)
        return exceptions.get(entry.slot.series.original_start) if entry.slot.series else None

    async def _texts_of_series(self, tx: Transaction, aim: Aim) -> set[str]:
        texts = await self._texts_of_exceptions(tx, aim)
        series = await self._series_in(tx, aim)
        texts.update(texts_of(series.content) if series is not None else ())
        return texts

    async def _series_in(self, tx: Transaction, aim: Aim) -> Slot | None:
        return await tx.slots.find(self.account.user_id, aim.series_id) if aim.series_id else None

    async def _texts_of_exceptions(self, tx: Transaction, aim: Aim) -> set[str]:
        """What the exceptions of a series hold, here and in Google."""
        series_id = aim.series_id or aim.address.slot_id
        exceptions = await tx.slots.exceptions_of(self.account.user_id, {series_id})
        events = {slot.google.event_id for slot in exceptions if slot.google is not None}
        texts = {text for slot in exceptions for text in texts_of(slot.content)}
        for event in self.account.google.events(deleted=True):
            if event["id"] in events:
                texts.update(texts_there(event))
        return texts

    @property
    def _app(self) -> str:
        return f"{self.account.email} in the app"


def _same(content: SlotContent) -> SlotContent:
    return content


def _span(entry: Entry) -> Any:
    return entry.slot.content.schedule.span if entry.occurrence is None else entry.occurrence.span
