"""What an edit of a series is asked for and leads to, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from services.core.edits import Edit
    from services.core.policy import LoopPolicy
    from services.core.records import Notify, Slot
    from services.core.slots import SlotContent


@dataclass(frozen=True, slots=True)
class Wish:
    """What the edited instance is to hold."""

    content: SlotContent
    """Of a series edited as a whole: the series; of an instance: the instance, without recurrence."""
    recurrence: tuple[str, ...] | None = None
    """The new rules; `None`: as they are."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an edit needs from outside."""

    now: datetime
    new_id: Callable[[], UUID]
    policy: LoopPolicy
    notify: Notify = "none"


@dataclass(slots=True)
class ScopedEdit:
    """What an edit does: slots that change, and slots that are new."""

    shown: Slot
    """What the client edited, as it is now."""
    edits: list[Edit] = field(default_factory=list)
    added: list[Slot] = field(default_factory=list)
    """To be stored after the edits, which may free an event for them."""
