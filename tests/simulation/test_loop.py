"""The loop in virtual time: it leans on private names of asyncio, so what it promises is looked at."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.simulation.loop import DeadlockError, LivelockError, SimulatedLoop, run


def test_an_hour_takes_no_time():
    async def main() -> float:
        await asyncio.sleep(3600)  # noqa: TID251
        return asyncio.get_running_loop().time()

    assert run(main(), random.Random(1)) == pytest.approx(3600)


def orders(seed: int) -> list[int]:
    order: list[int] = []

    async def worker(number: int) -> None:
        for _ in range(3):
            await asyncio.sleep(0)  # noqa: TID251
            order.append(number)

    async def main() -> None:
        await asyncio.gather(*(worker(number) for number in range(5)))

    run(main(), random.Random(seed))
    return order


def test_who_goes_first_is_drawn_from_the_seed():
    assert orders(1) == orders(1)
    assert len({tuple(orders(seed)) for seed in range(20)}) > 10


def test_timers_fire_in_order():
    fired: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for delay in (3.0, 1.0, 2.0):
            loop.call_later(delay, fired.append, delay)
        await asyncio.sleep(5)  # noqa: TID251

    run(main(), random.Random(1))
    assert fired == [1.0, 2.0, 3.0]


def test_waiting_for_what_never_happens_is_an_error():
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(DeadlockError):
        run(main(), random.Random(1))


def test_going_round_and_round_is_an_error():
    async def main() -> None:
        while True:  # noqa: ASYNC110  # this is what must not go on
            await asyncio.sleep(0)  # noqa: TID251

    with pytest.raises(LivelockError):
        run(main(), random.Random(1))


def test_threads_are_not_needed():
    async def main() -> int:
        return await asyncio.to_thread(lambda: 42)

    assert run(main(), random.Random(1)) == 42


async def test_a_simulation_leaves_the_loop_of_others_alone():
    assert not isinstance(asyncio.get_running_loop(), SimulatedLoop)
