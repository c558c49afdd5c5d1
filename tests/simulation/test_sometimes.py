"""A run in which something never happens proves nothing about it, and says so."""

from __future__ import annotations

from collections import Counter

from tests.simulation.drawing import draw
from tests.simulation.history import play
from tests.simulation.sometimes import BRANCHES, FAULTS, PEOPLE, missing

EVERYTHING = {*FAULTS, *PEOPLE, *BRANCHES}


def test_what_happened_often_enough_is_not_missed():
    assert missing(Counter(dict.fromkeys(EVERYTHING, 4)), histories=2000) == []


def test_what_never_or_hardly_ever_happened_is():
    happened = Counter(dict.fromkeys(EVERYTHING, 4))
    del happened["struck pause"]
    happened["reconcile Merge"] = 3
    assert set(missing(happened, histories=2000)) == {"struck pause", "reconcile Merge"}


def test_a_short_run_is_not_judged():
    assert missing(Counter(), histories=499) == []


def test_what_happens_in_a_history_is_counted():
    happened: Counter[str] = Counter()
    for seed in range(30):
        happened += play(draw(seed)).happened
    assert happened["create"] >= 30
    assert happened["reconcile Keep"] >= 30
