"""Defects in how requests are answered, and in how changes are taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.core import undo
from services.core.errors import DatabaseUnavailableError
from services.idempotency_service import IdempotencyService
from tests.simulation.mutants.kit import mutant

if TYPE_CHECKING:
    from pytest import MonkeyPatch  # noqa: PT013  # the name alone


@mutant("take_back", "edit", "google_edit")
def taking_back_takes_more(patch: MonkeyPatch) -> None:
    """Whoever takes a change back also takes back what somebody wrote into the same field since."""
    patch.setattr(undo, "_require_same", lambda *_: None)


@mutant("edit_several", "database_before", "database_during")
def answers_come_before_the_commit(patch: MonkeyPatch) -> None:
    """A request is answered as done, though the database did not take what it did."""
    right = IdempotencyService.once

    async def hasty(self: Any, *more: Any) -> Any:
        try:
            return await right(self, *more)
        except DatabaseUnavailableError:
            return None

    patch.setattr(IdempotencyService, "once", hasty)
