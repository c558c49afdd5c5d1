"""What people do on both sides, at random, with a ledger of what they wrote."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from services.core.accounts import AccountStatus
from tests.engine.interruptions import die_at
from tests.engine.ledger import conflict_values, local_value, schedule_of
from tests.engine.world import USER
from tests.judges.ancestry import FIELDS, Ledger, google_times, remote_value

if TYPE_CHECKING:
    import random

    from services.core.records import Slot
    from tests.engine.world import World


@dataclass(slots=True)
class People:
    """Somebody at the app and somebody at Google."""

    world: World
    dice: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    titles: list[str] = field(default_factory=list)
    """The first title of each thing that was created."""

    # What people do in the app.

    async def create(self) -> None:
        title = f"app {len(self.titles)}"
        self.titles.append(title)
        self.ledger.note(title)
        start = self.ledger.write("schedule", saw="")
        slot = await self.world.create(title)
        await self.world.edit(slot, schedule=schedule_of(start))

    async def app(self) -> None:
        slots = await self.world.all_slots()
        if not slots:
            return
        slot = self.dice.choice(slots)
        name = self.dice.choice(list(FIELDS))
        value = self.ledger.write(name, saw=local_value(slot.content, name))
        await self.world.edit(slot, **{name: schedule_of(value) if name == "schedule" else value})

    async def drop(self) -> None:
        slots, events = await self.world.all_slots(), self.world.google.events()
        if slots and self.dice.random() < 0.5:
            slot = self.dice.choice(slots)
            self._settle_slot(slot)
            await self.world.delete(slot)
        elif events:
            event = self.dice.choice(events)
            self.ledger.settled |= {remote_value(event, name) for name in FIELDS}
            self.world.google.delete(event["id"])

    async def restore(self) -> None:
        # What was removed here on disconnecting comes back with a new link, and nobody knows what it was.
        gone = [
            slot
            for slot in await self.world.all_slots(deleted=True)
            if slot.local is None and slot.google is not None and slot.google.updated_at is not None
        ]
        if gone:
            await self.world.restore(self.dice.choice(gone))

    async def resolve(self) -> None:
        conflicts = await self.world.review.conflicts(USER, after=None, limit=100)
        if not conflicts:
            return
        conflict = self.dice.choice(conflicts)
        slot = await self.world.slot(conflict.slot_id)
        self.ledger.settled |= set(conflict_values(conflict))
        self._settle_slot(slot)
        keep_loser = slot.local is not None and self.dice.random() < 0.5
        await self.world.review.resolve(USER, conflict.id, "loser" if keep_loser else "winner")

    async def review(self) -> None:
        """A person looks at what is held: is it gone in Google?"""
        there = {event["id"] for event in self.world.google.events()}
        for hold in await self.world.review.holds(USER, after=None, limit=100):
            async with self.world.uow.reading() as tx:
                held = await tx.slots.held_by(USER, hold.id)
            if (
                any(slot.google and slot.google.event_id in there for slot in held)
                or self.dice.random() < 0.3
            ):
                await self.world.review.reject(USER, hold.id)
            else:
                for slot in held:
                    self._settle_slot(slot)
                await self.world.review.approve(USER, hold.id)

    async def disconnect(self) -> None:
        if self.dice.random() < 0.5:
            await self.link()
            return
        async with self.world.uow.reading() as tx:
            account = await tx.accounts.find(USER)
        if account is None or account.status is AccountStatus.DISCONNECTED:
            return
        local = self.dice.choice(("keep", "keep", "delete"))
        quitting = self.world.connections.disconnect(
            USER,
            remote="delete" if self.dice.random() < 0.3 else "keep",
            local="delete" if local == "delete" else "keep",
        )
        if self.dice.random() < 0.3:
            await die_at(quitting, self.dice.randrange(1, 25), cancel=self.dice.random() < 0.5)
        else:
            await quitting
        if local == "delete":
            for slot in await self.world.all_slots(deleted=True):
                if slot.source == "google" and slot.local is None:
                    self._settle_slot(slot)
        if self.dice.random() < 0.7:
            await self.link()

    async def link(self) -> None:
        async with self.world.uow() as tx:
            account = await tx.accounts.find(USER)
            assert account is not None
            linked = replace(account, status=AccountStatus.CONNECTED, version=account.version + 1)
            await tx.accounts.save(replace(linked, refresh_token="sealed"))
        await self.world.connections.connected(USER)

    async def initialize(self) -> None:
        async with self.world.uow.reading() as tx:
            account = await tx.accounts.find(USER)
        if account is not None and account.status is AccountStatus.CONNECTED:
            await self.world.connections.initialize(USER)

    def _settle_slot(self, slot: Slot) -> None:
        self.ledger.settled |= {local_value(slot.content, name) for name in FIELDS}

    # What people do in Google.

    async def born(self) -> None:
        title = f"google {len(self.titles)}"
        self.titles.append(title)
        self.ledger.note(title)
        times = google_times(self.ledger.write("schedule", saw=""))
        self.world.google.create(title, **times)

    async def google(self) -> None:
        events = self.world.google.events()
        if not events:
            return
        event = self.dice.choice(events)
        name = self.dice.choice(list(FIELDS))
        value = self.ledger.write(name, saw=remote_value(event, name))
        changes = google_times(value) if name == "schedule" else {FIELDS[name]: value}
        self.world.google.edit(event["id"], **changes)

    async def reminders(self) -> None:
        """Google counts this as no change of the event."""
        events = self.world.google.events()
        if events:
            overrides = [{"method": "popup", "minutes": self.dice.randrange(1000)}]
            reminders = {"useDefault": False, "overrides": overrides}
            self.world.google.edit(self.dice.choice(events)["id"], reminders=reminders)

    async def undelete(self) -> None:
        bound = {each.google.event_id for each in await self.world.all_slots(deleted=True) if each.google}
        gone = [
            each
            for each in self.world.google.events(deleted=True)
            if each["status"] == "cancelled" and each["id"] in bound
        ]
        if gone:
            event = self.dice.choice(gone)
            self.ledger.reasserted |= {remote_value(event, name) for name in FIELDS}
            self.world.google.edit(event["id"], status="confirmed")
