"""Processes that are struck: killed, cancelled or made to stand still, at the wait that was asked for."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from tests.simulation.loop import run
from tests.simulation.processes import ConnectionLostError, Process, Strike, owned_tasks


async def pause(seconds: float = 1.0) -> None:
    await asyncio.sleep(seconds)  # noqa: TID251


def played(strike: Strike | None, *, after: int = 2, seconds: float = 0.0) -> tuple[list[Any], Any]:
    """What a request to a process did that is struck, and what its client got."""
    did: list[Any] = []

    async def request() -> str:
        try:
            for step in range(4):
                await pause()
                did.append(step)
        except asyncio.CancelledError:
            did.append("cancelled")
            raise
        finally:
            did.append("finally")
        return "answer"

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(owned_tasks)
        process = Process("one", on_strike=lambda _: None, on_death=lambda _: None)
        if strike is not None:
            process.arm(strike, after=after, seconds=seconds)
        try:
            return await process.answer(request()), loop.time()
        except ConnectionLostError:
            return "lost", loop.time()
        finally:
            seen.extend(did)
            process.close()

    seen: list[Any] = []
    return seen, run(main(), random.Random(1))


def test_a_process_that_nothing_befalls_answers():
    did, (answer, took) = played(None)
    assert (did, answer, took) == ([0, 1, 2, 3, "finally"], "answer", pytest.approx(4))


def test_a_killed_process_does_nothing_more_not_even_what_stands_in_finally():
    did, (answer, _) = played(Strike.KILL)
    assert (did, answer) == ([0], "lost")


def test_a_cancelled_task_tidies_up():
    did, (answer, _) = played(Strike.CANCEL)
    assert (did, answer) == ([0, "cancelled", "finally"], "lost")


def test_a_process_that_stands_still_goes_on_later():
    did, (answer, took) = played(Strike.PAUSE, seconds=100)
    assert (did, answer) == ([0, 1, 2, 3, "finally"], "answer")
    assert took > 100


def test_what_a_process_starts_dies_with_it():
    did: list[str] = []

    async def child() -> None:
        await pause(5)
        did.append("child")

    async def parent() -> None:
        task = asyncio.create_task(child())
        await pause(1)
        await task

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(owned_tasks)
        process = Process("one", on_strike=lambda _: None, on_death=lambda _: None)
        task = process.spawn(parent())
        await pause(2)
        process.kill()
        await asyncio.wait([task])
        await pause(10)
        assert not process.tasks
        process.close()

    run(main(), random.Random(1))
    assert did == []


def test_a_dead_process_answers_nobody():
    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(owned_tasks)
        process = Process("one", on_strike=lambda _: None, on_death=lambda _: None)
        process.kill()
        with pytest.raises(ConnectionLostError):
            await process.answer(pause())

    run(main(), random.Random(1))
