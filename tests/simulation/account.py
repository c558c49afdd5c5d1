"""A user, and the calendars of the same person at Google."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from uuid import UUID

    from tests.engine.google_side import Google


@dataclass(eq=False)
class Account:
    """A user of the service, and the Google account of the same person."""

    user_id: UUID
    email: str
    google: Google
    """In the primary calendar."""
    others: tuple[Google, ...] = ()
    """In the other calendars that the person chose."""

    @property
    def calendars(self) -> tuple[Google, ...]:
        """The same person in each calendar, in the primary one first."""
        return (self.google, *self.others)

    def some_calendar(self, dice: random.Random) -> Google:
        """Any of them; where there is but one, nothing is drawn."""
        return dice.choice(self.calendars) if self.others else self.google

    def events(self) -> list[dict[str, Any]]:
        """All that stand in any of them."""
        return [event for each in self.calendars for event in each.events()]
