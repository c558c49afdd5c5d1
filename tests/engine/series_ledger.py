"""Who wrote what into a series having seen what, and a judge of how it ended that does not ask the engine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.core.records import SyncState
from tests.engine.ledger import conflict_values, judge_conflicts, judge_history
from tests.engine.series_sides import TEXTS, in_app, in_google, shown_in_app
from tests.engine.world import USER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.engine.world import World


@dataclass(slots=True)
class SeriesLedger:
    """Every text that anybody wrote, with the texts that its author saw in its place.

    A text of a series stands in many instances and may live on in some, so a value has many descendants.
    """

    saw: dict[str, frozenset[str]] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    """Values of what a person who saw them deleted or took the place from."""
    unseen: set[str] = field(default_factory=set)
    """What was written in Google since the app began to list it last."""
    _count: int = 0

    def new(self, name: str, who: str) -> str:
        """A value never written before, not noted yet."""
        self._count += 1
        return f"{name} {self._count} of {who}"

    def note(self, value: str, saw: Iterable[str] = ()) -> None:
        """Remember that somebody wrote `value`, having seen `saw`."""
        self.saw[value] = frozenset(saw) - {""}

    def write(self, name: str, who: str, saw: Iterable[str] = ()) -> str:
        """A new value, noted."""
        value = self.new(name, who)
        self.note(value, saw)
        if who == "google":
            self.unseen.add(value)
        return value

    def settle(self, values: Iterable[str]) -> None:
        """Remember that somebody who saw these values did away with them."""
        self.settled |= set(values) - {""}

    def accounted_for(self, kept: Iterable[str]) -> set[str]:
        """All values that are kept, or were seen by whoever wrote one that is accounted for."""
        found: set[str] = set()
        todo = [value for value in kept if value]
        while todo:
            value = todo.pop()
            if value not in found:
                found.add(value)
                todo.extend(self.saw.get(value, ()))
        return found


async def judge_series(world: World, ledger: SeriesLedger) -> None:
    """Both sides show the same, nothing waits, and every value is accounted for."""
    slots = await world.all_slots(deleted=True)
    unsettled = [slot for slot in slots if slot.sync_state not in {SyncState.SYNCED, SyncState.CONFLICT}]
    assert not unsettled, f"not at rest: {unsettled}"
    ours = Counter(map(shown_in_app, await in_app(world.reader, USER)))
    theirs = Counter(found.shown for found in in_google(world.google))
    assert ours == theirs, f"only in the app: {ours - theirs}; only in Google: {theirs - ours}"
    conflicts = await world.review.conflicts(USER, after=None, limit=10_000)
    kept = {conflict_values(conflict)[0] for conflict in conflicts} | ledger.settled
    kept |= {getattr(slot.content, name) for slot in slots if slot.deleted_at is None for name in TEXTS}
    lost = ledger.saw.keys() - ledger.accounted_for(kept)
    assert not lost, f"lost: {lost}"
    assert world.google.call("GET", "/mails")["mails"] == [], "nobody asked for mail"
    await judge_conflicts(world)
    for slot in slots:
        await judge_history(world, slot)
