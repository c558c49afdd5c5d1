"""Sliding minutes: never over the limit, never waiting for nothing, never too long."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.errors import FailureClass, VendorError
from services.google.quota import NoPacing, QuotaPacer, QuotaPolicy
from services.google.server_clock import ServerClock
from tests.google.world import NOW, ManualClock

ADA, BOB = UUID(int=1), UUID(int=2)


def pacer(
    clock: ManualClock, *, user: int = 10, project: int | None = None, wait_s: float = 120
) -> QuotaPacer:
    return QuotaPacer(
        clock=clock,
        policy=QuotaPolicy(
            user_units_per_minute=user,
            project_units_per_minute=project,
            longest_wait=timedelta(seconds=wait_s),
        ),
    )


@given(st.lists(st.tuples(st.sampled_from([1, 3]), st.floats(0, 20)), max_size=80))
async def test_no_minute_holds_more_than_the_limit(calls: list[tuple[int, float]]) -> None:
    clock = ManualClock()
    pacing, spent = pacer(clock), []
    for units, pause_s in calls:
        clock.advance(timedelta(seconds=pause_s))
        before = clock.monotonic()
        await pacing.spend(ADA, units)
        at = clock.monotonic()
        spent.append((at, units))
        in_window = sum(each for then, each in spent if then > at - 60 + 1e-3)
        assert in_window <= 10
        if at > before:
            # Whoever waited waited for a full minute's worth.
            assert sum(each for then, each in spent if then >= at - 60 - 1e-3) > 10


async def test_a_wait_that_is_too_long_is_refused_and_costs_nothing() -> None:
    clock = ManualClock()
    pacing = pacer(clock, wait_s=5)
    for _ in range(10):
        await pacing.spend(ADA, 1)

    for _ in range(3):
        with pytest.raises(VendorError) as caught:
            await pacing.spend(ADA, 3)
        assert caught.value.failure is FailureClass.RATE_LIMITED
        assert caught.value.retry_after == timedelta(seconds=60)
    assert clock.slept == []

    clock.advance(timedelta(seconds=56))
    await pacing.spend(ADA, 3)
    assert clock.slept == [pytest.approx(4)]


async def test_one_user_does_not_wait_for_another() -> None:
    clock = ManualClock()
    pacing = pacer(clock, project=100)
    for _ in range(10):
        await pacing.spend(ADA, 1)

    await pacing.spend(BOB, 3)

    assert clock.slept == []


async def test_all_share_the_project() -> None:
    clock = ManualClock()
    pacing = pacer(clock, project=4)
    await pacing.spend(ADA, 3)

    await pacing.spend(BOB, 3)

    assert clock.slept == [pytest.approx(60)]


async def test_pacing_can_be_switched_off() -> None:
    for _ in range(10_000):
        await NoPacing().spend(ADA, 3)


def learned(*answers: tuple[float, float, float]) -> float:
    """The estimate after answers of (date, sent, received), in seconds."""
    server = ServerClock()
    for date, sent, received in answers:
        server.learn(
            NOW + timedelta(seconds=date),
            sent_at=NOW + timedelta(seconds=sent),
            received_at=NOW + timedelta(seconds=received),
        )
    return server.ahead.total_seconds()


@pytest.mark.parametrize(
    ("answers", "ahead"),
    [
        ([], 0),
        ([(0, 0.9, 0.95)], 0),
        ([(-1, 0.1, 0.2), (0, 0.0, 0.8), (1, 0.9, 1.1)], pytest.approx(0, abs=1)),
        ([(10, 0, 0.1)], pytest.approx(10, abs=1)),
        ([(-10, 0, 0.1)], pytest.approx(-10, abs=1)),
        # A slow answer says little, and does not undo what a fast one said.
        ([(10, 0, 0.1), (15, 0, 30)], pytest.approx(10, abs=1)),
        ([(0, 0, 30)], 0),
        ([(10, 0, 0.1), (60, 60, 60.1)], pytest.approx(0, abs=1)),
    ],
)
def test_an_answer_moves_the_clock_only_when_it_contradicts(answers, ahead) -> None:
    assert learned(*answers) == ahead


def test_an_answer_without_a_date_says_nothing() -> None:
    server = ServerClock()

    server.learn(None, sent_at=NOW, received_at=NOW)

    assert server.ahead == timedelta(0)
