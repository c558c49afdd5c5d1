"""What people do beside single edits: they take changes back, and send several edits at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from services.core.errors import (
    ChangedSinceError,
    DomainError,
    InvalidSlotError,
    ReadOnlySlotError,
    SlotMovingError,
    StaleEditError,
    UnknownHistoryEntryError,
    UnknownSlotError,
)
from services.slot_reader import SlotReader
from services.slot_scopes import SlotAddress, SlotEdit
from tests.judges.ancestry import FIELDS
from tests.judges.values import local_value, schedule_of

if TYPE_CHECKING:
    import random

    from services.core.records import HistoryEntry, Slot
    from services.core.slots import SlotContent
    from tests.simulation.people import Person
    from tests.simulation.replica import Replica

GONE = (UnknownSlotError, ReadOnlySlotError)
"""What an app says of an edit that has come too late."""
_NOT_UNDONE = (
    *(*GONE, ChangedSinceError, StaleEditError, SlotMovingError),
    *(UnknownHistoryEntryError, InvalidSlotError),
)
"""What an app says where a change cannot be taken back, or not now."""
_LATEST = 3


@dataclass
class FieldEdit:
    """An edit of one field, which writes a new value and notes what was seen there."""

    person: Person
    slot: Slot
    name: str
    value: str
    saw: list[str] = field(default_factory=list)

    async def carried_out(self, replica: Replica) -> Any:
        """The edit, as one process does it."""
        address, edit = SlotAddress(self.slot.id), SlotEdit(self.changed)
        return await replica.slots.edit(self.person.account.user_id, address, edit)

    def noted(self, *, answered: bool) -> None:
        """The ledger knows of it from now on."""
        self.person.note(self.value, self.saw[0] if self.saw else "", answered=answered)

    def changed(self, content: SlotContent) -> SlotContent:
        """The content with the new value."""
        seen = local_value(content, self.name)
        if seen != self.value:
            self.saw[:] = [seen]
            self.person.written_at[self.value] = self.person.world.clock.monotonic()
        written: Any = schedule_of(self.value) if self.name == "schedule" else self.value
        return replace(content, **{self.name: written})


async def edit_several(person: Person, dice: random.Random) -> None:
    """Edits of several slots, or of one several times, in one transaction."""
    slots = await person.world.slots(person.account.user_id)
    if not slots:
        return
    edits = []
    for _ in range(dice.randint(2, 4)):
        name = dice.choice(list(FIELDS))
        edits.append(FieldEdit(person, dice.choice(slots), name, person.ledger.value(name)))
    person.causes += len(edits)
    refused: set[int] = set()

    async def all_at_once(replica: Replica) -> Any:
        steps = [(lambda edit=edit: edit.carried_out(replica)) for edit in edits]
        results = await replica.batches.run(person.account.user_id, steps)
        refused.update(number for number, each in enumerate(results) if isinstance(each, DomainError))
        return results

    answered = await person.send(dice, "POST /slots/batch", all_at_once, with_key=True)
    for number, edit in enumerate(edits):
        if number not in refused:
            edit.noted(answered=answered)


async def take_back(person: Person, dice: random.Random) -> None:
    """One of the last changes of something, whoever made it."""
    user_id, world = person.account.user_id, person.world
    slots = [
        slot for slot in await world.slots(user_id, deleted=True) if slot.deleted_at is None or is_bound(slot)
    ]
    if not slots:
        return
    slot = dice.choice(slots)
    history = await SlotReader(uow=world.store).history(user_id, SlotAddress(slot.id))
    if not history:
        return
    entry = dice.choice(history[-_LATEST:])
    person.causes += 1

    async def undone(replica: Replica) -> Any:
        view = await replica.undo.undo(user_id, SlotAddress(slot.id), entry.seq)
        world.happened["change taken back"] += 1
        if view.entry.slot.local is None:
            person.settle_slot(view.entry.slot)
        return view

    try:
        await person.send(dice, "POST /slots/{slot_id}/history/{seq}/undo", undone)
    except _NOT_UNDONE:
        return
    # What was never answered may have happened.
    _decided(person, entry)


def is_bound(slot: Slot) -> bool:
    """Whether it is known what Google has of it.

    What was removed with its connection is a thing by itself, whatever Google still has.
    """
    return slot.google is not None and slot.google.updated_at is not None


def _decided(person: Person, entry: HistoryEntry) -> None:
    """Whoever takes a change back has seen what it left, and brings back what was there before."""
    for change in entry.fields.values():
        person.ledger.settled.add(str(change["after"]))
        person.ledger.reasserted.add(str(change["before"]))
