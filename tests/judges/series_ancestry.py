"""Who wrote what into a series having seen what, and a judge of how it ended that asks nobody but both sides.

A text of a series stands in many instances and may live on in some of them, so a value has many descendants;
whoever writes one may have seen several.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class InException:
    """A value that a person wrote into one instance of a series in Google."""

    at: float
    """When, in seconds of the history."""
    series: str
    """The event of the series."""
    value: str


@dataclass(slots=True)
class SeriesLedger:
    """Every text that anybody wrote, with the texts that its author saw in its place."""

    saw: dict[str, frozenset[str]] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    """Values of what a person who saw them deleted or took the place from."""
    unconfirmed: set[str] = field(default_factory=set)
    """Values whose author never learned whether they were taken; each may stand, and may be nowhere."""
    exceptions: list[InException] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)
    """The title of each series when a person made it, as a new one, of a single event or by splitting another
    one; by its id where that was."""
    _count: int = 0

    def new(self, name: str, who: str) -> str:
        """A value never written before, not noted yet."""
        self._count += 1
        return f"{name} {self._count} of {who}"

    def note(self, value: str, saw: Iterable[str] = (), *, answered: bool = True) -> None:
        """Remember that somebody wrote `value`, having seen `saw`."""
        self.saw[value] = frozenset(saw) - {""}
        if not answered:
            self.unconfirmed.add(value)

    def settle(self, values: Iterable[str]) -> None:
        """Remember that somebody who saw these values did away with them."""
        self.settled |= set(values) - {""}

    def took_place(self, series: str, *, seen_until: float) -> None:
        """The app moved or ended a series, having seen its exceptions as they were at that time.

        No condition of such a call protects what was made of an instance since: its version is its own.
        """
        self.settle(each.value for each in self.exceptions if each.series == series and each.at >= seen_until)

    def judge(self, *, standing: Iterable[str], losers: Iterable[str]) -> None:
        """Every edit is accounted for: it stands, or somebody who saw it replaced it or did away with it.

        Args:
            standing: What both sides hold.
            losers: The values that are kept in conflicts.
        """
        lost = self.saw.keys() - self._accounted_for({*standing, *losers, *self.settled}) - self.unconfirmed
        assert not lost, f"I1: lost: {sorted(lost)}"

    def judge_series(self, titles: Iterable[str]) -> None:
        """There are no more series than people made.

        Args:
            titles: Of every series that a side shows.
        """
        made = Counter(root for title in self.made.values() for root in self._roots(title))
        shown = Counter(root for title in titles for root in self._roots(title))
        doubled = {root: count for root, count in shown.items() if count > made[root]}
        assert not doubled, f"I3: series that stand more often than people made them: {doubled}"

    def have_one_root(self, one: str, other: str) -> bool:
        """Whether two titles come from one that was not written over another."""
        return bool(self._roots(one) & self._roots(other))

    def _roots(self, title: str) -> set[str]:
        """The titles that were not written over others, from which one comes."""
        return {value for value in self._accounted_for([title]) if value in self.saw and not self.saw[value]}

    def _accounted_for(self, kept: Iterable[str]) -> set[str]:
        """All values that are kept, or were seen by whoever wrote one that is accounted for."""
        found: set[str] = set()
        todo = [value for value in kept if value]
        while todo:
            value = todo.pop()
            if value not in found:
                found.add(value)
                todo.extend(self.saw.get(value, ()))
        return found
