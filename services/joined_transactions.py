"""Several transactions as parts of one: what services do one by one is kept or undone together.

Services open transactions of their own and know nothing of each other. Within `together` these become
savepoints of a single transaction: a part that fails is undone alone, and nothing is durable before the whole
ends well. Only the task that opened it takes part; what it starts on the side has transactions of its own.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from services.core.storage import Transaction, UnitOfWork


@dataclass(frozen=True, slots=True)
class _Whole:
    transaction: Transaction
    task: asyncio.Task[Any] | None


_open: ContextVar[_Whole | None] = ContextVar("joined_transaction", default=None)


class JoinedUnitOfWork:
    """Implements `UnitOfWork` over another one."""

    def __init__(self, inner: UnitOfWork) -> None:
        self._inner = inner

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that may write, or a part of the one that is open in this task."""
        whole = _whole()
        return self._inner() if whole is None else _part(whole)

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that only reads; where one is open in this task, that one, with what it wrote."""
        whole = _whole()
        return self._inner.reading() if whole is None else _shared(whole)

    @asynccontextmanager
    async def together(self) -> AsyncIterator[Transaction]:
        """One transaction for everything that this task does until the end of the block."""
        whole = _whole()
        if whole is not None:
            async with _part(whole) as part:
                yield part
            return
        async with self._inner() as transaction:
            token = _open.set(_Whole(transaction, asyncio.current_task()))
            try:
                yield transaction
            finally:
                _open.reset(token)


def _whole() -> _Whole | None:
    found = _open.get()
    return found if found is not None and found.task is asyncio.current_task() else None


@asynccontextmanager
async def _part(whole: _Whole) -> AsyncIterator[Transaction]:
    async with whole.transaction.savepoint():
        yield whole.transaction


@asynccontextmanager
async def _shared(whole: _Whole) -> AsyncIterator[Transaction]:
    yield whole.transaction
