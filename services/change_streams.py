"""The change feed live: what a stream tells, when, and when it ends.

A stream holds a position and nothing else. Whatever it tells is read from the database when the reader can
take it, so a reader that lags costs a position, and none is ever told less than another. Changes made in this
process wake its streams at once; those of other replicas are found by one query for all users with open
streams, asked every `FeedPolicy.poll`.
"""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from services.change_feed import ChangesView, changes_behind
from services.core.calendar_list import is_selected
from services.core.changes import caught_up, require_whole
from services.core.errors import (
    CursorExpiredError,
    DatabaseUnavailableError,
    TooManyStreamsError,
    UnauthenticatedError,
    UnknownUserError,
)
from services.sync_service import state_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from datetime import datetime
    from uuid import UUID

    from services.core.calendars import CalendarSync, SyncError
    from services.core.changes import FeedPosition
    from services.core.credentials import Principal
    from services.core.policy import FeedPolicy
    from services.core.ports import Clock
    from services.core.storage import Transaction, UnitOfWork
    from services.signals import Signals
    from services.sync_service import CalendarState

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """The first thing that a stream tells: from where it can be resumed before anything changed."""

    seq: int


@dataclass(frozen=True, slots=True)
class CalendarNews:
    """How the sync of one calendar stands, now that it stands otherwise."""

    calendar_id: str
    state: CalendarState
    last_success_at: datetime | None
    last_error: SyncError | None


@dataclass(frozen=True, slots=True)
class Beat:
    """Nothing happened; the connection is alive."""


_ENDS = (CursorExpiredError, DatabaseUnavailableError, UnauthenticatedError, UnknownUserError)
"""What ends a stream in good order: whoever asks again is told why."""

StreamEvent: TypeAlias = Opened | ChangesView | CalendarNews | Beat


class ChangeStreams:
    """The open streams of this process."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock, signals: Signals, policy: FeedPolicy) -> None:
        self._uow = uow
        self._clock = clock
        self._signals = signals
        self._policy = policy
        self._open: Counter[UUID] = Counter()
        self._closed = False

    async def start(self, user_id: UUID, position: FeedPosition | None) -> FeedPosition:
        """Where a new stream begins; without a position with what happens from now on.

        Raises:
            CursorExpiredError: Deletions behind the position are no longer remembered.
            TooManyStreamsError: The user, or everybody, has as many streams open as there may be.
            UnknownUserError: There is no such user.
        """
        async with self._uow.reading() as tx:
            reach = await tx.changes.reach(user_id)
        if reach is None:
            raise UnknownUserError(user_id)
        policy = self._policy
        if self._open[user_id] >= policy.streams_per_user:
            raise TooManyStreamsError(policy.streams_per_user, of_everybody=False)
        if self._open.total() >= policy.streams:
            raise TooManyStreamsError(policy.streams, of_everybody=True)
        if position is None:
            return caught_up(reach.last_seq)
        require_whole(position, reach)
        return position

    async def events(
        self, user_id: UUID, position: FeedPosition, *, principal: Principal
    ) -> AsyncGenerator[StreamEvent, None]:
        """What happens, until the reader may listen no more, the stream is old, or the service stops.

        Args:
            user_id: Whose slots.
            position: As `start` gave it.
            principal: Who asked; nothing is told once that credential is revoked or over.
        """
        told: dict[str, CalendarNews] = {}
        ends_at = self._clock.monotonic() + self._policy.stream_lifetime.total_seconds()
        beat_at = self._beat_at()
        with self._counted(user_id), self._signals.subscribe(user_id) as changes:
            yield Opened(position.seq)
            while not self._closed and self._clock.monotonic() < ends_at:
                try:
                    view, calendars = await self._look(user_id, position, principal)
                except _ENDS as error:
                    _log.info("stream ended: %s", type(error).__name__, extra={"user_id": str(user_id)})
                    return
                position = view.page.position
                news = [each for each in calendars if told.get(each.calendar_id) != each]
                told = {each.calendar_id: each for each in calendars}
                if view.page.changes:
                    yield view
                for each in news:
                    yield each
                if view.page.changes or news:
                    beat_at = self._beat_at()
                if view.page.more:
                    continue
                await changes.wait(max(beat_at - self._clock.monotonic(), 0))
                if self._clock.monotonic() >= beat_at:
                    yield Beat()
                    beat_at = self._beat_at()

    def close(self) -> None:
        """End every stream, and every new one at once: the service is about to stop."""
        self._closed = True
        self._signals.everybody_changed()

    async def watch_forever(self) -> None:
        """Wake streams for what other replicas do."""
        known: dict[UUID, object] = {}
        while True:
            await self._clock.sleep(self._policy.poll.total_seconds())
            users = list(+self._open)
            try:
                async with self._uow.reading() as tx:
                    marks = await tx.changes.marks(users) if users else {}
            except DatabaseUnavailableError:
                continue
            for user_id in users:
                if marks.get(user_id) != known.get(user_id):
                    self._signals.user_changed(user_id)
            known = marks

    async def _look(
        self, user_id: UUID, position: FeedPosition, principal: Principal
    ) -> tuple[ChangesView, list[CalendarNews]]:
        now = self._clock.now()
        async with self._uow.reading() as tx:
            if not await _is_good(tx, principal, now):
                raise UnauthenticatedError
            view = await changes_behind(tx, user_id, position, limit=self._policy.stream_batch)
            calendars = [each for each in await tx.calendars.all_of(user_id) if is_selected(each)]
            holding = await tx.changes.holding_calendars(user_id)
        return view, [_news(each, each.calendar_id in holding, now) for each in calendars]

    @contextmanager
    def _counted(self, user_id: UUID) -> Iterator[None]:
        self._open[user_id] += 1
        try:
            yield
        finally:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]

    def _beat_at(self) -> float:
        return self._clock.monotonic() + self._policy.heartbeat.total_seconds()


async def _is_good(tx: Transaction, principal: Principal, now: datetime) -> bool:
    """Whether the credential of a request that lasts can still be used."""
    if principal.key_id is not None:
        key = await tx.keys.find(principal.key_id)
        return key is not None and (key.expires_at is None or key.expires_at > now)
    if principal.session_id is not None:
        session = await tx.sessions.find(principal.session_id)
        return session is not None and session.expires_at > now
    return False


def _news(calendar: CalendarSync, holds: bool, now: datetime) -> CalendarNews:  # noqa: FBT001
    return CalendarNews(
        calendar.calendar_id,
        state_of(calendar, holds=holds, now=now),
        calendar.last_success_at,
        calendar.last_error,
    )
