"""Defects in what another etag is taken for where nothing else has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services import sync_missing, sync_outcomes, sync_sorting
from services.core import intake
from services.core.frozen import replace
from tests.simulation.mutants.kit import mutant, used_by

if TYPE_CHECKING:
    from pytest import MonkeyPatch  # noqa: PT013  # the name alone

_TAKING_IN = (sync_outcomes, sync_sorting, sync_missing)


@mutant("google_touches", "edit")
def new_etags_are_edits(patch: MonkeyPatch) -> None:
    """An event with another etag counts as edited, though nothing of it has changed: what is edited here
    meanwhile loses to what it had replaced."""
    _taking_in(patch, lambda slot: replace(slot, base=None), lambda after: after)


@mutant("google_touches")
def new_etags_are_written_back(patch: MonkeyPatch) -> None:
    """An event with another etag is written to Google once more, as it is there already."""
    _taking_in(patch, lambda slot: slot, _with_another_base)


@mutant("google_touches")
def new_etags_are_new_versions(patch: MonkeyPatch) -> None:
    """Another etag makes another version of the slot: whoever edits what they have seen is refused."""
    _taking_in(patch, lambda slot: slot, lambda after: replace(after, version=after.version + 1))


def _taking_in(patch: MonkeyPatch, before: Any, after: Any) -> None:
    """Have slots changed before, and after, nothing but another etag is taken in."""
    right = used_by(intake, "take_in")

    def take_in(slot: Any, event: Any, **more: Any) -> Any:
        known = slot.google
        if known is None or event.content is None or slot.sent is not None or more.get("landed"):
            return right(slot, event, **more)
        if known.etag == event.copy.etag or slot.base != event.content:
            return right(slot, event, **more)
        taken = right(before(slot), event, **more)
        return replace(taken, slot=after(taken.slot))

    for module in _TAKING_IN:
        patch.setattr(module, "take_in", take_in)


def _with_another_base(slot: Any) -> Any:
    return replace(slot, base=replace(slot.base, title=f"{slot.base.title} once"))
