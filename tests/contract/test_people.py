"""Users, credentials, accounts and OAuth flows, over every store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from services.core.accounts import AccountStatus, ApiKey, Feed, GoogleAccount, OAuthFlow, Session
from services.core.boundary import refuse_inside_transaction
from services.core.calendars import Channel, ChannelStatus, HoldRecord
from services.core.errors import KnownEmailError, NetworkInTransactionError, UnknownUserError
from services.core.records import ConflictRecord, HistoryEntry, SlotQuery
from tests.contract.records import HOUR, MINUTE, NOW, new_id, slot, some_user, synced, user

if TYPE_CHECKING:
    from services.core.storage import UnitOfWork


class Boom(Exception):  # noqa: N818
    """Something that goes wrong inside a transaction."""


def account(user_id, **fields):
    known = GoogleAccount(
        user_id=user_id,
        subject="108",
        email="ada@example.org",
        scopes=("openid", "calendar"),
        status=AccountStatus.CONNECTED,
        refresh_token="sealed",
        linked_at=NOW,
    )
    return replace(known, **fields)


def flow(user_id, name: str, **fields) -> OAuthFlow:
    known = OAuthFlow(
        id=new_id(),
        user_id=user_id,
        ticket_hash=f"ticket-{name}",
        state_hash=f"unopened-{name}",
        browser_hash=None,
        code_verifier="sealed",
        nonce="n",
        return_to=None,
        created_at=NOW,
        expires_at=NOW + HOUR,
    )
    return replace(known, **fields)


async def test_a_clean_exit_commits(uow: UnitOfWork) -> None:
    ada = user()
    async with uow() as tx:
        await tx.users.add(ada)
        assert await tx.users.find(ada.id) == ada
    async with uow.reading() as tx:
        assert await tx.users.find(ada.id) == ada


async def test_an_error_rolls_everything_back(uow: UnitOfWork) -> None:
    ada = user()
    with pytest.raises(Boom):  # noqa: PT012 - the error ends the transaction.
        async with uow() as tx:
            await tx.users.add(ada)
            await tx.users.lock(ada.id)
            await tx.slots.add([slot(ada.id)])
            raise Boom
    async with uow.reading() as tx:
        assert await tx.users.find(ada.id) is None
        assert await tx.slots.page(ada.id, SlotQuery()) == []


async def test_a_rollback_gives_its_sequence_numbers_back(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    with pytest.raises(Boom):  # noqa: PT012 - the error ends the transaction.
        async with uow() as tx:
            await tx.users.lock(user_id)
            await tx.slots.add([slot(user_id), slot(user_id)])
            raise Boom
    async with uow() as tx:
        await tx.users.lock(user_id)
        (added,) = await tx.slots.add([slot(user_id)])
    assert added.seq == 1


async def test_readers_do_not_see_what_is_not_committed(uow: UnitOfWork) -> None:
    ada = user()
    async with uow() as tx:
        await tx.users.add(ada)
        async with uow.reading() as other:
            assert await other.users.find(ada.id) is None


async def test_readers_keep_the_state_that_they_began_with(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    async with uow.reading() as reading:
        assert await reading.slots.page(user_id, SlotQuery()) == []
        async with uow() as tx:
            await tx.users.lock(user_id)
            await tx.slots.add([slot(user_id)])
        assert await reading.slots.page(user_id, SlotQuery()) == []


async def test_the_network_is_out_of_bounds_inside(uow: UnitOfWork) -> None:
    for opening in (uow(), uow.reading()):
        async with opening:
            with pytest.raises(NetworkInTransactionError):
                refuse_inside_transaction("a call")
        refuse_inside_transaction("a call")


async def test_an_email_is_known_in_any_case(uow: UnitOfWork) -> None:
    async with uow() as tx:
        await tx.users.add(user("Ada@Example.org"))
    with pytest.raises(KnownEmailError):
        async with uow() as tx:
            await tx.users.add(user("aDA@eXAMPLE.ORG"))


async def test_a_refused_email_leaves_the_transaction_usable(uow: UnitOfWork) -> None:
    other = user()
    async with uow() as tx:
        await tx.users.add(user("ada@example.org"))
        with pytest.raises(KnownEmailError):
            await tx.users.add(user("ADA@example.org"))
        await tx.users.add(other)
    async with uow.reading() as tx:
        assert await tx.users.find(other.id) == other


async def test_users_come_in_pages(uow: UnitOfWork) -> None:
    everybody = [user() for _ in range(5)]
    async with uow() as tx:
        for each in reversed(everybody):
            await tx.users.add(each)
    async with uow.reading() as tx:
        first = await tx.users.page(after=None, limit=3)
        assert first == everybody[:3]
        assert await tx.users.page(after=first[-1].id, limit=3) == everybody[3:]


async def test_nobody_can_lock_a_user_that_is_not_there(uow: UnitOfWork) -> None:
    with pytest.raises(UnknownUserError):
        async with uow() as tx:
            await tx.users.lock(new_id())


async def test_rows_of_a_user_that_is_not_there_are_refused(uow: UnitOfWork) -> None:
    nobody = new_id()
    with pytest.raises(UnknownUserError):
        async with uow() as tx:
            await tx.accounts.save(account(nobody))


async def test_a_user_has_one_feed_at_a_time(uow: UnitOfWork) -> None:
    user_id, other_id = await some_user(uow), await some_user(uow)
    first, second = (Feed(user_id, new_id(), name, NOW) for name in ("first", "second"))
    other = Feed(other_id, new_id(), "other", NOW)
    for feed in (first, other, second):
        async with uow() as tx:
            await tx.feeds.save(feed)
    async with uow.reading() as tx:
        assert await tx.feeds.find(first.id) is None
        assert await tx.feeds.find(second.id) == await tx.feeds.of(user_id) == second
    async with uow() as tx:
        await tx.feeds.remove(user_id)
        await tx.feeds.remove(user_id)
        assert await tx.feeds.of(user_id) is None
        assert await tx.feeds.of(other_id) == other


async def test_only_the_feed_that_was_used_says_so(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    old, new = (Feed(user_id, new_id(), name, NOW) for name in ("old", "new"))
    async with uow() as tx:
        await tx.feeds.note_used(old, now=NOW)
        await tx.feeds.save(new)
        await tx.feeds.note_used(old, now=NOW)
        assert await tx.feeds.of(user_id) == new
        await tx.feeds.note_used(new, now=NOW + HOUR)
    async with uow.reading() as tx:
        assert await tx.feeds.of(user_id) == replace(new, last_used_at=NOW + HOUR)


async def test_accounts_are_replaced(uow: UnitOfWork) -> None:
    one, two, three = [await some_user(uow) for _ in range(3)]
    gone = account(one, status=AccountStatus.DISCONNECTED, refresh_token=None, version=2)
    async with uow() as tx:
        await tx.accounts.save(account(one))
        await tx.accounts.save(gone)
        await tx.accounts.save(account(two))
    async with uow.reading() as tx:
        assert await tx.accounts.find(one) == gone
        assert await tx.accounts.find(three) is None
        assert await tx.accounts.find_many([one, two, three]) == {one: gone, two: account(two)}
        assert await tx.accounts.find_many([]) == {}


async def test_a_ticket_opens_once(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    waiting = flow(user_id, "a")
    async with uow() as tx:
        await tx.flows.add(waiting)
    async with uow() as tx:
        assert await tx.flows.consume(waiting.state_hash, now=NOW) is None
        opened = await tx.flows.open("ticket-a", state_hash="state", browser_hash="browser", now=NOW)
        assert opened == replace(waiting, state_hash="state", browser_hash="browser")
    async with uow() as tx:
        assert await tx.flows.open("ticket-a", state_hash="s", browser_hash="b", now=NOW) is None
        assert await tx.flows.consume("state", now=NOW) == opened
        assert await tx.flows.consume("state", now=NOW) is None


async def test_old_flows_are_of_no_use(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    late = NOW + HOUR
    async with uow() as tx:
        await tx.flows.add(flow(user_id, "a"))
        await tx.flows.add(flow(user_id, "b", expires_at=late + HOUR))
        await tx.flows.add(flow(user_id, "c", state_hash="s", browser_hash="b"))
    async with uow() as tx:
        assert await tx.flows.open("ticket-a", state_hash="x", browser_hash="y", now=late) is None
        assert await tx.flows.consume("s", now=late) is None
        await tx.flows.remove_expired(late)
    async with uow() as tx:
        assert await tx.flows.open("ticket-a", state_hash="x", browser_hash="y", now=NOW) is None
        assert await tx.flows.open("ticket-b", state_hash="x", browser_hash="y", now=late) is not None


async def test_erasing_a_user_takes_everything_along_and_nothing_else(uow: UnitOfWork) -> None:
    ada, bob = await some_user(uow), await some_user(uow)
    left: dict[object, object] = {}
    for user_id in (ada, bob):
        added = synced(user_id, "event")
        key = ApiKey(new_id(), user_id, "hash", "phone", NOW)
        session = Session(new_id(), user_id, "hash", NOW, NOW, NOW, NOW + HOUR)
        channel = Channel(user_id, "channel", "primary", "hash", ChannelStatus.ACTIVE, NOW)
        feed = Feed(user_id, new_id(), "hash", NOW)
        conflict = ConflictRecord(new_id(), user_id, added.id, "title", "local", "a", "b", NOW)
        hold = HoldRecord(new_id(), user_id, "primary", 5, 9, NOW)
        async with uow() as tx:
            await tx.users.lock(user_id)
            await tx.keys.add(key)
            await tx.sessions.add(session)
            await tx.feeds.save(feed)
            await tx.accounts.save(account(user_id))
            await tx.flows.add(flow(user_id, user_id.hex))
            await tx.channels.add(channel)
            await tx.slots.add([added])
            await tx.slots.save([added], [HistoryEntry(user_id, added.id, 0, NOW, "app", {})])
            await tx.conflicts.add([conflict])
            await tx.holds.add(hold)
        left[user_id] = (added, key, session, feed, channel, conflict, hold)
    async with uow() as tx:
        await tx.users.remove(ada)
    async with uow.reading() as tx:
        for user_id, there in ((ada, False), (bob, True)):
            added, key, session, feed, channel, conflict, hold = left[user_id]  # type: ignore[misc]
            found = [
                await tx.users.find(user_id),
                await tx.keys.find(key.id),
                await tx.sessions.find(session.id),
                await tx.feeds.find(feed.id),
                await tx.accounts.find(user_id),
                await tx.calendars.find(user_id, "primary"),
                await tx.channels.find(user_id, channel.id),
                await tx.slots.find(user_id, added.id),
                await tx.slots.history(user_id, added.id) or None,
                await tx.conflicts.find(user_id, conflict.id),
                await tx.holds.find(user_id, hold.id),
            ]
            assert [each is not None for each in found] == [there] * len(found)
    async with uow() as tx:
        opened = await tx.flows.open(f"ticket-{ada.hex}", state_hash="s", browser_hash="b", now=NOW + MINUTE)
        assert opened is None
