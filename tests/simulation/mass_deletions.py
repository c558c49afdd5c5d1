"""Much is deleted in Google at once, and Google forgets what it has told: the app sees what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Collection
    from uuid import UUID

    from tests.simulation.people import Person
    from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class MassDeletion:
    """What a person deleted at once, in a calendar that both sides agreed on."""

    known: int
    """How many events there were."""
    slots: Collection[UUID]
    """What the app showed of those that were deleted."""

    def waits(self, world: World) -> bool:
        """Whether it is beyond what is believed without asking a person."""
        brake, missing = world.policy.brake, len(self.slots)
        return missing > brake.minimum and missing * 100 > self.known * brake.percent


async def delete_much(person: Person, dice: random.Random) -> None:
    """A person empties much of the calendar, by some program perhaps."""
    google = person.account.some_calendar(dice)
    events = google.events()
    chosen = dice.sample(events, dice.randint(min(1, len(events)), len(events)))
    ids = {event["id"] for event in chosen}
    slots = await person.world.slots(person.account.user_id)
    of_these = {
        slot.id
        for slot in slots
        if slot.calendar_id == google.calendar and slot.google is not None and slot.google.event_id in ids
    }
    person.mass_deletion = MassDeletion(len(events), of_these)
    for event in chosen:
        person.delete_there(google, event)
    google.call("POST", "/sync-tokens/invalidate", {"account": person.account.email})
    person.world.deliver()


async def judge_the_brake(person: Person) -> None:
    """I11: of what is too much to be believed the app shows all until a person has decided; of less, nothing.

    To be asked when everything else has come to rest.
    """
    deleted, world = person.mass_deletion, person.world
    if deleted is None:
        return
    shown = {slot.id for slot in await world.slots(person.account.user_id)} & set(deleted.slots)
    if deleted.waits(world):
        world.happened["deletions held"] += 1
        gone = len(deleted.slots) - len(shown)
        assert not gone, f"I11: {gone} of {deleted.known} were deleted and nobody was asked"
    else:
        assert not shown, f"I11: {len(shown)} of {deleted.known} wait, which is not much"
