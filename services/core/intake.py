"""Taking in what Google has: from a slot and an event to the slot afterwards.

Every remote state comes this way, be it from a listing, a single read, or the answer to a write of ours. An
answer is not an echo to be skipped: Google may have rewritten a value or taken somebody else's change before
ours, and only a full comparison sees that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from services.core.ancestor import ancestor_of, contested_groups
from services.core.beyond import version_beyond
from services.core.breaker import keep_in_sight, observe_change
from services.core.event_ids import generation_in
from services.core.frozen import replace
from services.core.reconcile import Conflict, DropLocal, Merge, Pull, Step, local_after, reconcile
from services.core.records import Deletion, GoogleCopy, Slot
from services.core.slots import AllDay, Schedule, SlotContent, Timed, group_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from services.core.events import RemoteEvent
    from services.core.merge import Loss
    from services.core.policy import LoopPolicy
    from services.core.records import Origin, SeriesLink
    from services.core.recurrence import OriginalStart


@dataclass(frozen=True, slots=True)
class LostValue:
    """A conflict as it will be shown to a person."""

    group: str
    winner: Literal["local", "remote"]
    losing_value: Any
    winning_value: Any


@dataclass(frozen=True, slots=True)
class Intake:
    """A slot after Google's state was taken in, and what a person should learn of it."""

    before: Slot
    slot: Slot
    step: Step
    visible: bool
    """Whether a client could see a difference."""
    changes: Mapping[str, Mapping[str, Any]]
    """What happened to the local content, by field; empty when nothing did."""
    origin: Origin
    lost: tuple[LostValue, ...] = ()


def take_in(
    slot: Slot,
    event: RemoteEvent,
    *,
    now: datetime,
    clock_ahead: timedelta,
    policy: LoopPolicy,
    landed: bool = False,
) -> Intake:
    """Reconcile a slot with the event that it is bound to.

    Args:
        slot: As it is stored now, including edits made while the call was under way.
        event: Google's state.
        now: Aware, UTC.
        clock_ahead: How far Google's clock is ahead of ours.
        policy: Of the slot's circuit breaker.
        landed: Whether Google is known to have taken `slot.sent`, because it said so.
    """
    remote = event.content
    updated_at = event.copy.updated_at
    ancestor = ancestor_of(slot, remote, landed=landed)
    step: Step
    if remote is None and _goes_with_googles(slot) and not isinstance(slot.sent, Deletion):
        step = DropLocal()
    else:
        step = reconcile(
            ancestor,
            slot.local,
            remote,
            edited_at=slot.edited_at,
            remote_edited_at=updated_at - clock_ahead if updated_at is not None else None,
            contested=() if landed else contested_groups(slot, ancestor, remote),
        )
    local = local_after(step, slot.local)
    changes = slot.changes_to(local)
    losses = step.losses if isinstance(step, Conflict) else ()
    after = replace(
        slot,
        content=local or slot.content,
        deleted_at=None if local is not None else slot.deleted_at or now,
        base=remote,
        edited_at=_still_unconfirmed(slot.edited_at, local, remote),
        google=_copy_after(slot.google, event),
        sent=None,
        refetch=False,
        hold_id=None if remote is not None else slot.hold_id,
        open_conflicts=slot.open_conflicts + len(losses),
    )
    if not after.needs_attention:
        after = replace(after, failure=None, notify="none")
    elif slot.google is not None and slot.google.restriction not in (None, event.copy.restriction):
        # What Google refused for good it may take now.
        after = replace(after, failure=None)
    if changes and isinstance(step, Pull | DropLocal | Merge | Conflict):
        after = observe_change(after, "google", now, policy)
    return _finish(slot, keep_in_sight(after, now), step, changes, remote=remote, now=now)


def take_in_absence(slot: Slot, *, now: datetime, policy: LoopPolicy, of_others: bool = False) -> Intake:
    """Reconcile a slot with the fact that Google knows no event of its id.

    An insert whose outcome was unknown has not happened. An event that was there before has been deleted
    long enough ago for Google to have forgotten its tombstone. An instance is none any more, since its series
    has changed; what a person wrote in it becomes a slot of its own, unless it is `of_others`.
    """
    base = None if isinstance(slot.sent, Deletion) else slot.base
    step: Step = DropLocal()
    if not _goes_with_googles(slot) and not (of_others and slot.local is not None):
        step = reconcile(base, slot.local, None, edited_at=slot.edited_at, remote_edited_at=None)
    local = local_after(step, slot.local)
    changes = slot.changes_to(local)
    losses = step.losses if isinstance(step, Conflict) else ()
    after = replace(
        slot,
        deleted_at=None if local is not None else slot.deleted_at or now,
        base=None,
        edited_at=_still_unconfirmed(slot.edited_at, local, None),
        google=None,
        template_event_id=_former_event_id(slot),
        # The id of what was there is spent, that of a tombstone as well.
        generation=slot.generation + (0 if slot.base is None and slot.google is None else 1),
        sent=None,
        refetch=False,
        open_conflicts=slot.open_conflicts + len(losses),
        series=slot.series if local is None else None,
    )
    if not after.dirty:
        after = replace(after, failure=None, notify="none", hold_id=None)
    if changes:
        after = observe_change(after, "google", now, policy)
    return _finish(slot, keep_in_sight(after, now), step, changes, remote=None, now=now)


