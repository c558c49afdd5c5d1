"""How far Google's clock is ahead of ours, learned from the Date header of its answers.

The header counts whole seconds and the answer takes its time, so one answer only bounds the offset. The
estimate changes when an answer contradicts it, which lets noise of less than a second pass unnoticed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

_HEADER_PRECISION: Final = timedelta(seconds=1)


class ServerClock:
    """The estimate."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    @property
    def ahead(self) -> timedelta:
        """Google's clock minus ours; zero until an answer says otherwise."""
        return self._ahead

    def learn(self, date: datetime | None, *, sent_at: datetime, received_at: datetime) -> None:
        """Take in one answer.

        Args:
            date: The answer's Date header; `None` when it had none.
            sent_at: By our clock.
            received_at: By our clock.
        """
        if date is None:
            return
        least = date - received_at
        most = date + _HEADER_PRECISION - sent_at
        if not least <= self._ahead <= most:
            self._ahead = least + (most - least) / 2
