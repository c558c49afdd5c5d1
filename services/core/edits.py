"""An edit in the app, as a pure function from a slot to the slot afterwards.

Every path by which the app changes a slot (REST, resolving a conflict, undo) comes through here, so that
version, edit times, history and the circuit breaker cannot be forgotten by one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.core.breaker import observe_app_edit
from services.core.errors import ReadOnlySlotError
from services.core.event_types import require_fitting
from services.core.frozen import replace
from services.core.looks import unless_only_looked_up
from services.core.restrictions import DELETED, FIELDS, editable_fields
from services.core.slots import changed_fields

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from services.core.policy import LoopPolicy
    from services.core.records import GoogleCopy, Notify, Slot
    from services.core.slots import SlotContent


@dataclass(frozen=True, slots=True)
class Edit:
    """A slot after an edit, and what the edit did."""

    slot: Slot
    changes: Mapping[str, Mapping[str, Any]]
    """By field, `{"before": ..., "after": ...}`; empty when nothing changed, and the slot is the same."""


def require_editable(slot: Slot, content: SlotContent | None, *, copy: GoogleCopy | None = None) -> None:
    """Let an edit pass.

    Args:
        slot: What is to be edited.
        content: What it is to hold; `None`: it is to be deleted.
        copy: What Google's rules are read from when it is not the slot's own copy: that of the series.

    Raises:
        ReadOnlySlotError: Google does not let the app change all of that.
        InvalidSlotError: The type of the event does not go with these times.
    """
    copy = copy or slot.google
    if copy is None or not copy.restrictions:
        return
    touched = {DELETED}
    if content is not None:
        touched = changed_fields(slot.content, content).keys() & set(FIELDS)
        if slot.base is not None:
            # What goes back to what Google has is not asked of Google.
            touched &= changed_fields(slot.base, content).keys()
        if slot.deleted_at is not None:
            touched.add(DELETED)
        if content.schedule not in (slot.content.schedule, slot.base and slot.base.schedule):
            require_fitting(copy.restrictions, content.schedule)
    for restriction in copy.restrictions:
        refused = touched - editable_fields((restriction,))
        if refused:
            raise ReadOnlySlotError(slot.id, restriction, frozenset(refused))


def edit(
    slot: Slot, content: SlotContent | None, *, now: datetime, policy: LoopPolicy, notify: Notify = "none"
) -> Edit:
    """Give the slot a new local content; `None` deletes it, and content brings a deleted slot back."""
    changes = slot.changes_to(content)
    if not changes:
        return Edit(slot, {})
    after = replace(
        slot,
        content=content or slot.content,
        deleted_at=now if content is None else None,
        edited_at=_edit_times(slot, content, now),
        version=slot.version + 1,
        updated_at=now,
        failure=None,
        refetch=slot.refetch or (content is not None and _may_be_gone(slot)),
    )
    after = replace(after, notify=_wish(slot, after, notify))
    return Edit(observe_app_edit(unless_only_looked_up(after), now, policy), changes)


def _may_be_gone(slot: Slot) -> bool:
    """Whether a slot that is to be brought back may have lost its event unseen.

    What is deleted here counts as missing from no listing, since its deletion would tell; nothing does once
    that is taken back.
    """
    return slot.deleted_at is not None and slot.base is not None and slot.series is None


def _wish(before: Slot, after: Slot, notify: Notify) -> Notify:
    """Whom Google is to mail with the next call, and with no other.

    A call that is under way carries the wish of the edits before it; with nothing left to send a wish ends.
    """
    if before.sent is None and not after.dirty:
        return "none"
    return notify if before.sent is not None or notify != "none" else before.notify


def _edit_times(slot: Slot, content: SlotContent | None, now: datetime) -> dict[str, datetime]:
    """When the app last edited each group that Google has not confirmed."""
    if content is None:
        return {**slot.edited_at, "deleted": now}
    times = {group: at for group, at in slot.edited_at.items() if group != "deleted"}
    edited = slot.content.changed_groups(content)
    times.update(dict.fromkeys(edited, now))
    if slot.base is None or slot.sent is not None:
        return times
    # A group that is back at what both agreed on is no edit any more.
    unconfirmed = slot.base.changed_groups(content)
    return {group: at for group, at in times.items() if group in unconfirmed}
