"""Defects in how things go from one calendar to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services import sync_moves, sync_outcomes, sync_push, sync_sorting
from services.core.frozen import replace
from services.core.records import Slot
from services.sync_calls import Overtaken
from tests.simulation.mutants.kit import mutant, used_by

if TYPE_CHECKING:
    from pytest import MonkeyPatch  # noqa: PT013  # the name alone


@mutant("move", "event_denied", "edit", second_calendar=True)
def one_denial_undoes_a_move(patch: MonkeyPatch) -> None:
    """When Google says once that it knows no such event where one has moved to, it is brought back where it
    was: it stands twice."""
    patch.setattr(Overtaken, "is_denial", property(lambda outcome: outcome.event is None))


@mutant("move", "google_delete", second_calendar=True)
def what_is_gone_moves_for_ever(patch: MonkeyPatch) -> None:
    """A slot that was to move and is gone on both sides keeps its calendar busy without a pause."""
    patch.setattr(Slot, "_is_to_move", property(lambda slot: slot.moving_to is not None))


@mutant("move", "tokens_forgotten", "google_delete", second_calendar=True)
def listings_of_former_calendars_count(patch: MonkeyPatch) -> None:
    """What has moved counts as shown by listings of its new calendar that never had it: its deletion is
    overlooked."""
    for module in (sync_moves, sync_sorting):
        patch.setattr(module, "arrived", _as_seen(used_by(module, "arrived")))


def _as_seen(right: Any) -> Any:
    def arrived(slot: Any, calendar_id: str) -> Any:
        return replace(right(slot, calendar_id), seen_listing=slot.seen_listing)

    return arrived


@mutant("move", "move_and_edit", "edit", second_calendar=True)
def slots_are_pushed_where_they_were(patch: MonkeyPatch) -> None:
    """A run goes on with what has left its calendar meanwhile, as if it were there still."""
    patch.setattr(
        sync_push,
        "_is_due_here",
        lambda run, slot, now: slot.id not in run.behind and slot.push_at is not None and slot.push_at <= now,
    )

    async def always(*_: Any) -> bool:
        return True

    patch.setattr(sync_outcomes, "_concerns", always)


@mutant("move", "call_fails", second_calendar=True)
def refused_moves_are_not_told(patch: MonkeyPatch) -> None:
    """A move that Google refuses is undone, and the history of the slot goes on telling of it."""
    stayed = used_by(sync_moves, "stayed")

    async def silent(tx: Any, slot: Any, failure: Any, *, now: Any) -> None:
        kept = replace(stayed(slot, failure), version=slot.version + 1, updated_at=now)
        await tx.slots.save([kept])

    for module in (sync_moves, sync_outcomes):
        patch.setattr(module, "store_refusal", silent)
