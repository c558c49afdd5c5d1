"""The unit of work over a SQL database."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from persistence.repositories.api_key_repository import SqlApiKeyRepository
from persistence.repositories.change_repository import SqlChangeRepository
from persistence.repositories.channel_repository import SqlChannelRepository
from persistence.repositories.conflict_repository import SqlConflictRepository
from persistence.repositories.feed_repository import SqlFeedRepository
from persistence.repositories.fixed_slot_repository import SqlSlotRepository
from persistence.repositories.google_account_repository import SqlGoogleAccountRepository
from persistence.repositories.hold_repository import SqlHoldRepository
from persistence.repositories.idempotency_repository import SqlIdempotencyRepository
from persistence.repositories.key_canary_repository import SqlKeyCanaryRepository
from persistence.repositories.oauth_flow_repository import SqlOAuthFlowRepository
from persistence.repositories.sequence import Sequences
from persistence.repositories.session_repository import SqlSessionRepository
from persistence.repositories.sign_in_flow_repository import SqlSignInFlowRepository
from persistence.repositories.subscription_repository import SqlSubscriptionRepository
from persistence.repositories.sync_state_repository import SqlCalendarSyncRepository
from persistence.repositories.user_repository import SqlUserRepository
from services.core.boundary import TransactionOpen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from persistence.connection import Connection
    from persistence.database import Database


class SqlTransaction:
    """Implements `Transaction`: the repositories over one connection."""

    def __init__(self, connection: Connection) -> None:
        sequences = Sequences()
        self.users = SqlUserRepository(connection, sequences)
        self.keys = SqlApiKeyRepository(connection)
        self.sessions = SqlSessionRepository(connection)
        self.feeds = SqlFeedRepository(connection)
        self.accounts = SqlGoogleAccountRepository(connection)
        self.flows = SqlOAuthFlowRepository(connection)
        self.sign_ins = SqlSignInFlowRepository(connection)
        self.canaries = SqlKeyCanaryRepository(connection)
        self.calendars = SqlCalendarSyncRepository(connection, sequences)
        self.channels = SqlChannelRepository(connection)
        self.slots = SqlSlotRepository(connection, sequences)
        self.changes = SqlChangeRepository(connection, sequences)
        self.conflicts = SqlConflictRepository(connection)
        self.holds = SqlHoldRepository(connection)
        self.idempotency = SqlIdempotencyRepository(connection)
        self.subscriptions = SqlSubscriptionRepository(connection)
        self._connection = connection
        self._sequences = sequences

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction that is undone alone when it ends with an error."""
        mark = self._sequences.mark()
        # One name will do: statements mean the innermost savepoint that has it.
        await self._connection.control("SAVEPOINT part")
        try:
            yield
        except Exception:  # A cancellation ends the whole transaction, this part with it.
            await self._connection.control("ROLLBACK TO SAVEPOINT part")
            await self._connection.control("RELEASE SAVEPOINT part")
            self._sequences.go_back(mark)
            raise
        await self._connection.control("RELEASE SAVEPOINT part")


class SqlUnitOfWork:
    """Implements `UnitOfWork`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self) -> AbstractAsyncContextManager[SqlTransaction]:
        """A transaction that may write; commits on a clean exit, rolls back otherwise."""
        return self._open(writing=True)

    def reading(self) -> AbstractAsyncContextManager[SqlTransaction]:
        """A transaction that only reads one consistent state."""
        return self._open(writing=False)

    @asynccontextmanager
    async def _open(self, *, writing: bool) -> AsyncIterator[SqlTransaction]:
        with TransactionOpen():
            async with self._database.transaction(writing=writing) as connection:
                transaction = SqlTransaction(connection)
                yield transaction
                if writing:
                    await transaction.users.store_sequences()
