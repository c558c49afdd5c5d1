"""The change feed, page by page, and the purge that keeps it from growing for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.core.changes import beginning, page_of, require_whole
from services.core.errors import UnknownUserError
from services.slot_views import account_status

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.accounts import AccountStatus
    from services.core.changes import ChangePage, FeedPosition
    from services.core.policy import FeedPolicy
    from services.core.ports import Clock
    from services.core.storage import Transaction, UnitOfWork

_USERS_AT_A_TIME = 100
_SLOTS_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class ChangesView:
    """Changes with what is needed to show them."""

    page: ChangePage
    account: AccountStatus
    """How the user stands with Google."""


class ChangeFeed:
    """What changed since a reader looked last."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock, policy: FeedPolicy) -> None:
        self._uow = uow
        self._clock = clock
        self._policy = policy

    async def page(self, user_id: UUID, position: FeedPosition | None, *, limit: int) -> ChangesView:
        """Changes behind a position, at most `limit`; `None`: everything that is there now.

        Raises:
            CursorExpiredError: Deletions behind the position are no longer remembered.
            UnknownUserError: There is no such user.
        """
        async with self._uow.reading() as tx:
            return await changes_behind(tx, user_id, position, limit=limit)

    async def purge(self) -> None:
        """Forget slots that are deleted for longer than they are kept; one user at a time."""
        deleted_by = self._clock.now() - self._policy.retention
        while True:
            async with self._uow.reading() as tx:
                users = await tx.changes.users_with_forgettable(deleted_by=deleted_by, limit=_USERS_AT_A_TIME)
            if not users:
                return
            for user_id in users:
                try:
                    async with self._uow() as tx:
                        await tx.users.lock(user_id)
                        await tx.changes.forget(user_id, deleted_by=deleted_by, limit=_SLOTS_AT_A_TIME)
                except UnknownUserError:
                    # Erased meanwhile, with everything.
                    continue


async def changes_behind(
    tx: Transaction, user_id: UUID, position: FeedPosition | None, *, limit: int
) -> ChangesView:
    """Changes behind a position, in a reading transaction.

    Raises:
        CursorExpiredError: Deletions behind the position are no longer remembered.
        UnknownUserError: There is no such user.
    """
    reach = await tx.changes.reach(user_id)
    if reach is None:
        raise UnknownUserError(user_id)
    start = beginning(reach) if position is None else position
    require_whole(start, reach)
    found = await tx.changes.page(
        user_id, after=start.seq, deletions_from=start.deletions_from, limit=limit + 1
    )
    return ChangesView(page_of(found, start, reach, limit=limit), await account_status(tx, user_id))
