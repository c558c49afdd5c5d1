"""What must happen now and then: a run in which a fault or a branch never came up proves nothing about it.

Each is expected once in so many histories; a long run in which it is much rarer fails, as its plans have
become too narrow.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from services import sync_engine
from services.core import intake
from services.core.reconcile import Conflict

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

FAULTS: Final = (
    *("struck kill", "struck cancel", "struck pause", "stopped"),
    *("database before", "database during", "database after"),
    *("fault drop before", "fault drop after", "fault truncate", "fault late", "fault pause"),
    *("fault html_503", "fault not_json", "fault 400", "fault 401", "fault 403", "fault 404", "fault 409"),
    *("fault 410", "fault 412", "fault 429", "fault 500", "fault 503"),
    *("sync tokens forgotten", "access tokens expired", "empty page", "calendar shown empty", "stale pages"),
    *("notification lost", "notification doubled", "notification late", "notification of an unknown channel"),
    *("event denied", "fight", "tokens raced", "channel replaced", "clocks change within a series"),
    *("google's clock is off", "channel forgotten", "google's clock steps", "our clock steps"),
)
"""What goes wrong."""
PEOPLE: Final = (
    *("create", "edit", "drop", "restore", "born", "google_edit", "google_delete", "google_undelete"),
    *("google_reminders", "google_extras", "resolve", "review", "request sent again"),
    *("google_touches", "etag renewed", "edited beside new etags"),
    *("edit_several", "take_back", "change taken back", "erased", "erased without a trace"),
    *("relink", "disconnect", "initialize", "revoke", "ask_for_sync"),
    *("google_mass_deletion", "deletions held", "hold rejected", "hold approved"),
    *("move", "move_and_edit", "move_and_google_edit", "moved in the app", "edited on its way"),
    "calendar left",
)
"""What people do."""
BRANCHES: Final = (
    *("reconcile Keep", "reconcile Push", "reconcile Pull", "reconcile DropLocal", "reconcile DropRemote"),
    *("reconcile Merge", "reconcile Conflict local", "reconcile Conflict remote"),
    *("reconcile Conflict deleted there", "reconcile Conflict deleted here"),
)
"""Every way in which two sides are reconciled."""
INTERNAL_ERROR: Final = "internal error"
_ONCE_IN: Final = 500
"""Histories, in which each is expected several times."""


def missing(happened: Counter[str], *, histories: int) -> list[str]:
    """What happened too seldom in so many histories; a short run is not judged."""
    least = histories // _ONCE_IN
    return [what for what in (*FAULTS, *PEOPLE, *BRANCHES) if happened[what] < least]


@contextmanager
def branches_counted(happened: Counter[str]) -> Iterator[None]:
    """Count which way each reconciliation goes."""
    decide = intake.reconcile  # type: ignore[attr-defined]  # where it is looked up

    def counting(*contents: Any, **circumstances: Any) -> Any:
        step = decide(*contents, **circumstances)
        name = f"reconcile {type(step).__name__}"
        if isinstance(step, Conflict):
            happened.update({_kind_of(name, loss) for loss in step.losses})
        else:
            happened[name] += 1
        return step

    with patch.object(intake, "reconcile", counting):
        yield


@contextmanager
def internal_errors_counted(happened: Counter[str]) -> Iterator[None]:
    """Count the runs that fail for no reason that was thought of, also where the next one succeeds."""
    right = sync_engine.SyncError  # type: ignore[attr-defined]  # where it is looked up

    def noting(reason: str, *more: Any) -> Any:
        happened[INTERNAL_ERROR] += reason == "internal-error"
        return right(reason, *more)

    with patch.object(sync_engine, "SyncError", noting):
        yield


def _kind_of(name: str, loss: Any) -> str:
    if loss.group == "deleted":
        return f"{name} deleted {'here' if loss.winner == 'remote' else 'there'}"
    return f"{name} {loss.winner}"
