"""What is going to happen in a history: a list that can be cut down and played again.

Each happening has dice of its own (`pick`), and every concern a stream of random numbers of its own, so that
leaving a happening out changes nothing about the others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

EVERYBODY: Final = 0
THE_APP: Final = 1
GOOGLE: Final = 2
"""Whose edits an act has."""
MASS_DELETION: Final = 3
UNDECIDED: Final = 4
"""Much is deleted in Google; and what people do before somebody decides about it."""
ETAGS_ALONE: Final = 5
"""Events get other etags in Google, and nobody but the app edits."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happens."""

    at: float
    """Virtual seconds from the start."""
    kind: str
    """Perhaps with how it is done, say with the scope of an edit, behind a space."""
    pick: int
    """The seed of the dice that decide its details."""
    act: int = EVERYBODY
    """Between two acts everything comes to rest."""

    def dice(self) -> random.Random:
        """The dice that decide its details, the same each time it is played."""
        return random.Random(self.pick)


@dataclass(frozen=True, slots=True)
class Shape:
    """What stays the same during a history."""

    replicas: int
    users: int
    webhooks: bool
    page_size: int
    skews_s: tuple[float, ...]
    """How far the clock of each replica is off."""
    breaker_limit: int
    brake_minimum: int
    confirm_one_by_one: int
    slow: float
    """The longest that a call to Google takes on its way, in virtual seconds."""
    series: bool = False
    """Whether people edit series, and not single events."""
    orphans_are_gone: bool = False
    """Whether Google forgets exceptions whose series loses their instances, or shows them as cancelled."""
    google_ahead_s: float = 0.0
    """How far Google's clock is ahead of the true one."""
    second_calendar: bool = False
    """Whether people chose two calendars of their accounts."""
    channels_last_s: float = 7 * 86_400.0
    """After how long a channel ends."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A history before it is played."""

    seed: int
    shape: Shape
    happenings: tuple[Happening, ...]

    def act(self, number: int) -> tuple[Happening, ...]:
        """What happens in an act."""
        return tuple(each for each in self.happenings if each.act == number)

    def keeping(self, kept: Collection[int]) -> Plan:
        """The same with only these happenings, by their numbers."""
        return replace(self, happenings=tuple(self.happenings[number] for number in sorted(kept)))

    def stream(self, concern: str) -> random.Random:
        """Random numbers for one concern alone."""
        return random.Random(f"{self.seed} {concern}")
