"""How long a deleted slot is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from services.core.records import Slot


def may_be_forgotten(slot: Slot, series: Slot | None, *, is_referred_to: bool, deleted_by: datetime) -> bool:
    """Whether a deleted slot can be purged without anybody missing it but those who would restore it.

    A cancelled instance is remembered as long as its series can take place, or it would come back. A series
    goes after its exceptions, so that none of them ever refers to nothing.

    Args:
        slot: The slot.
        series: Of an exception: the slot of its series, if there is one.
        is_referred_to: Whether other slots are exceptions of this one.
        deleted_by: Slots that were deleted later are kept.
    """
    if not _is_settled(slot, deleted_by):
        return False
    if slot.series is None:
        return not is_referred_to
    if slot.series.series_id is None:
        # The series may still come, and then nobody tells of its cancelled instances again.
        return False
    return slot.google is None or series is None or _is_settled(series, deleted_by)


def _is_settled(slot: Slot, deleted_by: datetime) -> bool:
    """Whether a slot has been gone on both sides for long, and waits for nothing and nobody."""
    return (
        slot.deleted_at is not None
        and slot.deleted_at <= deleted_by
        and not slot.needs_attention
        and slot.hold_id is None
        and slot.quarantined_until is None
        and slot.open_conflicts == 0
    )
