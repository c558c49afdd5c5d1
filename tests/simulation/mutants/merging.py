"""Defects in deciding what becomes of two sides that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services import sync_missing, sync_outcomes, sync_run, sync_sorting
from services.core import intake, merge, reconcile
from services.core.frozen import replace
from services.google.server_clock import ServerClock
from tests.simulation.mutants.kit import mutant, used_by

if TYPE_CHECKING:
    from pytest import MonkeyPatch  # noqa: PT013  # the name alone

_TAKING_IN = (sync_outcomes, sync_sorting, sync_missing)


@mutant()
def last_writer_wins(patch: MonkeyPatch) -> None:
    """The later edit takes the whole event: what the other side wrote into other fields is gone."""

    def whole(_base: Any, local: Any, remote: Any, *, edited_at: Any, remote_edited_at: Any, **_: Any) -> Any:
        winner = merge.later_edit(max(edited_at.values(), default=None), remote_edited_at)
        return merge.Merged(local if winner == "local" else remote)

    patch.setattr(reconcile, "merge", whole)


@mutant("edit", "google_edit")
def no_base(patch: MonkeyPatch) -> None:
    """Two sides are merged without what they last agreed on: a field that one side alone changed may go
    back to what it was."""
    right = used_by(reconcile, "merge")
    patch.setattr(reconcile, "merge", lambda _base, local, remote, **more: right(None, local, remote, **more))


@mutant("edit", "google_edit")
def the_earlier_edit_wins(patch: MonkeyPatch) -> None:
    """Where both sides changed one field, the older of the two values stays."""
    right = used_by(merge, "later_edit")

    def earlier(local_edited_at: Any, remote_edited_at: Any) -> Any:
        if local_edited_at is None or remote_edited_at is None:
            return "remote"
        return "remote" if right(local_edited_at, remote_edited_at) == "local" else "local"

    patch.setattr(merge, "later_edit", earlier)


@mutant("edit", "google_edit", "answer_lost", google_ahead_s=-600.0)
def googles_clock_is_believed(patch: MonkeyPatch) -> None:
    """Google's clock is taken for ours: where it is behind, whatever the app wrote beats what came later."""
    patch.setattr(ServerClock, "learn", lambda *_, **__: None)


@mutant()
def base_left_behind(patch: MonkeyPatch) -> None:
    """What Google has taken is not remembered as agreed on: the same edit is sent for ever."""
    right = used_by(sync_outcomes, "take_in")

    def forgetful(slot: Any, event: Any, *, landed: bool = False, **more: Any) -> Any:
        taken = right(slot, event, landed=landed, **more)
        return replace(taken, slot=replace(taken.slot, base=slot.base)) if landed else taken

    patch.setattr(sync_outcomes, "take_in", forgetful)


@mutant()
def what_came_is_sent_back(patch: MonkeyPatch) -> None:
    """A change of Google's is stored like an edit of the user's: it is written to Google once more."""
    for module in _TAKING_IN:
        patch.setattr(module, "take_in", _echoing(used_by(module, "take_in")))


def _echoing(right: Any) -> Any:
    def take_in(slot: Any, event: Any, **more: Any) -> Any:
        taken = right(slot, event, **more)
        if isinstance(taken.step, reconcile.Pull):
            return replace(taken, slot=replace(taken.slot, base=slot.base))
        return taken

    return take_in


@mutant("edit", "google_edit")
def losers_are_dropped(patch: MonkeyPatch) -> None:
    """The value that loses a conflict is kept nowhere."""
    patch.setattr(sync_run, "conflicts_of", lambda *_: [])


@mutant("edit", "google_edit")
def conflicts_are_not_counted(patch: MonkeyPatch) -> None:
    """A conflict is kept, but its slot does not say so: nobody finds it."""
    for module in _TAKING_IN:
        patch.setattr(module, "take_in", _uncounted(used_by(module, "take_in")))


def _uncounted(right: Any) -> Any:
    def take_in(slot: Any, event: Any, **more: Any) -> Any:
        taken = right(slot, event, **more)
        return replace(taken, slot=replace(taken.slot, open_conflicts=slot.open_conflicts))

    return take_in


@mutant("google_delete", "edit", "drop", "google_edit")
def deletion_beats_edit(patch: MonkeyPatch) -> None:
    """Whoever deletes takes along what somebody else has just written."""
    right = used_by(intake, "reconcile")

    def harsh(base: Any, local: Any, remote: Any, **more: Any) -> Any:
        if base is not None and remote is None and local is not None:
            return reconcile.DropLocal()
        if base is not None and local is None and remote is not None:
            return reconcile.DropRemote()
        return right(base, local, remote, **more)

    patch.setattr(intake, "reconcile", harsh)
