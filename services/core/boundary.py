"""The rule "no network call inside a database transaction", made executable.

Units of work mark the running task while a transaction is open; the transport refuses to send while the mark
stands. A transaction that waits for Google would hold its locks as long as Google likes.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from services.core.errors import NetworkInTransactionError

if TYPE_CHECKING:
    from collections.abc import Iterator

_open_transactions: ContextVar[int] = ContextVar("open_transactions", default=0)


@contextmanager
def transaction_open() -> Iterator[None]:
    """Mark that a transaction is open in this task."""
    token = _open_transactions.set(_open_transactions.get() + 1)
    try:
        yield
    finally:
        _open_transactions.reset(token)


def refuse_inside_transaction(what: str) -> None:
    """Raise unless no transaction is open in this task.

    Raises:
        NetworkInTransactionError: One is.
    """
    if _open_transactions.get():
        raise NetworkInTransactionError(what)
