"""Field-level three-way merge: what each side changed is kept; the same field changed twice has one winner.

The order of winners is total and does not depend on who synced first: the later edit wins, and Google wins
a tie. The losing value is handed back, never dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from services.core.slots import FIELD_GROUPS, FieldGroup, SlotContent

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

Side: TypeAlias = Literal["local", "remote"]


@dataclass(frozen=True, slots=True)
class Loss:
    """A value that a person wrote and that did not prevail."""

    group: FieldGroup | Literal["deleted"]
    """What both sides changed; `deleted` when one side edited what the other deleted."""
    winner: Side


@dataclass(frozen=True, slots=True)
class Merged:
    """The outcome of a merge: the content to hold, and what lost."""

    content: SlotContent
    losses: tuple[Loss, ...] = ()


def merge(
    base: SlotContent | None,
    local: SlotContent,
    remote: SlotContent,
    *,
    edited_at: Mapping[str, datetime],
    remote_edited_at: datetime | None,
    contested: Collection[FieldGroup] = (),
) -> Merged:
    """Merge two descendants of `base`.

    Args:
        base: What both last agreed on; `None` means that they never did, so every difference is contested.
        local: The app's content.
        remote: Google's content.
        edited_at: When the app last edited each field group; a group that is missing was never edited
            in the app and yields to Google.
        remote_edited_at: When Google's copy was last changed, on the app's clock; `None` means unknown
            and counts as latest.
        contested: The groups of which `base` does not tell what both last agreed on.
    """
    taken: list[FieldGroup] = []
    losses: list[Loss] = []
    for group in FIELD_GROUPS:
        ours, theirs = getattr(local, group), getattr(remote, group)
        if ours == theirs:
            continue
        agreed = base if group not in contested else None
        if agreed is not None and ours == getattr(agreed, group):
            taken.append(group)
        elif agreed is not None and theirs == getattr(agreed, group):
            continue
        else:
            winner = later_edit(edited_at.get(group), remote_edited_at)
            losses.append(Loss(group, winner))
            if winner == "remote":
                taken.append(group)
    return Merged(local.taking(taken, remote), tuple(losses))


def later_edit(local_edited_at: datetime | None, remote_edited_at: datetime | None) -> Side:
    """Which side edited later; ties and unknowns go to Google."""
    if local_edited_at is None or remote_edited_at is None:
        return "remote"
    return "local" if local_edited_at > remote_edited_at else "remote"
