"""A process is struck at each wait in turn, one after the other, until a story takes no more of them.

Random strikes find what is likely; these find what takes one certain moment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.simulation.drawing import draw
from tests.simulation.history import play
from tests.simulation.plan import Happening, Plan, Shape
from tests.simulation.processes import Strike

if TYPE_CHECKING:
    from collections.abc import Callable

CALM = Shape(
    replicas=2,
    users=1,
    webhooks=False,
    page_size=2,
    skews_s=(0.0, 0.0),
    breaker_limit=8,
    brake_minimum=10,
    confirm_one_by_one=50,
    slow=0.05,
)
BEGAN = 10.0
"""When each story begins."""
STORIES: dict[str, tuple[str, ...]] = {
    "an edit is pushed": ("edit",),
    "a slot is created": ("create",),
    "a slot is deleted": ("drop",),
    "an event is changed in Google": ("google_edit", "ask_for_sync"),
    "an event is deleted in Google": ("google_delete", "ask_for_sync"),
    "both sides edit": ("google_edit", "edit", "google_edit", "edit"),
    "a deleted slot is restored": ("drop", "restore"),
    "everything is listed again": ("tokens_forgotten", "google_edit", "edit", "ask_for_sync"),
    "the account is linked again": ("edit", "disconnect", "relink", "edit"),
    "an event gets another etag": ("edit", "google_touches all", "drop", "ask_for_sync"),
    "one of two users is erased": (
        "create",
        "edit",
        "erase",
        "create",
        "edit",
        "google_edit",
        "ask_for_sync",
    ),
}
DAILY = "RRULE:FREQ=DAILY;COUNT=5"
STORIES_OF_SERIES: dict[str, tuple[str, ...]] = {
    "an instance moves and its series in Google": (
        f"google_creates {DAILY}",
        "app_moves this",
        "google_moves all",
        "ask_for_sync",
    ),
    "this and all that follow are written": (f"app_creates {DAILY}", "app_writes following"),
    "an exception is deleted": (f"app_creates {DAILY}", "app_writes this", "app_deletes this"),
}
"""What there is first, and then what happens: all of it to the third of five instances."""
THIRD = 4
"""Dice that choose it."""
LEAST = 30
"""Waits that every story takes."""


def plan_of(kinds: tuple[str, ...], strike: Strike, wait: int) -> Plan:
    """The story, with a strike at this wait after it has begun."""
    told = [Happening(0.1, kind, number) for number, kind in enumerate(("create", "born", "born"))]
    told += [Happening(BEGAN + 0.2 * number, kind, 100 + number) for number, kind in enumerate(kinds)]
    shape = replace(CALM, users=2) if "erase" in kinds else CALM
    return _struck(shape, told, strike, wait)


def plan_of_series(kinds: tuple[str, ...], strike: Strike, wait: int) -> Plan:
    """The same of a series."""
    first, *then = kinds
    told = [Happening(0.1, first, THIRD)]
    told += [Happening(BEGAN + 0.2 * number, kind, THIRD) for number, kind in enumerate(then)]
    return _struck(replace(CALM, series=True), told, strike, wait)


def _struck(shape: Shape, told: list[Happening], strike: Strike, wait: int) -> Plan:
    told.append(Happening(BEGAN, f"strike {strike} {wait}", 0))
    # Until then strikes are not called off.
    told.append(Happening(BEGAN + 60, "read_feed", 0))
    return replace(draw(1), shape=shape, happenings=tuple(sorted(told, key=lambda each: each.at)))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("strike", Strike)
def test_a_strike_at_any_wait_loses_and_doubles_nothing(story: str, strike: Strike):
    _at_each_wait(lambda wait: plan_of(STORIES[story], strike, wait), strike)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("story", STORIES_OF_SERIES)
@pytest.mark.parametrize("strike", Strike)
def test_nor_does_it_in_a_series(story: str, strike: Strike):
    _at_each_wait(lambda wait: plan_of_series(STORIES_OF_SERIES[story], strike, wait), strike)


def _at_each_wait(plan_at: Callable[[int], Plan], strike: Strike) -> None:
    wait, missed = 0, 0
    while missed < 3:
        wait += 1
        verdict = play(plan_at(wait))
        assert verdict.passed, f"{strike} at wait {wait}: {verdict.failure}"
        missed = 0 if verdict.happened[f"struck {strike}"] else missed + 1
    assert wait > LEAST
