"""The judge of single events sees what it is there for."""

from __future__ import annotations

import pytest

from tests.judges.ancestry import Ledger, judge_ancestry


def judged(ledger: Ledger, *standing: str, losers: tuple[str, ...] = ()) -> None:
    """Judge an account in which one thing was created, "app 0"."""
    judge_ancestry(ledger, standing=standing, losers=losers, titles=["app 0"])


@pytest.fixture
def ledger() -> Ledger:
    """Of one thing that was given another title by somebody who had seen the first."""
    ledger = Ledger()
    ledger.note("app 0")
    ledger.note("title-1", saw="app 0")
    return ledger


def test_the_last_edit_stands(ledger: Ledger):
    judged(ledger, "title-1")


@pytest.mark.parametrize("standing", [("title-1", "title-1"), ("title-1", "app 0")])
def test_what_stands_twice_is_seen_whatever_became_of_either(ledger: Ledger, standing: tuple[str, ...]):
    ledger.late = True
    with pytest.raises(AssertionError, match="app 0 stands twice"):
        judged(ledger, *standing)


def test_an_edit_that_stands_nowhere_is_lost(ledger: Ledger):
    with pytest.raises(AssertionError, match="title-1 was lost"):
        judged(ledger, "app 0")


def test_a_conflict_keeps_what_lost_to_an_edit_that_had_not_seen_it(ledger: Ledger):
    ledger.note("title-2", saw="app 0")
    judged(ledger, "title-2", losers=("title-1",))


def test_an_edit_does_not_lose_to_what_it_had_seen(ledger: Ledger):
    with pytest.raises(AssertionError, match="title-1 lost to app 0"):
        judged(ledger, "app 0", losers=("title-1",))
