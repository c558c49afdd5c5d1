"""An event loop in virtual time: waiting takes none, and who goes first is drawn from a seed.

It has no selector, no socket and no thread. When everything waits, time jumps to the next timer; when
everything waits for nothing, that is an error and not a hang. It leans on private names of `asyncio`
(`_run_once`, `_ready`), which `tests/simulation/test_loop.py` watches over.
"""

from __future__ import annotations

import asyncio
from asyncio import base_events
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Coroutine
    from contextvars import Context


class DeadlockError(AssertionError):
    """Everybody waits, and nothing will ever happen."""


class LivelockError(AssertionError):
    """Something goes round and round."""


_MOST_TURNS: Final = 100_000


class SimulatedLoop(base_events.BaseEventLoop):
    """Runs callbacks that are ready in an order that `dice` decides."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self._dice = dice
        self._virtual_now = 0.0
        self._turns = 0
        self._clock_resolution = 1e-9
        self._selector = _Jump(self)
        self.set_exception_handler(_ignore)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual_now

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._virtual_now += seconds

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
        self._turns += 1
        if self._turns > _MOST_TURNS:
            raise LivelockError(f"still busy after {self._turns} turns, at {self._virtual_now:.0f} s")
        ready = self._ready  # type: ignore[attr-defined]
        if len(ready) > 1:
            shuffled = list(ready)
            self._dice.shuffle(shuffled)
            ready.clear()
            ready.extend(shuffled)
        super()._run_once()  # type: ignore[misc]

    def _process_events(self, event_list: list[Any]) -> None:
        del event_list

    def _write_to_self(self) -> None:
        pass


class _Jump:
    """Stands where a loop has its selector: instead of waiting, time moves on."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise DeadlockError("everybody waits for something that never happens")
        if timeout > 0:
            self._loop.jump(timeout)
        return []


def _ignore(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """What a task of a killed process ends with is nobody's concern."""


def run(main: Coroutine[Any, Any, Any], dice: random.Random) -> Any:
    """Run `main` to its end in a loop of its own."""
    loop = SimulatedLoop(dice)
    asyncio.set_event_loop(loop)
    try:
        result = loop.run_until_complete(main)
    finally:
        asyncio.set_event_loop(None)
    # A loop that was given up is not closed: what still waits in it must be able to say so.
    loop.close()
    return result
