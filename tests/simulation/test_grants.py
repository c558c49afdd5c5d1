"""Whom the judge blames where a grant is gone: who was told so and asks all the same."""

from __future__ import annotations

from services.google.transport import HttpRequest, HttpResponse
from tests.simulation.grants import DeadGrants
from tests.simulation.processes import Process

ASKING = HttpRequest("POST", "https://oauth2.googleapis.com/token", {}, b"refresh_token=of-what-is-gone")
GONE = HttpResponse(400, {}, b'{"error":"invalid_grant"}')
BUSY = HttpResponse(503, {}, b"")


def a_process(*, dead: bool = False, stands_until: float = 0.0) -> Process:
    return Process(
        "1.1", on_strike=lambda _: None, on_death=lambda _: None, dead=dead, stands_until=stands_until
    )


def test_who_asks_although_all_should_know_is_counted():
    grants = DeadGrants()
    grants.answered(ASKING, GONE, a_process(), sent_at=10.0, at=11.0)
    assert grants.refused_again == 0
    grants.answered(ASKING, GONE, a_process(), sent_at=60.0, at=61.0)
    grants.answered(ASKING, GONE, a_process(), sent_at=70.0, at=71.0)
    assert grants.refused_again == 2


def test_who_asks_before_the_others_can_have_told_is_not_counted():
    grants = DeadGrants()
    grants.answered(ASKING, GONE, a_process(stands_until=200.0), sent_at=10.0, at=11.0)
    grants.answered(ASKING, GONE, a_process(), sent_at=150.0, at=151.0)
    assert grants.refused_again == 0


def test_what_taught_nobody_anything_is_not_counted():
    """Where the first verdict is lost, the next one has to be asked for, however often the line fails."""
    grants = DeadGrants()
    grants.answered(ASKING, GONE, a_process(), sent_at=10.0, at=11.0)
    grants.answered(ASKING, BUSY, a_process(), sent_at=60.0, at=61.0)
    grants.answered(ASKING, GONE, a_process(dead=True), sent_at=70.0, at=71.0)
    assert grants.refused_again == 0
    grants.answered(ASKING, GONE, a_process(), sent_at=80.0, at=81.0)
    assert grants.refused_again == 1
