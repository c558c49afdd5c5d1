"""Keys, sessions, attempts to sign in and canaries, over every store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.core.accounts import ApiKey, KeyCanary, Session, SignInFlow
from tests.contract.records import HOUR, MINUTE, NOW, new_id, some_user, user
from tests.contract.test_people import account, flow

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.storage import UnitOfWork


def session(user_id: UUID, **fields) -> Session:
    known = Session(
        id=new_id(),
        user_id=user_id,
        secret_hash="first",
        created_at=NOW,
        rotated_at=NOW,
        last_used_at=NOW,
        expires_at=NOW + HOUR,
    )
    return replace(known, **fields)


def sign_in(state: str, **fields) -> SignInFlow:
    known = SignInFlow(
        id=new_id(),
        state_hash=state,
        browser_hash="browser",
        code_verifier="sealed",
        nonce="n",
        return_to=None,
        created_at=NOW,
        expires_at=NOW + HOUR,
    )
    return replace(known, **fields)


async def test_keys_are_found_by_id_and_listed_for_their_owner(uow: UnitOfWork) -> None:
    ada, bob = await some_user(uow), await some_user(uow)
    keys = [ApiKey(new_id(), ada, "hash", str(number), NOW) for number in range(3)]
    keys[1] = replace(keys[1], expires_at=NOW + HOUR, last_used_at=NOW)
    foreign = ApiKey(new_id(), bob, "hash", "foreign", NOW)
    async with uow() as tx:
        for key in (*reversed(keys), foreign):
            await tx.keys.add(key)
    async with uow.reading() as tx:
        assert await tx.keys.find(keys[1].id) == keys[1]
        assert await tx.keys.find(new_id()) is None
        assert await tx.keys.page(ada, after=None, limit=2) == keys[:2]
        assert await tx.keys.page(ada, after=keys[1].id, limit=2) == keys[2:]
        assert (await tx.keys.count(ada), await tx.keys.count(bob), await tx.keys.count(new_id())) == (
            3,
            1,
            0,
        )


async def test_a_key_is_removed_by_its_owner_only(uow: UnitOfWork) -> None:
    ada, bob = await some_user(uow), await some_user(uow)
    key, other = (ApiKey(new_id(), ada, "hash", name, NOW) for name in ("one", "two"))
    async with uow() as tx:
        await tx.keys.add(key)
        await tx.keys.add(other)
    async with uow() as tx:
        assert not await tx.keys.remove(bob, key.id)
        assert await tx.keys.remove(ada, key.id)
        assert not await tx.keys.remove(ada, key.id)
        await tx.keys.note_used(key, now=NOW)
        await tx.keys.note_used(other, now=NOW + HOUR)
    async with uow() as tx:
        assert await tx.keys.page(ada, after=None, limit=9) == [replace(other, last_used_at=NOW + HOUR)]
        await tx.keys.remove_all(bob)
        assert await tx.keys.count(ada) == 1
        await tx.keys.remove_all(ada)
        assert await tx.keys.count(ada) == 0


async def test_a_session_is_replaced_only_by_who_knows_its_secret(uow: UnitOfWork) -> None:
    first = session(await some_user(uow))
    second = replace(
        first,
        secret_hash="second",
        previous_hash="first",
        rotated_at=NOW + MINUTE,
        last_used_at=NOW + MINUTE,
        expires_at=NOW + 2 * HOUR,
    )
    async with uow() as tx:
        await tx.sessions.add(first)
        assert await tx.sessions.find(first.id) == first
    async with uow() as tx:
        assert await tx.sessions.replace(second, secret_hash="first")
        assert not await tx.sessions.replace(first, secret_hash="first")
    async with uow.reading() as tx:
        assert await tx.sessions.find(first.id) == second
        assert await tx.sessions.find(new_id()) is None


async def test_sessions_end_one_by_one_all_at_once_or_by_age(uow: UnitOfWork) -> None:
    ada, bob = await some_user(uow), await some_user(uow)
    one, two = session(ada), session(ada)
    old, foreign = session(bob, expires_at=NOW), session(bob, expires_at=NOW + MINUTE)
    async with uow() as tx:
        for each in (one, two, old, foreign):
            await tx.sessions.add(each)
        await tx.sessions.remove(bob, one.id)
        assert await tx.sessions.find(one.id) == one
        await tx.sessions.remove(ada, one.id)
        assert await tx.sessions.find(one.id) is None
        await tx.sessions.remove_all(ada)
        await tx.sessions.remove_all(ada)
        await tx.sessions.remove_expired(NOW)
    async with uow.reading() as tx:
        found = [await tx.sessions.find(each.id) for each in (two, old, foreign)]
    assert found == [None, None, foreign]


async def test_a_sign_in_is_taken_once_and_in_time(uow: UnitOfWork) -> None:
    waiting, late = sign_in("a"), sign_in("b", expires_at=NOW, return_to="https://app.example.com/")
    async with uow() as tx:
        await tx.sign_ins.add(waiting)
        await tx.sign_ins.add(late)
    async with uow() as tx:
        assert await tx.sign_ins.consume("b", now=NOW) is None
        assert await tx.sign_ins.consume("unknown", now=NOW) is None
        assert await tx.sign_ins.consume("a", now=NOW) == waiting
        assert await tx.sign_ins.consume("a", now=NOW) is None
        await tx.sign_ins.remove_expired(NOW)
        assert await tx.sign_ins.consume("b", now=NOW - MINUTE) is None


async def test_each_key_has_one_canary(uow: UnitOfWork) -> None:
    old, new = KeyCanary("old", "sealed-1", NOW), KeyCanary("new", "sealed-2", NOW)
    async with uow() as tx:
        assert await tx.canaries.all() == []
        await tx.canaries.add(old)
        await tx.canaries.add(replace(old, sealed="another"))
        await tx.canaries.add(new)
    async with uow() as tx:
        assert await tx.canaries.all() == [new, old]
        await tx.canaries.remove_others("new")
        assert await tx.canaries.all() == [new]


async def test_a_google_account_tells_who_linked_it(uow: UnitOfWork) -> None:
    one, two, three = [await some_user(uow) for _ in range(3)]
    async with uow() as tx:
        await tx.accounts.save(account(one))
        await tx.accounts.save(account(two, linked_at=NOW + HOUR))
        await tx.accounts.save(account(three, subject="109"))
    async with uow.reading() as tx:
        assert [each.user_id for each in await tx.accounts.with_subject("108")] == [two, one]
        assert await tx.accounts.with_subject("1") == []


async def test_tokens_of_another_key_are_found_page_by_page(uow: UnitOfWork) -> None:
    users = [await some_user(uow) for _ in range(5)]
    tokens = ["v1.old.a.b", "v1.new.a.b", "v1.old.c.d", None, "v1.n_w.a.b"]
    async with uow() as tx:
        for user_id, token in zip(users, tokens, strict=True):
            await tx.accounts.save(account(user_id, refresh_token=token))
    async with uow.reading() as tx:
        assert await tx.accounts.with_other_tokens("v1.new.", after=None, limit=2) == [users[0], users[2]]
        assert await tx.accounts.with_other_tokens("v1.new.", after=users[2], limit=2) == [users[4]]
        # An underscore is no wildcard here.
        others = await tx.accounts.with_other_tokens("v1.n_w.", after=None, limit=9)
        assert others == [users[0], users[1], users[2]]


async def test_an_email_is_proven_once_and_for_all(uow: UnitOfWork) -> None:
    ada = user()
    async with uow() as tx:
        await tx.users.add(ada)
        await tx.users.prove_email(ada.id)
        await tx.users.prove_email(new_id())
    async with uow.reading() as tx:
        assert await tx.users.find(ada.id) == replace(ada, email_proven=True)


async def test_all_flows_of_a_user_end_together(uow: UnitOfWork) -> None:
    ada, bob = await some_user(uow), await some_user(uow)
    async with uow() as tx:
        await tx.flows.add(flow(ada, "a"))
        await tx.flows.add(flow(ada, "b", state_hash="s", browser_hash="b"))
        await tx.flows.add(flow(bob, "c"))
        await tx.flows.remove_all(ada)
        await tx.flows.remove_all(ada)
    async with uow() as tx:
        assert await tx.flows.open("ticket-a", state_hash="x", browser_hash="y", now=NOW) is None
        assert await tx.flows.consume("s", now=NOW) is None
        assert await tx.flows.open("ticket-c", state_hash="x", browser_hash="y", now=NOW) is not None
