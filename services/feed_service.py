"""The user's calendar as a feed that other programs subscribe to.

Such programs send no headers, so the secret stands in the address; only its hash is kept, and the id beside
it finds the hash, so that the comparison takes the same time for every wrong secret.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from services.core.accounts import Feed
from services.core.credentials import (
    NO_SECRET,
    hash_secret,
    read_credential,
    same_secret,
    write_credential,
)
from services.core.errors import InvalidSlotError, UnknownFeedError
from services.core.recurrence import has_occurrence
from services.ical.document import END, beginning
from services.ical.events import Described, Instance, event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

    from services.core.accounts import User
    from services.core.ports import Clock, Ids
    from services.core.records import Slot, ZoneUse
    from services.core.recurrence import OriginalStart
    from services.core.storage import Transaction, UnitOfWork

PREFIX: Final = "gcf_"
_EDITION: Final = 1
"""Part of the entity tag; grows when the same slots are written in another way."""
_PAGE: Final = 100
"""How many slots are written at a time: a tenth of a second of work in another thread."""
_USED_AGAIN_AFTER: Final = timedelta(hours=1)
"""How exactly it is known when a feed was last used, so that reading seldom means writing."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenFeed:
    """A feed whose key was right."""

    user: User
    etag: str
    """Of the document as it stands now: the same until anything in it changes."""


class FeedService:
    """Makes, revokes and reads feeds."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock, ids: Ids) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids

    async def replace(self, user_id: UUID) -> tuple[Feed, str]:
        """Make the user's feed; the key is shown this once, and an earlier one is void."""
        secret = self._ids.secret()
        feed = Feed(user_id, self._ids.uuid(), hash_secret(secret), self._clock.now())
        async with self._uow() as tx:
            await tx.feeds.save(feed)
        return feed, write_credential(PREFIX, feed.id, secret)

    async def find(self, user_id: UUID) -> Feed | None:
        """The user's feed."""
        async with self._uow.reading() as tx:
            return await tx.feeds.of(user_id)

    async def revoke(self, user_id: UUID) -> None:
        """Make the key void at once; nothing happens without a feed."""
        async with self._uow() as tx:
            await tx.feeds.remove(user_id)

    async def open(self, key: str) -> OpenFeed:
        """Whose feed a key opens.

        Raises:
            UnknownFeedError: Nobody's, or nobody's any more.
        """
        feed_id, secret = read_credential(PREFIX, key)
        async with self._uow.reading() as tx:
            feed = await tx.feeds.find(feed_id)
            expected = feed.secret_hash if feed is not None else NO_SECRET
            if not same_secret(hash_secret(secret), expected) or feed is None:
                raise UnknownFeedError
            user = await tx.users.find(feed.user_id)
            seq = await tx.feeds.last_seq(feed.user_id)
        if user is None:
            raise UnknownFeedError
        await self._note_used(feed)
        # The years that zones are described for move with the calendar.
        stands = f"{_EDITION} {user.id} {user.email} {user.name} {seq} {self._clock.now().year}"
        return OpenFeed(user, f'"{sha256(stands.encode()).hexdigest()[:32]}"')

    async def document(self, user: User) -> AsyncIterator[bytes]:
        """The document, piece by piece; no transaction stays open while a piece is on its way.

        A slot that changes meanwhile comes in its old or its new state; the next entity tag differs then.
        """
        async with self._uow.reading() as tx:
            zones = await tx.feeds.zones(user.id)
            cancelled = await _cancelled(tx, user.id)
        yield await asyncio.to_thread(self._beginning, user, zones)
        after: UUID | None = None
        while True:
            async with self._uow.reading() as tx:
                slots = await tx.feeds.slots(user.id, after=after, limit=_PAGE)
                masters = await _masters(tx, user.id, slots)
            if slots:
                yield await asyncio.to_thread(_events, slots, masters, cancelled, user.email)
            if len(slots) < _PAGE:
                break
            after = slots[-1].id
        yield END

    def _beginning(self, user: User, zones: Sequence[ZoneUse]) -> bytes:
        return beginning(user.name or user.email, zones, now=self._clock.now())

    async def _note_used(self, feed: Feed) -> None:
        now = self._clock.now()
        if feed.last_used_at is None or now - feed.last_used_at >= _USED_AGAIN_AFTER:
            async with self._uow() as tx:
                await tx.feeds.note_used(feed, now=now)


async def _masters(tx: Transaction, user_id: UUID, slots: Sequence[Slot]) -> dict[UUID, Slot]:
    """The series of the exceptions among slots, as far as they are there."""
    wanted = {slot.series.series_id for slot in slots if slot.series is not None}
    found = await tx.slots.find_many(user_id, {each for each in wanted if each is not None})
    return {key: slot for key, slot in found.items() if slot.deleted_at is None and slot.is_series}


async def _cancelled(tx: Transaction, user_id: UUID) -> dict[UUID, list[OriginalStart]]:
    found: dict[UUID, list[OriginalStart]] = defaultdict(list)
    for each in await tx.feeds.cancelled_instances(user_id):
        found[each.series_id].append(each.original_start)
    return found


def _events(
    slots: Sequence[Slot],
    masters: Mapping[UUID, Slot],
    cancelled: Mapping[UUID, Sequence[OriginalStart]],
    owner_email: str,
) -> bytes:
    written = []
    for slot in slots:
        described = Described(slot, _replaced(slot, masters), cancelled.get(slot.id, ()))
        try:
            written.append(event(described, owner_email=owner_email))
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            # One odd slot must not take the whole calendar away.
            _log.warning(
                "slot left out of a feed", extra={"slot_id": str(slot.id), "error": type(error).__name__}
            )
    return b"".join(written)


def _replaced(slot: Slot, masters: Mapping[UUID, Slot]) -> Instance | None:
    """The instance that a slot replaces; `None` when it stands for itself, or the series has no such one.

    Programs drop or misplace what replaces nothing; as an event of its own it is where it belongs.
    """
    link = slot.series
    master = masters.get(link.series_id) if link is not None and link.series_id is not None else None
    if link is None or master is None:
        return None
    schedule, original = master.content.schedule, link.original_start
    try:
        if not has_occurrence(schedule, original):
            return None
    except InvalidSlotError:
        pass
    return Instance(master.id, schedule, original)
