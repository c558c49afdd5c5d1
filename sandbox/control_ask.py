"""One call of the control API, and the calendar that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sandbox.control_events import ControlError
from sandbox.messages import Json, only

if TYPE_CHECKING:
    from sandbox.model.calendars import Calendar
    from sandbox.world import World


@dataclass(frozen=True, slots=True)
class Ask:
    """One call of the control API."""

    body: Json
    query: Mapping[str, list[str]]
    path: Mapping[str, str]

    def number(self, name: str, default: int) -> int:
        """A whole number from the query."""
        text = only(self.query, name) or str(default)
        if not text.lstrip("-").isdigit():
            raise ControlError(f"{name} is not a whole number")
        return int(text)


ControlRoute: TypeAlias = tuple[str, str, Callable[[Ask], Any]]
"""HTTP method, path template and what answers."""


def calendar_of(world: World, address: str, wanted: str) -> Calendar:
    """A calendar by id, or the account's own as `primary`.

    Raises:
        ControlError: There is no such account or calendar.
    """
    account = world.accounts.find(address)
    if account is None:
        raise ControlError("there is no such account")
    calendar = world.calendars.find(account.email if wanted == "primary" else wanted)
    if calendar is None:
        raise ControlError("there is no such calendar")
    return calendar
