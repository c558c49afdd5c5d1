"""Transactions that are waited for, are broken off with a killed process, and fail on order."""

from __future__ import annotations

import asyncio
import contextlib
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from services.core.errors import DatabaseUnavailableError
from tests.simulation.loop import TURN

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from services.core.storage import Transaction, UnitOfWork
    from tests.simulation.processes import Process


class DatabaseFault(StrEnum):
    """When the connection to the database is lost."""

    BEFORE = "before"
    DURING = "during"
    """Before the commit arrives: nothing is stored."""
    AFTER = "after"
    """After the commit, before its answer: everything is stored, and nobody is told."""


class DatabaseFaults:
    """Orders for the transactions to come."""

    def __init__(self, on_fault: Callable[[DatabaseFault], None]) -> None:
        self._ordered: dict[int, DatabaseFault] = {}
        self._count = 0
        self._on_fault = on_fault

    def order(self, fault: DatabaseFault, *, after: int) -> None:
        """Strike the writing transaction that many from now."""
        self._ordered[self._count + after] = fault

    def forget(self) -> None:
        """Strike no more."""
        self._ordered.clear()

    def next(self) -> DatabaseFault | None:
        """What befalls the transaction that begins now."""
        self._count += 1
        fault = self._ordered.pop(self._count, None) if self._ordered else None
        if fault is not None:
            self._on_fault(fault)
        return fault


class SimulatedUnitOfWork:
    """Implements `UnitOfWork` for one process."""

    def __init__(
        self, inner: UnitOfWork, process: Process, faults: DatabaseFaults, *, breaks_off: bool
    ) -> None:
        self._inner = inner
        self._process = process
        self._faults = faults
        self._breaks_off = breaks_off

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that may write."""
        return _Open(self._inner(), self._process, self._faults.next(), breaks_off=self._breaks_off)

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that only reads."""
        return _Open(self._inner.reading(), self._process, None, breaks_off=self._breaks_off, reads=True)


class _Open:
    """Others may act before it, before it is committed, and after it: nobody sees what happens in between.

    One that only reads commits nothing, so that there is a wait less.
    """

    __slots__ = (
        "_breaks_off",
        "_broken",
        "_entering",
        "_fault",
        "_inner",
        "_process",
        "_reads",
        "_task",
    )

    def __init__(
        self,
        inner: AbstractAsyncContextManager[Transaction],
        process: Process,
        fault: DatabaseFault | None,
        *,
        breaks_off: bool,
        reads: bool = False,
    ) -> None:
        self._inner = inner
        self._process = process
        self._fault = fault
        self._breaks_off = breaks_off
        self._reads = reads
        self._broken = False
        self._entering: Any = None
        self._task: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> Transaction:
        await TURN
        if self._fault is DatabaseFault.BEFORE:
            raise _lost()
        self._task = asyncio.current_task()
        self._process.transactions[self] = None
        self._entering = self._inner.__aenter__()
        try:
            transaction = await self._entering
        except BaseException:
            self._process.transactions.pop(self, None)
            raise
        self._entering = None
        return transaction

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._broken:
            raise _lost()
        if kind is not None:
            await self._leave(kind, error, trace)
            return
        if not self._reads:
            try:
                await TURN
                self._lose_when(self._is_broken() or self._fault is DatabaseFault.DURING)
            except BaseException as stopped:
                await self._leave(type(stopped), stopped, None)
                raise
        await self._leave(None, None, None)
        # Committed, and whoever asked for it may not live to know.
        await TURN
        self._lose_when(self._fault is DatabaseFault.AFTER)

    def _is_broken(self) -> bool:
        return self._broken

    @staticmethod
    def _lose_when(lost: bool) -> None:  # noqa: FBT001  # it reads as a sentence
        if lost:
            raise _lost()

    def break_off(self) -> None:
        """Undo it from outside."""
        if not self._breaks_off:
            # The store does it, by what it knows of its clients.
            self._broken = self._process.dead
            return
        if self._entering is not None:
            if self._process.dead:
                # It may have been given its turn already, and would keep it for ever.
                self._entering.close()
            return
        self._broken = True
        self._process.transactions.pop(self, None)
        self._process.as_if_inside(self._task, self._undo)

    def _undo(self) -> None:
        lost = _lost()
        leaving = self._inner.__aexit__(type(lost), lost, None)
        with contextlib.suppress(StopIteration, DatabaseUnavailableError):
            leaving.send(None)
            raise AssertionError("the store waits while it undoes a transaction")

    async def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.transactions.pop(self, None)
        if not self._broken:
            await self._inner.__aexit__(kind, error, trace)


def _lost() -> DatabaseUnavailableError:
    return DatabaseUnavailableError("the connection to the database was lost")
