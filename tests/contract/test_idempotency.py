"""Answers that are kept, and transactions with parts, over every store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from services.core.errors import KnownEmailError, UnknownUserError
from services.core.idempotency import ADMINISTRATOR_SCOPE, KEPT, IdempotencyRecord
from services.joined_transactions import JoinedUnitOfWork
from tests.contract.records import HOUR, NOW, new_id, slot, some_user, user

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.storage import UnitOfWork


class Boom(Exception):  # noqa: N818
    """Something that goes wrong inside a transaction."""


def record(user_id: UUID, **fields) -> IdempotencyRecord:
    known = IdempotencyRecord(user_id, "POST /slots", "k1", "digest", "sealed", NOW, NOW + KEPT)
    return replace(known, **fields)


async def claim(uow: UnitOfWork, wanted: IdempotencyRecord) -> IdempotencyRecord | None:
    async with uow() as tx:
        return await tx.idempotency.claim(wanted)


async def test_the_first_claim_wins_and_the_second_finds_it(uow: UnitOfWork) -> None:
    first = record(await some_user(uow))
    assert await claim(uow, first) is None
    assert await claim(uow, replace(first, fingerprint="other", answer="")) == first


async def test_keys_stand_for_one_user_and_one_route(uow: UnitOfWork) -> None:
    first = record(await some_user(uow))
    await claim(uow, first)
    for other in (
        record(await some_user(uow)),
        record(ADMINISTRATOR_SCOPE),
        replace(first, route="POST /slots/feed"),
        replace(first, key="K1"),
    ):
        assert await claim(uow, other) is None


async def test_the_answer_is_set_later(uow: UnitOfWork) -> None:
    first = record(await some_user(uow), answer="")
    await claim(uow, first)
    async with uow() as tx:
        await tx.idempotency.set_answer(replace(first, answer="known now", fingerprint="ignored"))
        await tx.idempotency.set_answer(replace(first, key="unknown"))
    assert await claim(uow, first) == replace(first, answer="known now")


async def test_a_claim_that_is_rolled_back_was_none(uow: UnitOfWork) -> None:
    first = record(await some_user(uow))
    with pytest.raises(Boom):  # noqa: PT012 - the error ends the transaction.
        async with uow() as tx:
            await tx.idempotency.claim(first)
            raise Boom
    assert await claim(uow, first) is None


async def test_what_has_expired_is_claimed_anew(uow: UnitOfWork) -> None:
    first = record(await some_user(uow))
    await claim(uow, first)
    late = replace(first, created_at=NOW + KEPT, expires_at=NOW + 2 * KEPT, answer="new")
    assert await claim(uow, replace(late, created_at=NOW + KEPT - HOUR)) == first
    assert await claim(uow, late) is None
    assert await claim(uow, replace(late, answer="newer")) == late


async def test_what_has_expired_is_removed(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    old, young = record(user_id), record(user_id, key="k2", expires_at=NOW + 2 * KEPT)
    await claim(uow, old)
    await claim(uow, young)
    async with uow() as tx:
        await tx.idempotency.remove_expired(NOW + KEPT)
    assert await claim(uow, replace(old, answer="again")) is None
    assert await claim(uow, young) == young


async def test_answers_go_with_their_user(uow: UnitOfWork) -> None:
    first = record(await some_user(uow))
    await claim(uow, first)
    async with uow() as tx:
        await tx.users.remove(first.user_id)
    assert await claim(uow, first) is None


async def test_a_second_claim_waits_for_the_first_transaction(uow: UnitOfWork) -> None:
    first = record(await some_user(uow))
    async with uow() as tx:
        await tx.idempotency.claim(first)
        second = asyncio.create_task(claim(uow, replace(first, answer="second")))
        await tx.idempotency.set_answer(replace(first, answer="first"))
    assert await second == replace(first, answer="first")


async def test_a_part_is_undone_alone(uow: UnitOfWork) -> None:
    ada, bob, eve = user(), user(), user()
    async with uow() as tx:
        await tx.users.add(ada)
        with pytest.raises(Boom):  # noqa: PT012 - the error ends the part.
            async with tx.savepoint():
                await tx.users.add(bob)
                raise Boom
        async with tx.savepoint():
            await tx.users.add(eve)
            with pytest.raises(KnownEmailError):
                async with tx.savepoint():
                    await tx.users.add(replace(bob, email=eve.email))
        assert await tx.users.find(bob.id) is None
    async with uow.reading() as tx:
        assert await tx.users.find(ada.id) == ada
        assert await tx.users.find(bob.id) is None
        assert await tx.users.find(eve.id) == eve


async def test_a_broken_rule_ends_only_its_part(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    async with uow() as tx:
        await tx.users.lock(user_id)
        with pytest.raises(UnknownUserError):
            async with tx.savepoint():
                await tx.users.lock(new_id())
        [kept] = await tx.slots.add([slot(user_id)])
    async with uow.reading() as tx:
        assert await tx.slots.find(user_id, kept.id) == kept


async def test_numbers_that_an_undone_part_took_are_given_again(uow: UnitOfWork) -> None:
    user_id = await some_user(uow)
    async with uow() as tx:
        with pytest.raises(Boom):  # noqa: PT012 - the error ends the part.
            async with tx.savepoint():
                await tx.users.lock(user_id)
                await tx.slots.add([slot(user_id), slot(user_id)])
                raise Boom
        await tx.users.lock(user_id)
        [first] = await tx.slots.add([slot(user_id)])
        async with tx.savepoint():
            [second] = await tx.slots.add([slot(user_id)])
    assert (first.seq, second.seq) == (1, 2)
    async with uow.reading() as tx:
        assert await tx.feeds.last_seq(user_id) == 2


async def test_transactions_join_the_one_that_is_open(uow: UnitOfWork) -> None:
    joined = JoinedUnitOfWork(uow)
    ada, bob = user(), user()
    with pytest.raises(Boom):  # noqa: PT012 - the error ends the transaction.
        async with joined.together():
            async with joined() as tx:
                await tx.users.add(ada)
            async with joined.reading() as tx:
                assert await tx.users.find(ada.id) == ada
            raise Boom
    async with joined.together():
        with pytest.raises(Boom):  # noqa: PT012 - the error ends the part.
            async with joined() as tx:
                await tx.users.add(ada)
                raise Boom
        async with joined.together(), joined() as tx:
            await tx.users.add(bob)
    async with joined.reading() as tx:
        assert await tx.users.find(ada.id) is None
        assert await tx.users.find(bob.id) == bob


async def test_other_tasks_do_not_join(uow: UnitOfWork) -> None:
    joined = JoinedUnitOfWork(uow)
    ada = user()

    async def seen() -> bool:
        async with joined.reading() as tx:
            return await tx.users.find(ada.id) is not None

    async with joined.together() as tx:
        await tx.users.add(ada)
        assert not await asyncio.create_task(seen())
    assert await asyncio.create_task(seen())
