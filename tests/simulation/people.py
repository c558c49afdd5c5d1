"""What people do on both sides, with a ledger of what they wrote and what they saw when they wrote it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.core.errors import UnknownConflictError
from services.core.slots import SlotContent
from services.slot_reader import SlotReader
from services.slot_scopes import SlotAddress
from services.slot_service import SlotDraft
from tests.judges.ancestry import FIELDS, Ledger, google_times, remote_value
from tests.judges.values import conflict_values, local_value, schedule_of
from tests.simulation.account_holder import AccountHolder
from tests.simulation.mass_deletions import MassDeletion, delete_much
from tests.simulation.second_thoughts import GONE, FieldEdit, edit_several, is_bound, take_back

if TYPE_CHECKING:
    import random

    from services.core.records import Slot
    from tests.engine.google_side import Google
    from tests.simulation.replica import Replica

FIGHT_ROUNDS = 40
"""How often two programs that fight have their way."""
GUEST = "carol@example.com"


@dataclass(eq=False)
class Person(AccountHolder):
    """Somebody at the app and at Google, in one account."""

    ledger: Ledger = field(default_factory=Ledger)
    titles: list[str] = field(default_factory=list)
    """The first title of each thing that was created."""
    extras: dict[str, Any] = field(default_factory=dict)
    """What the person wrote into events beside the fields that the app knows, by event id."""
    written_at: dict[str, float] = field(default_factory=dict)
    """When, in seconds of the history; what is missing was part of a new thing."""
    mass_deletion: MassDeletion | None = None
    """The last one in Google."""

    # What a person does in the app.

    async def create(self, dice: random.Random) -> None:
        title, name = self._new_title("app"), f"{self.account.email} {self.next_number()}"
        start = self.ledger.value("schedule")
        draft = self.draft(SlotContent(title, schedule_of(start), description=name), dice)
        self.titles.append(title)
        self.causes += 1
        answered = await self.send(
            dice,
            "POST /slots",
            lambda replica: replica.slots.create(self.account.user_id, draft),
        )
        for value in (title, start, name):
            self.note(value, "", answered=answered)

    def draft(self, content: SlotContent, dice: random.Random) -> SlotDraft:
        """A new slot with this content."""
        del dice
        return SlotDraft(content)

    async def edit(self, dice: random.Random) -> None:
        slots = await self.world.slots(self.account.user_id)
        if not slots:
            return
        slot, name = dice.choice(slots), dice.choice(list(FIELDS))
        await self._write(dice, slot, name)

    async def _write(self, dice: random.Random, slot: Slot, name: str) -> None:
        edit = FieldEdit(self, slot, name, self.ledger.value(name))
        self.causes += 1
        try:
            answered = await self.send(dice, "PATCH /slots/{slot_id}", edit.carried_out)
        except GONE:
            return
        edit.noted(answered=answered)

    async def edit_several(self, dice: random.Random) -> None:
        await edit_several(self, dice)

    async def take_back(self, dice: random.Random) -> None:
        await take_back(self, dice)

    async def drop(self, dice: random.Random) -> None:
        slots = await self.world.slots(self.account.user_id)
        if not slots:
            return
        slot = dice.choice(slots)

        async def delete(replica: Replica) -> Any:
            view = await replica.slots.delete(self.account.user_id, SlotAddress(slot.id))
            self._settle(view.entry.slot.content)
            return view

        self.causes += 1
        try:
            answered = await self.send(dice, "DELETE /slots/{slot_id}", delete)
        except GONE:
            answered = False
        if not answered:
            # Perhaps it was deleted by an earlier sending of this very request.
            gone = await self.world.slot(self.account.user_id, slot.id)
            if gone is not None and gone.local is None:
                self._settle(gone.content)

    async def restore(self, dice: random.Random) -> None:
        gone = [
            slot
            for slot in await self.world.slots(self.account.user_id, deleted=True)
            if slot.local is None and is_bound(slot)
        ]
        if not gone:
            return
        slot = dice.choice(gone)
        self.causes += 1
        try:
            await self.send(
                dice,
                "POST /slots/{slot_id}/restore",
                lambda replica: replica.slots.restore(self.account.user_id, SlotAddress(slot.id)),
            )
        except GONE:
            return

    async def resolve(self, dice: random.Random) -> None:
        async with self.world.store.reading() as tx:
            conflicts = await tx.conflicts.page(self.account.user_id, after=None, limit=100)
        if not conflicts:
            return
        conflict = dice.choice(conflicts)
        slot = await self.world.slot(self.account.user_id, conflict.slot_id)
        keep_loser = slot is not None and slot.local is not None and dice.random() < 0.5
        self.causes += 1
        try:
            await self.send(
                dice,
                "POST /conflicts/{conflict_id}/resolve",
                lambda replica: replica.reviews.resolve(
                    self.account.user_id, conflict.id, "loser" if keep_loser else "winner"
                ),
            )
        except (UnknownConflictError, *GONE):
            return
        # What was never answered may have happened.
        self.ledger.settled |= set(conflict_values(conflict))
        if keep_loser:
            # Put back, it is the latest edit of all, though its value is an old one.
            self.ledger.reasserted.add(conflict_values(conflict)[0])
        await self._settle_what_was_restored(conflict.slot_id)

    async def _settle_what_was_restored(self, slot_id: Any) -> None:
        """Whoever puts the loser back does away with what stands there now."""
        history = await SlotReader(uow=self.world.store).history(self.account.user_id, SlotAddress(slot_id))
        for entry in history:
            if entry.origin == "restore":
                slot = await self.world.slot(self.account.user_id, slot_id)
                if "deleted" in entry.fields and slot is not None:
                    self.settle_slot(slot)
                for change in entry.fields.values():
                    self.ledger.settled.add(str(change["before"]))

    def note(self, value: str, saw: str, *, answered: bool) -> None:
        self.ledger.note(value, saw=saw)
        if not answered:
            self.ledger.unconfirmed.add(value)

    def _new_title(self, side: str) -> str:
        return f"{side} {len(self.titles)} of {self.account.email}"

    @property
    def values_written(self) -> int:
        return len(self.ledger.saw)

    def writes_came_late(self) -> None:
        self.ledger.late = True

    def settle_slot(self, slot: Slot) -> None:
        self._settle(slot.content)

    def _settle(self, content: SlotContent) -> None:
        self.ledger.settled |= {local_value(content, name) for name in FIELDS}

    # What a person does in Google.

    async def born(self, dice: random.Random) -> None:
        """Half of what the person adds has a guest, whom the app must not trouble with mail."""
        title = self._new_title("google")
        self.titles.append(title)
        self.ledger.note(title)
        start = self.ledger.value("schedule")
        self.ledger.note(start)
        more = _new_times(start)
        if dice.random() < 0.5:
            more["attendees"] = [{"email": GUEST}]
        self.account.some_calendar(dice).create(title, **more)
        self.world.deliver()

    async def google_edit(self, dice: random.Random) -> None:
        google = self.account.some_calendar(dice)
        if events := google.events():
            self._write_there(google, dice.choice(events), dice.choice(list(FIELDS)))

    def _write_there(self, google: Google, event: dict[str, Any], name: str) -> None:
        value = self.ledger.value(name)
        self.ledger.note(value, saw=remote_value(event, name))
        self.written_at[value] = self.world.clock.monotonic()
        changes = google_times(value) if name == "schedule" else {FIELDS[name]: value}
        google.edit(event["id"], **changes)
        self.world.deliver()

    async def fight(self, dice: random.Random) -> None:
        """A program at Google and one that uses the app both insist on a title of their own."""
        slots = [slot for slot in await self.world.slots(self.account.user_id) if slot.google is not None]
        if not slots or self.world.happened["fight"] > 1:
            return
        slot = dice.choice(slots)
        for _ in range(FIGHT_ROUNDS):
            await self._write(dice, slot, "title")
            await self.world.clock.sleep(dice.uniform(0.2, 0.8))
            for google in self.account.calendars:
                for event in google.events():
                    if slot.google is not None and event["id"] == slot.google.event_id:
                        self._write_there(google, event, "title")
            await self.world.clock.sleep(dice.uniform(0.2, 0.8))

    async def google_delete(self, dice: random.Random) -> None:
        google = self.account.some_calendar(dice)
        if events := google.events():
            self.delete_there(google, dice.choice(events))
            self.world.deliver()

    def delete_there(self, google: Google, event: dict[str, Any]) -> None:
        self.ledger.settled |= {remote_value(event, name) for name in FIELDS}
        google.delete(event["id"])

    async def google_mass_deletion(self, dice: random.Random) -> None:
        await delete_much(self, dice)

    async def google_undelete(self, dice: random.Random) -> None:
        """A person finds something in the bin."""
        slots = await self.world.slots(self.account.user_id, deleted=True)
        google = self.account.some_calendar(dice)
        if gone := self._bin(google, slots):
            event = dice.choice(gone)
            self.ledger.reasserted |= {remote_value(event, name) for name in FIELDS}
            google.edit(event["id"], status="confirmed")
            self.world.deliver()

    def _bin(self, google: Google, slots: list[Slot]) -> list[dict[str, Any]]:
        bound = {slot.google.event_id for slot in slots if slot.google}
        return [
            event
            for event in google.events(deleted=True)
            if event["status"] == "cancelled" and event["id"] in bound
        ]

    async def google_reminders(self, dice: random.Random) -> None:
        """Google counts this as no change of the event."""
        google = self.account.some_calendar(dice)
        if events := google.events():
            overrides = [{"method": "popup", "minutes": dice.randrange(1000)}]
            reminders = {"useDefault": False, "overrides": overrides}
            google.edit(dice.choice(events)["id"], reminders=reminders)
            self.world.deliver()

    async def google_extras(self, dice: random.Random) -> None:
        """The person uses what the app knows nothing of."""
        google = self.account.some_calendar(dice)
        events = google.events()
        if not events:
            return
        event = dice.choice(events)
        extra: dict[str, Any] = {
            "aFieldOfTheFuture": f"future {self.next_number()}",
            "source": {"title": f"source {self.next_number()}", "url": "https://example.com/"},
        }
        self.extras[event["id"]] = extra
        google.edit(event["id"], **extra)
        self.world.deliver()


def _new_times(start: str) -> dict[str, Any]:
    times = google_times(start)
    return {
        bound: {name: value for name, value in time.items() if value is not None}
        for bound, time in times.items()
    }
