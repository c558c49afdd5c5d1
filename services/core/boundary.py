"""The rule "no network call inside a database transaction", made executable.

Units of work mark the running task while a transaction is open; the transport refuses to send while the mark
stands. A transaction that waits for Google would hold its locks as long as Google likes.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from services.core.errors import NetworkInTransactionError

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

_open_transactions: ContextVar[int] = ContextVar("open_transactions", default=0)


class TransactionOpen:
    """Marks, while it is entered, that a transaction is open in this task."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token: Token[int] = _open_transactions.set(_open_transactions.get() + 1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _open_transactions.reset(self._token)


def inside_transaction() -> bool:
    """Whether a transaction is open in this task."""
    return _open_transactions.get() > 0


def refuse_inside_transaction(what: str) -> None:
    """Raise unless no transaction is open in this task.

    Raises:
        NetworkInTransactionError: One is.
    """
    if inside_transaction():
        raise NetworkInTransactionError(what)
