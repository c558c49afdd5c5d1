"""An event loop in virtual time: waiting takes none, and who goes first is drawn from a seed.

It has no selector, no socket and no thread. When everything waits, time jumps to the next timer; when
everything waits for nothing, that is an error and not a hang. Hundreds of thousands of histories are played
in it, so it does without what `asyncio` keeps for debugging. It leans on private names of `asyncio`
(`_run_once`, `_stopping`), which `tests/simulation/test_loop.py` watches over.
"""

from __future__ import annotations

import asyncio
import heapq
from asyncio import base_events
from contextvars import copy_context
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
_INSTANT_S: Final = 1e-9
"""What is due within it is due now."""


class _Callback:
    """Something to be called in a context, unless it is cancelled before."""

    __slots__ = ("args", "call", "context", "is_cancelled")

    def __init__(self, call: Callable[..., Any], args: tuple[Any, ...], context: Context | None) -> None:
        self.call = call
        self.args = args
        self.context = copy_context() if context is None else context
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def cancelled(self) -> bool:
        return self.is_cancelled


class SimulatedLoop(base_events.BaseEventLoop):
    """Runs callbacks that are ready in an order that `dice` decides."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self._draw = dice.random
        self._virtual_now = 0.0
        self._turns = 0
        self._callbacks: list[_Callback] = []
        self._timers: list[tuple[float, int, _Callback]] = []
        self._timers_made = 0

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual_now

    def forgive(self) -> None:
        """Count turns anew."""
        self._turns = 0

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> _Callback:
        """In the next turn."""
        ready = _Callback(callback, args, context)
        self._callbacks.append(ready)
        return ready

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> _Callback:
        """When that time has come; of two at the same time, the first one made is ready first."""
        timer = _Callback(callback, args, context)
        self._timers_made += 1
        heapq.heappush(self._timers, (when, self._timers_made, timer))
        return timer

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> _Callback:
        """After so many virtual seconds."""
        return self.call_at(self._virtual_now + delay, callback, *args, context=context)

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> _Callback:
        """Only from the one thread that there is."""
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """There are no threads: the work is done at once."""
        del executor
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  # handed on, whatever it is
            done.set_exception(error)
        return done

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What a task of a killed process ends with is nobody's concern."""

    def _run_once(self) -> None:
        """Turn after turn: what is ready runs, in an order that the dice decide."""
        while not self._stopping:  # type: ignore[attr-defined]
            self._turns += 1
            if self._turns > _MOST_TURNS:
                raise LivelockError(f"still busy after {self._turns} turns, at {self._virtual_now:.0f} s")
            ready = self._callbacks
            if not ready or self._timers:
                self._take_timers()
            self._callbacks = []
            if len(ready) > 1:
                self._shuffle(ready)
            for each in ready:
                if each.is_cancelled:
                    continue
                try:
                    each.context.run(each.call, *each.args)
                except (KeyboardInterrupt, SystemExit):
                    raise
                except BaseException:  # noqa: BLE001, S112  # as with `call_exception_handler`
                    continue

    def _take_timers(self) -> None:
        """What is due is ready; when nothing else is, time moves on to it."""
        ready, timers = self._callbacks, self._timers
        if not ready:
            while timers and timers[0][2].is_cancelled:
                heapq.heappop(timers)
            if not timers:
                raise DeadlockError("everybody waits for something that never happens")
            self._virtual_now = max(self._virtual_now, timers[0][0])
        due = self._virtual_now + _INSTANT_S
        while timers and timers[0][0] < due:
            ready.append(heapq.heappop(timers)[2])

    def _shuffle(self, ready: list[_Callback]) -> None:
        """As `random.shuffle`, which takes three times as long."""
        draw = self._draw
        for number in range(len(ready) - 1, 0, -1):
            other = int(draw() * (number + 1))
            ready[number], ready[other] = ready[other], ready[number]

    def _write_to_self(self) -> None:
        pass


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
