"""The unit of work over memory."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from persistence.memory.calendars import MemoryCalendarSyncRepository
from persistence.memory.changes import MemoryChangeRepository
from persistence.memory.channels import MemoryChannelRepository
from persistence.memory.credentials import (
    MemoryApiKeyRepository,
    MemoryKeyCanaryRepository,
    MemorySessionRepository,
    MemorySignInFlowRepository,
)
from persistence.memory.feeds import MemoryFeedRepository
from persistence.memory.idempotency import MemoryIdempotencyRepository
from persistence.memory.outcomes import MemoryConflictRepository, MemoryHoldRepository
from persistence.memory.people import (
    MemoryGoogleAccountRepository,
    MemoryOAuthFlowRepository,
    MemoryUserRepository,
)
from persistence.memory.slots import MemorySlotRepository
from persistence.memory.state import MemoryStore, Workspace
from persistence.memory.subscriptions import MemorySubscriptionRepository
from services.core.boundary import TransactionOpen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

_T = TypeVar("_T")


class _Repository(Generic[_T]):
    """A repository that is made when a transaction first asks for it: most ask for few of them."""

    def __init__(self, make: Callable[[Workspace], _T]) -> None:
        self._make = make
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, transaction: MemoryTransaction, owner: type) -> _T:
        made = self._make(transaction.workspace)
        transaction.__dict__[self._name] = made
        return made


class MemoryTransaction:
    """Implements `Transaction`."""

    users = _Repository(MemoryUserRepository)
    keys = _Repository(MemoryApiKeyRepository)
    sessions = _Repository(MemorySessionRepository)
    feeds = _Repository(MemoryFeedRepository)
    accounts = _Repository(MemoryGoogleAccountRepository)
    flows = _Repository(MemoryOAuthFlowRepository)
    sign_ins = _Repository(MemorySignInFlowRepository)
    canaries = _Repository(MemoryKeyCanaryRepository)
    calendars = _Repository(MemoryCalendarSyncRepository)
    channels = _Repository(MemoryChannelRepository)
    slots = _Repository(MemorySlotRepository)
    changes = _Repository(MemoryChangeRepository)
    conflicts = _Repository(MemoryConflictRepository)
    holds = _Repository(MemoryHoldRepository)
    idempotency = _Repository(MemoryIdempotencyRepository)
    subscriptions = _Repository(MemorySubscriptionRepository)

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction that is undone alone when it ends with an error."""
        mark = self.workspace.mark()
        try:
            yield
        except Exception:  # A cancellation ends the whole transaction, this part with it.
            self.workspace.go_back(mark)
            raise


class MemoryUnitOfWork:
    """Implements `UnitOfWork`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def __call__(self) -> AbstractAsyncContextManager[MemoryTransaction]:
        """A transaction that may write; commits on a clean exit, rolls back otherwise."""
        return _Open(self._store, writing=True)

    def reading(self) -> AbstractAsyncContextManager[MemoryTransaction]:
        """A transaction that only reads one consistent state."""
        return _Open(self._store, writing=False)


class _Open:
    # Leaving awaits nothing, so that a coroutine that is closed at any point still gives the lock back.

    def __init__(self, store: MemoryStore, *, writing: bool) -> None:
        self._store = store
        self._writing = writing
        self._mark = TransactionOpen()
        self._workspace: Workspace | None = None

    async def __aenter__(self) -> MemoryTransaction:
        if self._writing:
            await self._store.turns.acquire()
        self._mark.__enter__()
        self._workspace = Workspace(self._store, writing=self._writing)
        return MemoryTransaction(self._workspace)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writing:
            if kind is None and self._workspace is not None:
                self._workspace.commit()
            self._store.turns.release()
        self._mark.__exit__(kind, error, trace)
