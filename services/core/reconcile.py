"""The decision at the heart of the sync: from base, local and remote content to one step.

`None` means absent on that side, nothing else. After any step Google's copy has been seen, so the new base
is always `remote`; what differs between the steps is the new local content and what lost on the way. A slot
is to be pushed exactly when the new local differs from that new base: no step marks anything for push.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from services.core.merge import Loss, merge

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from services.core.slots import FieldGroup, SlotContent


@dataclass(frozen=True, slots=True)
class Keep:
    """Both sides are equal; there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Push:
    """Only the app changed it."""


@dataclass(frozen=True, slots=True)
class Pull:
    """Only Google changed it."""

    content: SlotContent


@dataclass(frozen=True, slots=True)
class DropLocal:
    """Google deleted it, and the app had not touched it."""


@dataclass(frozen=True, slots=True)
class DropRemote:
    """The app deleted it, and Google had not touched it."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Both changed it, in different fields."""

    content: SlotContent


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both changed the same thing; `content` holds the winners."""

    content: SlotContent
    losses: tuple[Loss, ...]


Step: TypeAlias = Keep | Push | Pull | DropLocal | DropRemote | Merge | Conflict


def reconcile(
    base: SlotContent | None,
    local: SlotContent | None,
    remote: SlotContent | None,
    *,
    edited_at: Mapping[str, datetime],
    remote_edited_at: datetime | None,
    contested: Collection[FieldGroup] = (),
) -> Step:
    """Decide one event.

    Args:
        base: What both sides last agreed on; `None` when they never did or both deleted it.
        local: The app's content.
        remote: Google's content.
        edited_at: When the app last edited each field group that differs from base.
        remote_edited_at: When Google's copy last changed, on the app's clock; `None` means unknown.
        contested: The groups of which `base` does not tell what both last agreed on.
    """
    if local == remote:
        return Keep()
    if remote == base:
        return DropRemote() if local is None else Push()
    if local == base and not contested:
        return DropLocal() if remote is None else Pull(remote)
    if local is None:
        # The deleter had not seen this edit: what a person wrote does not disappear unasked.
        assert remote is not None  # noqa: S101  # both absent was settled above
        return Conflict(remote, (Loss("deleted", "remote"),))
    if remote is None:
        return Conflict(local, (Loss("deleted", "local"),))
    merged = merge(
        base,
        local,
        remote,
        edited_at=edited_at,
        remote_edited_at=remote_edited_at,
        contested=contested,
    )
    if merged.losses:
        return Conflict(merged.content, merged.losses)
    return Merge(merged.content)


def local_after(step: Step, local: SlotContent | None) -> SlotContent | None:
    """The app's content once `step` is taken; the base is then what Google has."""
    match step:
        case Keep() | Push():
            return local
        case Pull(content) | Merge(content) | Conflict(content):
            return content
        case DropLocal() | DropRemote():
            return None
