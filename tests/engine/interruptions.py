"""Processes that die, are cancelled or stand still: at any wait, also between the statements of the store."""

from __future__ import annotations

import asyncio
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from services.core.storage import Transaction, UnitOfWork


class InterruptibleUnitOfWork:
    """A store that is waited for, so that something may happen before and after each commit.

    Waiting is switched on by `waits`; without it a transaction takes no turn of the event loop.
    """

    def __init__(self, inner: UnitOfWork) -> None:
        self._inner = inner
        self.waits = False
        self.open = 0
        """Transactions under way, which hold the lock of the store."""

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that may write."""
        return _Waiting(self, self._inner()) if self.waits else self._inner()

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that only reads."""
        return self._inner.reading()


class _Waiting:
    # A class, since a coroutine that is closed at any of these points still has to leave it.

    def __init__(self, uow: InterruptibleUnitOfWork, inner: AbstractAsyncContextManager[Transaction]) -> None:
        self._uow = uow
        self._inner = inner

    async def __aenter__(self) -> Transaction:
        await _turn()
        tx = await self._inner.__aenter__()
        self._uow.open += 1
        try:
            await _turn()
        except BaseException as error:
            await self._leave(type(error), error, None)
            raise
        return tx

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            await self._leave(kind, error, trace)
            return
        try:
            await _turn()
        except BaseException as stopped:
            await self._leave(type(stopped), stopped, None)
            raise
        await self._leave(None, None, None)
        # Committed, and whoever asked for it may not live to know.
        await _turn()

    async def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._uow.open -= 1
        await self._inner.__aexit__(kind, error, trace)


async def _turn() -> None:
    await asyncio.sleep(0)  # noqa: TID251  # the point at which somebody else may act


@types.coroutine
def die_at(run: Coroutine[Any, Any, None], step: int, *, cancel: bool) -> Generator[Any, Any, None]:
    """Run until the `step`-th wait; then cancel, or stop for good as a killed process does."""
    inner = run.__await__()
    taken = 0
    try:
        waiting_for = inner.send(None)
        while True:
            taken += 1
            if taken == step:
                if waiting_for is not None:
                    waiting_for._asyncio_future_blocking = False
                if not cancel:
                    run.close()
                    return
                waiting_for = inner.throw(asyncio.CancelledError())
                continue
            try:
                sent = yield waiting_for
            except BaseException as error:  # noqa: BLE001  # handed on, whatever it is
                waiting_for = inner.throw(error)
            else:
                waiting_for = inner.send(sent)
    except StopIteration:
        return
    except asyncio.CancelledError:
        return


class Pausable:
    """A run that stands still at some wait and goes on when it is told to, its lease long over."""

    def __init__(self, run: Coroutine[Any, Any, None], uow: InterruptibleUnitOfWork) -> None:
        self._run = run
        self._inner = run.__await__()
        self._uow = uow
        self._waiting_for: Any = None
        self._started = False

    @types.coroutine
    def go(self, *, steps: int | None) -> Generator[Any, Any, bool]:
        """Go on for some waits, or to the end; `True` once the end is reached.

        It never stops inside a transaction, as a database would break off one that stands still.
        """
        taken = 0
        try:
            if not self._started:
                self._started = True
                self._waiting_for = self._inner.send(None)
            while True:
                taken += 1
                if steps is not None and taken > steps and self._waiting_for is None and not self._uow.open:
                    return False
                try:
                    sent = yield self._waiting_for
                except BaseException as error:  # noqa: BLE001  # handed on, whatever it is
                    self._waiting_for = self._inner.throw(error)
                else:
                    self._waiting_for = self._inner.send(sent)
        except StopIteration:
            return True
