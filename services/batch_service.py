"""Several changes in one transaction, in which each fails alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from services.core.errors import DatabaseUnavailableError, DomainError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from services.joined_transactions import JoinedUnitOfWork
    from services.signals import Signals

_Value = TypeVar("_Value")


class BatchService:
    """Carries out what other services do, many at a time.

    One transaction costs one commit instead of a hundred, and a process that dies leaves all of it or
    nothing; a client never has to find out how far it came.
    """

    def __init__(self, *, uow: JoinedUnitOfWork, signals: Signals) -> None:
        self._uow = uow
        self._signals = signals

    async def run(
        self, user_id: UUID, steps: Sequence[Callable[[], Awaitable[_Value]]]
    ) -> list[_Value | DomainError]:
        """Do each step in its turn; what one raises is its result and undoes nothing but itself.

        Raises:
            DatabaseUnavailableError: Nothing was done at all.
        """
        results: list[_Value | DomainError] = []
        async with self._uow.together() as tx:
            await tx.users.lock(user_id)
            for step in steps:
                try:
                    results.append(await step())
                except DatabaseUnavailableError:
                    raise
                except DomainError as error:
                    results.append(error)
        # The services said so already, but before anybody else could see it.
        self._signals.calendar_due()
        self._signals.user_changed(user_id)
        return results
