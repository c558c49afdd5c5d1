"""What fails for no reason that was thought of is seen, though nothing that people see is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.session_service import SessionService
from services.sync_pull import Puller
from tests.simulation.drawing import draw
from tests.simulation.history import play

if TYPE_CHECKING:
    import pytest


def test_a_run_that_fails(monkeypatch: pytest.MonkeyPatch):
    right, pulls = Puller.pull, []

    async def pull(self: Any, run: Any) -> None:
        pulls.append(run)
        if len(pulls) == 2:
            raise RuntimeError
        await right(self, run)

    monkeypatch.setattr(Puller, "pull", pull)
    verdict = play(draw(1))
    assert not verdict.passed
    assert verdict.happened["internal error"] == 1


def test_what_is_done_from_time_to_time(monkeypatch: pytest.MonkeyPatch):
    async def sweep(_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(SessionService, "sweep", sweep)
    assert play(draw(1)).failure == "something failed with an internal error"
