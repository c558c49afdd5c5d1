"""Replicas share the time of their database, as far as it can be known."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from services.core.errors import DatabaseUnavailableError
from services.shared_clock import SharedClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TRUE = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Machine:
    """A clock that is off, over time that passes when it is told to."""

    def __init__(self, off: timedelta) -> None:
        self.off = off
        self.passed = timedelta()

    def now(self) -> datetime:
        return TRUE + self.passed + self.off

    def monotonic(self) -> float:
        return self.passed.total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.passed += timedelta(seconds=seconds)


def database(machine: Machine, *, there: timedelta, back: timedelta) -> Callable[[], Awaitable[datetime]]:
    """Tells the true time; question and answer are on their way for so long."""

    async def told() -> datetime:
        machine.passed += there
        time = TRUE + machine.passed
        machine.passed += back
        return time

    return told


@pytest.mark.parametrize("off", [-600 * SECOND, -SECOND, SECOND, 600 * SECOND])
async def test_a_clock_that_is_off_shows_the_time_of_the_database(off: timedelta) -> None:
    machine = Machine(off)
    clock = SharedClock(machine)
    assert clock.now() == TRUE + off
    await clock.set_by(database(machine, there=SECOND / 100, back=SECOND / 100))
    assert clock.now() == TRUE + machine.passed
    await clock.sleep(60)
    assert clock.now() == TRUE + machine.passed
    assert clock.monotonic() == machine.monotonic()


async def test_a_clock_that_is_set_meanwhile_is_corrected_anew() -> None:
    machine = Machine(600 * SECOND)
    clock = SharedClock(machine)
    told = database(machine, there=SECOND / 100, back=SECOND / 100)
    await clock.set_by(told)
    machine.off = timedelta()
    await clock.set_by(told)
    assert clock.now() == TRUE + machine.passed


@pytest.mark.parametrize(("there", "back"), [(0, 30), (30, 0), (15, 15)])
async def test_what_a_slow_answer_may_be_wrong_by_is_no_reason_to_move(there: int, back: int) -> None:
    machine = Machine(timedelta())
    clock = SharedClock(machine)
    await clock.set_by(database(machine, there=there * SECOND, back=back * SECOND))
    assert clock.now() == TRUE + machine.passed


@pytest.mark.parametrize(("there", "back"), [(0, 30), (30, 0)])
async def test_a_slow_answer_still_corrects_what_is_further_off(there: int, back: int) -> None:
    machine = Machine(600 * SECOND)
    clock = SharedClock(machine)
    await clock.set_by(database(machine, there=there * SECOND, back=back * SECOND))
    assert abs(clock.now() - (TRUE + machine.passed)) <= 15 * SECOND


async def test_a_database_without_a_time_or_an_answer_changes_nothing() -> None:
    machine = Machine(600 * SECOND)
    clock = SharedClock(machine)

    async def nothing() -> None:
        return None

    async def unavailable() -> datetime:
        raise DatabaseUnavailableError("gone")

    await clock.set_by(nothing)
    assert clock.now() == TRUE + 600 * SECOND
    await clock.set_by(database(machine, there=SECOND / 100, back=SECOND / 100))
    await clock.set_by(unavailable)
    assert clock.now() == TRUE + machine.passed


async def test_an_operator_is_told_of_a_clock_that_is_far_off(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine(-600 * SECOND)
    clock = SharedClock(machine)
    with caplog.at_level(logging.WARNING):
        await clock.set_by(database(machine, there=SECOND / 100, back=SECOND / 100))
        await clock.set_by(database(machine, there=SECOND / 100, back=SECOND / 100))
    assert [record.getMessage() for record in caplog.records] == [
        "this machine's clock is off by -600 s from the database's, whose time is used"
    ]
