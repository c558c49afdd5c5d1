"""What both sides have certainly seen of an event: what was agreed on, or a later write of ours that arrived.

A merge is measured against it. Where the answer to a write was lost, Google's own state has to tell whether
the write is part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.core.records import Deletion, Slot
from services.core.slots import FIELD_GROUPS, SlotContent

if TYPE_CHECKING:
    from services.core.slots import FieldGroup

_TEXTS: Final = frozenset(("title", "description", "location"))


def ancestor_of(slot: Slot, remote: SlotContent | None, *, landed: bool) -> SlotContent | None:
    """What both sides have certainly seen.

    Beyond the stored base that is what we sent, if Google took it. Where its answer was lost, Google's own
    state is the witness: one value that only we can have put there proves that the whole write landed.
    """
    sent, base = slot.sent, slot.base
    if slot.local is None and remote == slot.content and (base is not None or _is_made_by_us(slot)):
        # Whoever deleted the slot had seen just that: an edit of the app's, say, that arrived late.
        return remote
    if sent is None:
        return base
    if isinstance(sent, Deletion):
        if remote is None:
            return None
        # It is there, so what was sent before counts.
        sent = sent.over
        if sent is None:
            return base
    if landed:
        return sent
    if remote is None:
        # A tombstone under an id that only our insert can have used proves that the insert landed. A
        # tombstone that was there before proves nothing, and what a person wrote must survive.
        return sent if slot.google is None else base
    if base is None:
        return sent
    return sent if _has_arrived(base, sent, remote) else base


def _has_arrived(base: SlotContent, sent: SlotContent, remote: SlotContent) -> bool:
    """Whether Google's state tells of a write whose answer was lost, which arrives as a whole or not at all.

    A text of ours tells. Anything else, such as a color or where a series ends, two people may choose alike,
    so it tells nothing where something that was written with it is as it was before.
    """
    ours = base.changed_groups(sent)
    same = {group for group in ours if getattr(remote, group) == getattr(sent, group)}
    if any(group in _TEXTS and getattr(sent, group) for group in same):
        return True
    return bool(same) and base.changed_groups(remote) >= ours


def _is_made_by_us(slot: Slot) -> bool:
    """Whether an event of the slot can only be what an insert of ours has made, which was given up.

    What was ever seen at Google has another id once it is forgotten.
    """
    return slot.source == "app" and slot.google is None and slot.base is None and slot.series is None


def contested_groups(
    slot: Slot, ancestor: SlotContent | None, remote: SlotContent | None
) -> frozenset[FieldGroup]:
    """The groups of which nobody can say whether `ancestor` was ever at Google.

    Only our insert makes an event under an id of ours, but it may be one of before the last edits, which was
    given up and arrived all the same (see `services.core.descent`, for slots whose history is known); and
    anybody may have revived a deleted event. What it has in common with what we sent, whoever edits the slot
    has seen; of the rest nothing is known, and of a tombstone, which tells nothing of what it held, of
    anything that was edited.
    """
    if slot.base is not None or ancestor is None:
        return frozenset()
    open_groups = ancestor.changed_groups(remote) if remote is not None else frozenset(FIELD_GROUPS)
    if slot.google is not None:
        return open_groups
    created = slot.created_at
    return frozenset(group for group in open_groups if slot.edited_at.get(group, created) != created)
