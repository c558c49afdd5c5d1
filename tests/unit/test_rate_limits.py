"""Windows of a minute: what is let through, how long to wait, and that nothing piles up."""

from __future__ import annotations

from datetime import timedelta

import pytest

import services.rate_limits as module
from services.rate_limits import RateLimits, Rule, neighbourhood
from tests.engine.world import ManualClock

RULE = Rule("story", 3)


def limits(clock: ManualClock, per_minute: int = 3) -> RateLimits:
    return RateLimits(clock=clock, per_minute=per_minute)


def test_the_first_of_a_minute_pass_and_the_next_one_is_told_exactly_how_long_to_wait():
    clock = ManualClock()
    counted = limits(clock)
    assert [counted.hit(RULE, "ada") for _ in range(3)] == [None, None, None]
    clock.advance(timedelta(seconds=17.5))
    assert counted.hit(RULE, "ada") == 43
    clock.advance(timedelta(seconds=42.4))
    assert counted.hit(RULE, "ada") == 1
    clock.advance(timedelta(seconds=1))
    assert counted.hit(RULE, "ada") is None


def test_waiting_as_long_as_told_is_enough():
    clock = ManualClock()
    counted = limits(clock)
    for _ in range(3):
        counted.hit(RULE, "ada")
    wait = counted.hit(RULE, "ada")
    assert wait is not None
    clock.advance(timedelta(seconds=wait))
    assert counted.hit(RULE, "ada") is None


def test_who_goes_on_asking_does_not_wait_longer_for_it():
    clock = ManualClock()
    counted = limits(clock)
    waits = []
    for _ in range(60):
        waits.append(counted.hit(RULE, "ada"))
        clock.advance(timedelta(seconds=1))
    assert waits == [None, None, None, *range(57, 0, -1)]
    assert counted.hit(RULE, "ada") is None


def test_people_and_rules_count_for_themselves():
    counted = limits(ManualClock())
    for _ in range(3):
        counted.hit(RULE, "ada")
    assert counted.hit(RULE, "ada") is not None
    assert counted.hit(RULE, "bob") is None
    assert counted.hit(Rule("another", 3), "ada") is None


def test_zero_switches_everything_off():
    counted = limits(ManualClock(), per_minute=0)
    assert {counted.hit(RULE, "ada") for _ in range(100)} == {None}


def test_a_crowd_of_addresses_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_KEYS", 50)
    clock = ManualClock()
    windows = module._Windows(clock)
    for number in range(200):
        windows.incr(f"key {number}", 60)
    assert len(windows._windows) == 50
    assert windows.get("key 199") == 1
    clock.advance(timedelta(seconds=61))
    windows.incr("somebody", 60)
    assert list(windows._windows) == ["somebody"]


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_address_counts_as_its_network(address: str, counts_as: str):
    assert neighbourhood(address) == counts_as
