"""What a person with several calendars does beside what everybody does: things go from one to another."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from services.core.errors import InvalidSlotError, ReadOnlySlotError, SlotMovingError, UnknownSlotError
from services.slot_scopes import SlotAddress, SlotEdit
from tests.judges.ancestry import FIELDS
from tests.simulation.calendars import choose, choose_all
from tests.simulation.people import Person
from tests.simulation.second_thoughts import FieldEdit

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from uuid import UUID

    from services.core.records import Slot
    from services.core.slots import SlotContent
    from services.slot_service import SlotDraft
    from tests.engine.google_side import Google

_NOT_NOW = (InvalidSlotError, ReadOnlySlotError, SlotMovingError, UnknownSlotError)
"""What an app says of a move to a calendar that was left, or of a slot that is gone or on its way already."""


@dataclass(eq=False, slots=True)
class Move:
    """A wish that a slot be in another calendar."""

    calendar_id: str
    is_acknowledged: bool = False


@dataclass(eq=False)
class PersonOfTwoCalendars(Person):
    """Somebody who chose two calendars of one account."""

    moves: dict[UUID, list[Move]] = field(default_factory=dict)
    """Of each slot, in the order in which the app took them."""

    def draft(self, content: SlotContent, dice: random.Random) -> SlotDraft:
        return replace(super().draft(content, dice), calendar_id=self.account.some_calendar(dice).calendar)

    async def create(self, dice: random.Random) -> None:
        # A calendar that was left takes nothing.
        with suppress(InvalidSlotError):
            await super().create(dice)

    async def move(self, dice: random.Random) -> None:
        """A slot is to be in another calendar."""
        if found := await self._movable(dice):
            await self._move(dice, *found, _as_it_is)

    async def move_and_edit(self, dice: random.Random) -> None:
        """The same, with another location in the same request."""
        found = await self._movable(dice)
        if found is None:
            return
        edit = FieldEdit(self, found[0], "location", self.ledger.value("location"))
        answered = await self._move(dice, *found, edit.changed)
        if answered is not None:
            edit.noted(answered=answered)

    async def move_and_google_edit(self, dice: random.Random) -> None:
        """The same, and somebody changes the event in Google while it is on its way."""
        found = await self._movable(dice)
        if found is None or found[0].google is None or not await self._move(dice, *found, _as_it_is):
            return
        await self.world.clock.sleep(dice.uniform(0, 4 * self.world.plan.shape.slow))
        event_id, name = found[0].google.event_id, dice.choice(list(FIELDS))
        for google in self.account.calendars:
            for event in google.events():
                if event["id"] == event_id:
                    self._write_there(google, event, name)
                    self.world.happened["edited on its way"] += 1
                    return

    async def _movable(self, dice: random.Random) -> tuple[Slot, str] | None:
        slots = await self.world.slots(self.account.user_id)
        if not slots:
            return None
        slot = dice.choice(slots)
        others = [each.calendar for each in self.account.calendars if each.calendar != slot.calendar_id]
        return slot, dice.choice(others)

    async def _move(
        self,
        dice: random.Random,
        slot: Slot,
        calendar_id: str,
        change: Callable[[SlotContent], SlotContent],
    ) -> bool | None:
        """Ask for it; `None`: it was refused, and nothing was done."""
        self.causes += 1
        move, moves = Move(calendar_id), self.moves.setdefault(slot.id, [])

        def noted(content: SlotContent) -> SlotContent:
            if move in moves:
                moves.remove(move)
            moves.append(move)
            return change(content)

        edit = SlotEdit(noted, calendar_id=calendar_id)
        try:
            answered = await self.send(
                dice,
                "PATCH /slots/{slot_id}",
                lambda replica: replica.slots.edit(self.account.user_id, SlotAddress(slot.id), edit),
            )
        except _NOT_NOW:
            return None
        move.is_acknowledged = answered
        self.world.happened["moved in the app"] += answered
        return answered

    def settle_slot(self, slot: Slot) -> None:
        super().settle_slot(slot)
        # Should it come back, it does so where Google has it.
        self.moves.pop(slot.id, None)

    def judge_moves(self, slots: list[Slot]) -> None:
        """I1: every slot is where the last acknowledged move wanted it.

        Unless Google refused that, or somebody took it back.
        """
        if any(each.kind in {"call_fails", "take_back"} for each in self.world.plan.happenings):
            return
        for slot in slots:
            moves = self.moves.get(slot.id, [])
            if moves and all(move.is_acknowledged for move in moves):
                wanted = moves[-1].calendar_id
                assert slot.calendar_id == wanted, f"I1: {slot.content.title} is not in {wanted}"

    async def leave_calendar(self, dice: random.Random) -> None:
        """A calendar is taken out of the app, and mostly back into it a while later."""
        google = dice.choice(self.account.others)
        # What waits would not reach Google, so the app refuses; the answer may be lost as well.
        if not await choose(self.world, self.account, google, dice, selected=False):
            return
        self.world.happened["calendar left"] += 1
        await self.world.clock.sleep(dice.uniform(1, 100))
        if dice.random() < 0.7:
            await choose(self.world, self.account, google, dice, selected=True)

    async def link_when_asked_to(self) -> None:
        await super().link_when_asked_to()
        await choose_all(self.world, self.account)

    def _bin(self, google: Google, slots: list[Slot]) -> list[dict[str, Any]]:
        """What has gone to another calendar is in no bin, though it leaves a tombstone."""
        elsewhere = [other for other in self.account.calendars if other.calendar != google.calendar]
        newest = {event["id"]: event for other in elsewhere for event in other.events(deleted=True)}
        here = super()._bin(google, [slot for slot in slots if slot.calendar_id == google.calendar])
        return [
            event
            for event in here
            if event["id"] not in newest
            or (newest[event["id"]]["status"], newest[event["id"]]["updated"])
            < ("cancelled", event["updated"])
        ]


def _as_it_is(content: SlotContent) -> SlotContent:
    return content
