"""Processes inside one process: each can be killed, cancelled or made to stand still at any wait it takes.

A killed process does nothing any more, not even what stands in its `finally`: its coroutines are left where
they wait. What the database does for a client that is gone, the store does for it (`transactions`).
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import types
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from contextvars import Context


class Strike(StrEnum):
    """What befalls a process."""

    KILL = "kill"
    CANCEL = "cancel"
    """The task at hand is cancelled, as at the end of a grace period."""
    PAUSE = "pause"


class ConnectionLostError(Exception):
    """The process that was to answer is gone."""


class BrokenOff(Protocol):
    """A transaction under way."""

    def break_off(self) -> None:
        """The database undoes it, whatever its client does next."""


_owner: ContextVar[Process | None] = ContextVar("owner", default=None)
_for_good: ContextVar[bool] = ContextVar("for_good", default=False)


@dataclass(eq=False)
class Process:
    """One life of one replica."""

    name: str
    on_strike: Callable[[Strike], None]
    on_death: Callable[[Process], None]
    dead: bool = False
    stands_until: float = 0.0
    tasks: dict[asyncio.Task[Any], Context] = field(default_factory=dict)
    transactions: dict[BrokenOff, None] = field(default_factory=dict)
    """Those under way; in order, as everything here is, since a set has another one each time."""
    armed: dict[int, tuple[Strike, float]] = field(default_factory=dict)
    """What befalls it, by the number of the wait; how long it stands still."""
    waits: int = 0
    """How many its tasks have taken."""
    _buried: list[Coroutine[Any, Any, Any]] = field(default_factory=list)

    def spawn(self, work: Coroutine[Any, Any, Any], *, for_good: bool = False) -> asyncio.Task[Any]:
        """Run something in this process, and so whatever it starts in turn.

        Args:
            work: What to run.
            for_good: It runs for as long as the process does: nobody cancels it.
        """
        context = copy_context()
        context.run(_owner.set, self)
        context.run(_for_good.set, for_good)
        return asyncio.get_running_loop().create_task(work, context=context)

    async def answer(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What a client gets whose request this process carries out.

        Raises:
            ConnectionLostError: The process died before it had answered.
        """
        if self.dead:
            work.close()
            raise ConnectionLostError
        task = self.spawn(work)
        await asyncio.wait([task])
        if self.died() or task.cancelled():
            raise ConnectionLostError
        return task.result()

    def as_if_inside(self, task: asyncio.Task[Any] | None, step: Callable[[], None]) -> None:
        """Do something as if one of its tasks did it, whoever does it."""
        context = self.tasks.get(task) if task is not None else None
        if context is None or asyncio.current_task() is task:
            step()
        else:
            context.run(step)

    def ended(self, work: Any, task: asyncio.Task[Any]) -> None:
        """A task is over, perhaps before it began."""
        self.tasks.pop(task, None)
        if inspect.iscoroutine(work) and inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
            work.close()

    def arm(self, strike: Strike, *, after: int, seconds: float = 0.0) -> None:
        """Strike at the wait that many waits from now; `seconds` is how long it stands still."""
        self.armed[self.waits + after] = (strike, seconds)

    def died(self) -> bool:
        """Whether it is dead by now."""
        return self.dead

    def disarm(self) -> None:
        """Strike no more."""
        self.armed.clear()

    def kill(self) -> None:
        """Stop for good, at once."""
        if self.dead:
            return
        self.dead = True
        for task in list(self.tasks):
            task.cancel()
        self._break_off()
        self.on_death(self)

    def stand_still(self, seconds: float) -> None:
        """Do nothing for a while; the database does not wait for it."""
        self.stands_until = asyncio.get_running_loop().time() + seconds
        self._break_off()

    def close(self) -> None:
        """Let go of what the killed coroutines hold, once nobody looks any more."""
        for coroutine in self._buried:
            with contextlib.suppress(BaseException):
                coroutine.close()
        self._buried.clear()

    def _break_off(self) -> None:
        # The last first: what waits for a turn must not be given the turn of what goes before it.
        for transaction in reversed(list(self.transactions)):
            transaction.break_off()

    def strike_now(self, *, cancellable: bool) -> Strike | None:
        """What was armed for the wait that is taken now, and happens; `None`: nothing."""
        armed = self.armed.pop(self.waits, None)
        if armed is None:
            return None
        strike, seconds = armed
        if strike is Strike.CANCEL and not cancellable:
            self.armed[self.waits + 1] = armed
            return None
        self.on_strike(strike)
        if strike is Strike.KILL:
            self.kill()
        elif strike is Strike.PAUSE:
            self.stand_still(seconds)
        return strike

    def bury(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Leave a coroutine where it waits."""
        self._buried.append(coroutine)


def process_at_work() -> Process | None:
    """Whose code is running; `None`: that of nobody who can be killed."""
    return _owner.get()


def owned_tasks(loop: asyncio.AbstractEventLoop, coro: Any, *, context: Any = None) -> asyncio.Task[Any]:
    """A task factory: what a process starts belongs to it."""
    context = copy_context() if context is None else context
    owner: Process | None = context.get(_owner)
    if owner is None:
        return asyncio.Task(coro, loop=loop, context=context)
    for_good = context.get(_for_good, False)
    context.run(_for_good.set, False)  # noqa: FBT003  # what it starts in turn is not
    belonging = _belonging(owner, coro, cancellable=not for_good)
    task: asyncio.Task[Any] = asyncio.Task(belonging, loop=loop, context=context)
    owner.tasks[task] = context
    task.add_done_callback(partial(owner.ended, coro))
    return task


async def _belonging(process: Process, work: Coroutine[Any, Any, Any], *, cancellable: bool) -> Any:
    return await _driven(process, work, cancellable=cancellable)


@types.coroutine
def _driven(
    process: Process, work: Coroutine[Any, Any, Any], *, cancellable: bool
) -> Generator[Any, Any, Any]:
    """Go from wait to wait; between them the process may be struck."""
    inner = work.__await__()
    now = asyncio.get_running_loop().time
    thrown: BaseException | None = None
    sent: Any = None
    try:
        while True:
            waiting_for = inner.send(sent) if thrown is None else inner.throw(thrown)
            sent = thrown = None
            process.waits += 1
            if process.armed and process.strike_now(cancellable=cancellable) is Strike.CANCEL:
                _forget(waiting_for)
                thrown = asyncio.CancelledError()
                continue
            if process.dead:
                _forget(waiting_for)
                process.bury(work)
                return None
            try:
                sent = yield waiting_for
            except BaseException as error:  # noqa: BLE001  # handed on, whatever it is
                thrown = error
            while process.stands_until > now() and not process.dead:
                try:
                    yield from asyncio.sleep(process.stands_until - now()).__await__()  # noqa: TID251
                except BaseException as error:  # noqa: BLE001  # it came while nobody could hear it
                    thrown = error
            if process.dead:
                process.bury(work)
                return None
    except StopIteration as end:
        return end.value


def _forget(waiting_for: Any) -> None:
    """A future that is not waited for after all."""
    if waiting_for is not None:
        waiting_for._asyncio_future_blocking = False
