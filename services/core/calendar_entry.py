"""A calendar as the user's list at Google shows it.

Source:
    Calendar API reference, `CalendarList` resource.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PRIMARY: Final = "primary"
"""The one id under which the primary calendar is stored and shown."""

_WRITING_ROLES: Final = frozenset({"owner", "writer", "writerWithoutPrivateAccess"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """One entry of the list."""

    id: str
    """Google's own id, also of the primary calendar."""
    summary: str = ""
    """The name that this user gave it, or else the one that its owner did."""
    description: str | None = None
    time_zone: str | None = None
    """IANA name."""
    access_role: str = "none"
    """none, freeBusyReader, reader, writerWithoutPrivateAccess, writer or owner."""
    color_id: str | None = None
    background_color: str | None = None
    """As `#9fe1e7`."""
    foreground_color: str | None = None
    primary: bool = False
    hidden: bool = False
    """Whether Google's own list hides it."""

    @property
    def writable(self) -> bool:
        """Whether the user may create and change events in it."""
        return self.access_role in _WRITING_ROLES

    @property
    def stored_id(self) -> str:
        """The id under which the calendar is stored and shown here."""
        return PRIMARY if self.primary else self.id
