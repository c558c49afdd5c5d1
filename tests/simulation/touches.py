"""Google gives events another etag and date though nothing of them has changed, as its own upkeep does.

Nothing may come of it: no write, no change that a client sees, and no edit or deletion of the app's
is undone by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.simulation.series_judges import app_side
from tests.simulation.series_people import SeriesPerson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.account_holder import AccountHolder
    from tests.simulation.world import World

Shown: TypeAlias = dict[Any, Any]


@dataclass(slots=True)
class EtagsAlone:
    """What there is before events get other etags, while nobody but the app edits."""

    world: World
    people: Sequence[AccountHolder]
    app: Shown = field(default_factory=dict)
    conflicts: Shown = field(default_factory=dict)
    versions: Shown = field(default_factory=dict)
    writes: int = 0
    causes: int = 0

    @classmethod
    async def begin(cls, world: World, people: Sequence[AccountHolder]) -> EtagsAlone:
        """Look, at rest, before anything happens."""
        conflicts, versions = await _conflicts(world, people), await _versions(world, people)
        causes = sum(person.causes for person in people)
        app = await _app_side(world, people)
        return cls(world, people, app, conflicts, versions, world.line.writes.total(), causes)

    async def edited(self) -> None:
        """All has happened: what the app has now it is to keep."""
        self.app = await _app_side(self.world, self.people)

    async def judge(self) -> None:
        """I2, I5: another etag undoes nothing of the app's; where the app edits nothing, nothing follows."""
        _nothing_moved("I2", self.app, await _app_side(self.world, self.people))
        _nothing_moved("I2", self.conflicts, await _conflicts(self.world, self.people))
        if self.causes < sum(person.causes for person in self.people):
            self.world.happened["edited beside new etags"] += 1
            return
        _nothing_moved("I5", self.versions, await _versions(self.world, self.people))
        written = self.world.line.writes.total() - self.writes
        assert not written, f"I5: {written} writes of nothing but other etags"


async def _app_side(world: World, people: Sequence[AccountHolder]) -> Shown:
    shown: Shown = {}
    for person in people:
        if isinstance(person, SeriesPerson):
            shown[person.account.email] = await app_side(person)
        else:
            shown |= {slot.id: slot.content for slot in await world.slots(person.account.user_id)}
    return shown


async def _versions(world: World, people: Sequence[AccountHolder]) -> Shown:
    slots = [slot for each in people for slot in await world.slots(each.account.user_id, deleted=True)]
    return {slot.id: slot.version for slot in slots}


async def _conflicts(world: World, people: Sequence[AccountHolder]) -> Shown:
    async with world.store.reading() as tx:
        found = [await tx.conflicts.page(each.account.user_id, after=None, limit=10_000) for each in people]
    return {conflict.id: conflict for conflicts in found for conflict in conflicts}


def _nothing_moved(judge: str, before: Shown, after: Shown) -> None:
    moved = [each for each in before.keys() | after.keys() if before.get(each) != after.get(each)]
    assert not moved, (
        f"{judge}: of other etags alone came {[(before.get(each), after.get(each)) for each in moved]}"
    )
