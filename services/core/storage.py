"""Storage as the services see it: a unit of work and the repositories in it.

`async with uow() as tx` commits on a clean exit and rolls back otherwise; nobody else commits. Every write to
a user's slots happens after `tx.users.lock(user_id)`, which serialises the writers of that user, so that
sequence numbers are in commit order and nothing that was read can have changed before it is written.
The user is locked before any of its calendars is written to in the same transaction (`renew` does so itself),
or two transactions could wait for each other.
All repository methods may raise `DatabaseUnavailableError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from services.core.calendar_storage import CalendarSyncRepository, ChannelRepository
    from services.core.idempotency import IdempotencyRepository
    from services.core.people_storage import (
        ApiKeyRepository,
        GoogleAccountRepository,
        KeyCanaryRepository,
        OAuthFlowRepository,
        SessionRepository,
        SignInFlowRepository,
        UserRepository,
    )
    from services.core.slot_storage import (
        ChangeRepository,
        ConflictRepository,
        FeedRepository,
        HoldRepository,
        SlotRepository,
    )
    from services.core.subscriptions import SubscriptionRepository


class Transaction(Protocol):
    """The repositories of one open transaction."""

    @property
    def users(self) -> UserRepository:
        """Users."""

    @property
    def keys(self) -> ApiKeyRepository:
        """API keys."""

    @property
    def sessions(self) -> SessionRepository:
        """Signed-in browsers."""

    @property
    def feeds(self) -> FeedRepository:
        """Addresses of calendar feeds."""

    @property
    def accounts(self) -> GoogleAccountRepository:
        """Linked Google accounts."""

    @property
    def flows(self) -> OAuthFlowRepository:
        """Attempts to connect."""

    @property
    def sign_ins(self) -> SignInFlowRepository:
        """Attempts to sign in."""

    @property
    def canaries(self) -> KeyCanaryRepository:
        """What tells a wrong secret key."""

    @property
    def calendars(self) -> CalendarSyncRepository:
        """Sync states."""

    @property
    def channels(self) -> ChannelRepository:
        """Webhook channels."""

    @property
    def slots(self) -> SlotRepository:
        """Slots and their history."""

    @property
    def changes(self) -> ChangeRepository:
        """The change feed's reading of the slots."""

    @property
    def conflicts(self) -> ConflictRepository:
        """Losing values."""

    @property
    def holds(self) -> HoldRepository:
        """Held mass deletions."""

    @property
    def idempotency(self) -> IdempotencyRepository:
        """Answers to requests that may come again."""

    @property
    def subscriptions(self) -> SubscriptionRepository:
        """Outbound webhooks."""

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """A part of the transaction that is undone alone when it ends with an error; parts may be nested.

        Locks that were taken in a part that is undone may be gone with it, and are taken again when needed.
        """


class UnitOfWork(Protocol):
    """Opens transactions."""

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that may write; commits on a clean exit, rolls back otherwise."""

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that only reads one consistent state."""
