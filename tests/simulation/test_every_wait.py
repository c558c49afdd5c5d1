"""A process is struck at each wait in turn, one after the other, until a story takes no more of them.

Random strikes find what is likely; these find what takes one certain moment.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.history import play
from tests.simulation.plan import Happening, Plan, Shape, draw
from tests.simulation.processes import Strike

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
}
LEAST = 30
"""Waits that every story takes."""


def plan_of(kinds: tuple[str, ...], strike: Strike, wait: int) -> Plan:
    """The story, with a strike at this wait after it has begun."""
    began = 10.0
    told = [Happening(0.1, kind, number) for number, kind in enumerate(("create", "born", "born"))]
    told += [Happening(began + 0.2 * number, kind, 100 + number) for number, kind in enumerate(kinds)]
    told.append(Happening(began, f"strike {strike} {wait}", 0))
    # Until then strikes are not called off.
    told.append(Happening(began + 60, "read_feed", 0))
    plan = draw(1)
    return replace(plan, shape=CALM, happenings=tuple(sorted(told, key=lambda each: each.at)))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("strike", Strike)
def test_a_strike_at_any_wait_loses_and_doubles_nothing(story: str, strike: Strike):
    wait, missed = 0, 0
    while missed < 3:
        wait += 1
        verdict = play(plan_of(STORIES[story], strike, wait))
        assert verdict.passed, f"{story}, {strike} at wait {wait}: {verdict.failure}"
        missed = 0 if verdict.happened[f"struck {strike}"] else missed + 1
    assert wait > LEAST
