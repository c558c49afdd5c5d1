"""Defects in series and their exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services import sync_outcomes, sync_pull, sync_push, sync_run, sync_sorting
from services.core import carrying, following
from services.core.frozen import replace
from services.google.requests import CalendarRequests
from services.sync_series import SeriesOfPage
from tests.simulation.mutants.kit import mutant, used_by

if TYPE_CHECKING:
    from pytest import MonkeyPatch  # noqa: PT013  # the name alone


@mutant("google_changes_rules", "google_deletes", "app_writes", of_series=True)
def exceptions_do_not_follow(patch: MonkeyPatch) -> None:
    """When a series changes at Google, its exceptions stay as they were: they show where nothing is."""

    async def stay(*_: Any, **__: Any) -> list[Any]:
        return []

    patch.setattr(sync_run, "let_exceptions_follow", stay)


@mutant("google_creates", "google_writes", "google_moves", of_series=True)
def orphans_stay_orphans(patch: MonkeyPatch) -> None:
    """An exception that was listed before its series never finds it: the instance shows twice."""

    async def bind_nothing(*_: Any, **__: Any) -> None:
        pass

    patch.setattr(sync_pull, "bind_orphans", bind_nothing)


@mutant("google_deletes", of_series=True)
def cancelled_instances_are_overlooked(patch: MonkeyPatch) -> None:
    """What Google has cancelled of a series goes on in the app."""
    right = used_by(sync_sorting, "slot_from_event")

    def living(event: Any, **more: Any) -> Any:
        return None if event.content is None else right(event, **more)

    patch.setattr(sync_sorting, "slot_from_event", living)


@mutant("app_writes", "app_moves", "app_changes_rules", of_series=True)
def carried_exceptions_leave_their_events(patch: MonkeyPatch) -> None:
    """An exception that goes to another instance leaves its event at Google: it shows in both places."""
    right = used_by(carrying, "left_behind")

    def forgotten(exception: Any, instance: Any, **more: Any) -> Any:
        left = right(exception, instance, **more)
        return replace(left, google=None, base=left.local, series=None)

    patch.setattr(carrying, "left_behind", forgotten)


@mutant("google_changes_rules", "google_moves", "app_writes", of_series=True)
def listed_instances_are_always_new(patch: MonkeyPatch) -> None:
    """An exception that was made on both sides at once becomes two slots."""
    patch.setattr(SeriesOfPage, "exception", lambda _self, _instance: None)


@mutant("answer_lost", "kill", "app_creates", of_series=True)
def google_chooses_ids_of_series(patch: MonkeyPatch) -> None:
    """An insert names no id: when its answer is lost, the series is made a second time, on both sides."""
    right = CalendarRequests.insert

    def nameless(self: Any, calendar_id: str, body: Any, **more: Any) -> Any:
        named = {name: value for name, value in body.items() if name != "id"}
        return right(self, calendar_id, named, **more)

    patch.setattr(CalendarRequests, "insert", nameless)


@mutant("app_writes", "app_moves", of_series=True)
def exceptions_are_not_carried(patch: MonkeyPatch) -> None:
    """When a series is moved or split, its exceptions stay behind at places that it has no longer."""
    right = used_by(carrying, "_exchange")

    def left(result: Any, carried: Any, *more: Any) -> None:
        del carried
        right(result, [], *more)

    patch.setattr(carrying, "_exchange", left)


@mutant("google_writes this", "app_moves all", of_series=True)
def series_are_moved_unseen(patch: MonkeyPatch) -> None:
    """A series is moved or ended without looking first what somebody has made of its instances in Google,
    which is gone then."""
    patch.setattr(sync_push, "is_behind", lambda *_: False)


@mutant("app_writes this", "google_writes all", of_series=True)
def instances_stay_exceptions(patch: MonkeyPatch) -> None:
    """An instance that is as its series has it counts as an exception: it stays when the series changes."""
    patch.setattr(sync_outcomes, "unless_plain", lambda _before, after, _series: after)


@mutant("app_deletes this", "google_writes all", of_series=True)
def a_changed_series_undoes_cancellations(patch: MonkeyPatch) -> None:
    """That a series was changed in Google counts as an edit of an instance that was cancelled here, which is
    back."""
    # Where one does not see to it, the other one does.
    patch.setattr(sync_outcomes, "looked_at", lambda slot, *_: slot)
    patch.setattr(following, "_still_cancelled", lambda exception, _series: exception)
