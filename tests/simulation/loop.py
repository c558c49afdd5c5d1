"""An event loop in virtual time: waiting takes none, and who goes first is drawn from a seed.

It has no selector, no socket and no thread. When everything waits, time jumps to the next timer; when
everything waits for nothing, that is an error and not a hang. It leans on private names of `asyncio`
(`_run_once`, `_ready`, `_scheduled`), which `tests/simulation/test_loop.py` watches over.
"""

from __future__ import annotations

import asyncio
import heapq
from asyncio import base_events
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Coroutine, Generator
    from contextvars import Context


class _Turn:
    """Awaited, it lets the others go first."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        yield


TURN: Final = _Turn()
"""A point at which somebody else may act."""


class DeadlockError(AssertionError):
    """Everybody waits, and nothing will ever happen."""


class LivelockError(AssertionError):
    """Something goes round and round."""


_MOST_TURNS: Final = 20_000


class SimulatedLoop(base_events.BaseEventLoop):
    """Runs callbacks that are ready in an order that `dice` decides."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self._dice = dice
        self._virtual_now = 0.0
        self._turns = 0
        self.set_exception_handler(_ignore)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual_now

    def forgive(self) -> None:
        """Count turns anew."""
        self._turns = 0

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """There are no threads: the work is done at once."""
        del executor
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  # handed on, whatever it is
            done.set_exception(error)
        return done

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Only from the one thread that there is."""
        return self.call_soon(callback, *args, context=context)

    def _run_once(self) -> None:
        """What is ready runs, in an order that the dice decide; when nothing is, time moves on."""
        self._turns += 1
        if self._turns > _MOST_TURNS:
            raise LivelockError(f"still busy after {self._turns} turns, at {self._virtual_now:.0f} s")
        ready, timers = self._ready, self._scheduled  # type: ignore[attr-defined]
        if not ready:
            while timers and timers[0]._cancelled:
                heapq.heappop(timers)
            if timers:
                self._virtual_now = max(self._virtual_now, timers[0]._when)
            elif not self._stopping:  # type: ignore[attr-defined]
                raise DeadlockError("everybody waits for something that never happens")
        due = self._virtual_now + 1e-9
        while timers and timers[0]._when < due:
            timer = heapq.heappop(timers)
            timer._scheduled = False
            ready.append(timer)
        if len(ready) > 1:
            shuffled = list(ready)
            self._dice.shuffle(shuffled)
            ready.clear()
            ready.extend(shuffled)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _write_to_self(self) -> None:
        pass


def _ignore(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """What a task of a killed process ends with is nobody's concern."""


def run(main: Coroutine[Any, Any, Any], dice: random.Random) -> Any:
    """Run `main` to its end in a loop of its own."""
    loop = SimulatedLoop(dice)
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        loop.forgive()
        loop.run_until_complete(_end_all())
        asyncio.set_event_loop(None)
        loop.close()


async def _end_all() -> None:
    """What a history that was given up has left waiting."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=1)