def slot_from_event(
    event: RemoteEvent,
    *,
    user_id: UUID,
    slot_id: UUID,
    calendar_id: str,
    listing: int,
    now: datetime,
    series: SeriesLink | None = None,
    returned: bool = False,
) -> Slot | None:
    """The slot for an event that was not known; `None` for a tombstone of something never seen.

    A cancelled instance is kept, since its series goes on without it. What has `returned` was made here under
    this slot id and then forgotten, perhaps with a database that was replaced by an older one. Clients may
    still know the slot, so its versions go on where they cannot have been.
    """
    content, deleted_at = event.content, None
    if content is None:
        if series is None:
            return None
        content, deleted_at = cancelled_content(series.original_start), now
    return Slot(
        user_id=user_id,
        id=slot_id,
        calendar_id=calendar_id,
        content=content,
        base=None if deleted_at else content,
        series=series,
        source="app" if returned else "google",
        version=version_beyond(now) if returned else 1,
        generation=generation_in(event.event_id) if returned else 0,
        created_at=now,
        updated_at=now,
        deleted_at=deleted_at,
        google=event.copy,
        seen_listing=listing,
        last_synced_at=now,
    )


def cancelled_content(original_start: OriginalStart) -> SlotContent:
    """A stand-in for a cancelled instance, of which Google tells only where it would have been."""
    if isinstance(original_start, datetime):
        return SlotContent("", Schedule(Timed(original_start, original_start, "UTC")))
    return SlotContent("", Schedule(AllDay(original_start, original_start + timedelta(days=1))))


def _former_event_id(slot: Slot) -> str | None:
    """The event whose place is taken when the slot is made anew, and which may turn out to be alive."""
    if slot.google is None or slot.series is not None:
        return slot.template_event_id
    return slot.google.event_id


def _goes_with_googles(slot: Slot) -> bool:
    """Whether an edit that Google has not got cannot outlive Google's copy, since others made the event.

    The edit stays in the deleted slot. A slot without a base was brought back by the user.
    """
    copy, base = slot.google, slot.base
    return slot.local is not None and base is not None and copy is not None and copy.of_others


def _still_unconfirmed(
    edited_at: Mapping[str, datetime], local: SlotContent | None, remote: SlotContent | None
) -> dict[str, datetime]:
    if local == remote or not edited_at:
        return {}
    if local is None:
        return {key: at for key, at in edited_at.items() if key == "deleted"}
    if remote is None:
        return {key: at for key, at in edited_at.items() if key != "deleted"}
    open_groups = local.changed_groups(remote)
    return {key: at for key, at in edited_at.items() if key in open_groups}


def _finish(
    before: Slot,
    after: Slot,
    step: Step,
    changes: Mapping[str, Mapping[str, Any]],
    *,
    remote: SlotContent | None,
    now: datetime,
) -> Intake:
    if changes or _status_changed(before.google, after.google):
        after = replace(after, version=before.version + 1, updated_at=now)
    losses = step.losses if isinstance(step, Conflict) else ()
    # What guests answer changes no version: nobody's edit is stale for it.
    changed = bool(changes) or _facts_changed(before.google, after.google)
    visible = (
        changed
        or bool(losses)
        or before.sync_state is not after.sync_state
        or before.google is None
        or after.google is None
    )
    if visible:
        after = replace(after, last_synced_at=now)
    origin: Origin = "merge" if isinstance(step, Merge | Conflict) else "google"
    lost = tuple(_lost_value(before.local, remote, loss) for loss in losses)
    return Intake(before, after, step, visible, changes, origin, lost)


def _copy_after(known: GoogleCopy | None, event: RemoteEvent) -> GoogleCopy:
    """Google's copy; of a tombstone, which may tell nothing but its etag, what was known before."""
    if event.content is not None or known is None:
        return event.copy
    updated_at = event.copy.updated_at or known.updated_at
    return replace(known, etag=event.copy.etag, updated_at=updated_at, only_looked_up=False)


def _status_changed(before: GoogleCopy | None, after: GoogleCopy | None) -> bool:
    """Whether the event became tentative, or is so no more: a field of the slot that Google alone sets."""
    if before is None or after is None:
        return False
    return before.facts.get("status") != after.facts.get("status")


def _facts_changed(before: GoogleCopy | None, after: GoogleCopy | None) -> bool:
    """Whether a client that knew the copy would see another one; a first link is no change of the slot."""
    if before is None or after is None:
        return False
    return (before.facts, before.restriction) != (after.facts, after.restriction)


def _lost_value(local: SlotContent | None, remote: SlotContent | None, loss: Loss) -> LostValue:
    def value(content: SlotContent | None) -> Any:
        if loss.group == "deleted":
            return "deleted" if content is None else "edited"
        assert content is not None  # noqa: S101  # fields are only contested between two contents
        return group_value(content, loss.group)

    winner, loser = (local, remote) if loss.winner == "local" else (remote, local)
    return LostValue(loss.group, loss.winner, losing_value=value(loser), winning_value=value(winner))
