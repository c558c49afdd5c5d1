"""The unit of work over memory."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

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
from persistence.repositories.sequence import Sequences
from services.core.boundary import transaction_open

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from types import TracebackType


class MemoryTransaction:
    """Implements `Transaction`."""

    def __init__(self, workspace: Workspace, sequences: Sequences) -> None:
        self.users = MemoryUserRepository(workspace, sequences)
        self.keys = MemoryApiKeyRepository(workspace)
        self.sessions = MemorySessionRepository(workspace)
        self.feeds = MemoryFeedRepository(workspace)
        self.accounts = MemoryGoogleAccountRepository(workspace)
        self.flows = MemoryOAuthFlowRepository(workspace)
        self.sign_ins = MemorySignInFlowRepository(workspace)
        self.canaries = MemoryKeyCanaryRepository(workspace)
        self.calendars = MemoryCalendarSyncRepository(workspace, sequences)
        self.channels = MemoryChannelRepository(workspace)
        self.slots = MemorySlotRepository(workspace, sequences)
        self.changes = MemoryChangeRepository(workspace, sequences)
        self.conflicts = MemoryConflictRepository(workspace)
        self.holds = MemoryHoldRepository(workspace)
        self.idempotency = MemoryIdempotencyRepository(workspace)
        self.subscriptions = MemorySubscriptionRepository(workspace)
        self._workspace = workspace
        self._sequences = sequences

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction that is undone alone when it ends with an error."""
        counted, tables = self._sequences.mark(), self._workspace.mark()
        try:
            yield
        except Exception:  # A cancellation ends the whole transaction, this part with it.
            self._workspace.go_back(tables)
            self._sequences.go_back(counted)
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
        self._sequences = Sequences()
        self._mark: AbstractContextManager[None] = transaction_open()
        self._workspace: Workspace | None = None

    async def __aenter__(self) -> MemoryTransaction:
        if self._writing:
            await self._store.turns.acquire()
        self._mark.__enter__()
        self._workspace = Workspace(self._store, writing=self._writing)
        return MemoryTransaction(self._workspace, self._sequences)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writing:
            if kind is None and self._workspace is not None:
                self._workspace.commit(self._sequences.unstored())
            self._store.turns.release()
        self._mark.__exit__(kind, error, trace)
