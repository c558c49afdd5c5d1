"""The keys of secrets at rest, over every store: a wrong one is noticed, a new one takes over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from services.core.accounts import AccountStatus
from services.core.calendars import CalendarStatus
from services.core.errors import DecryptionError, SettingsError
from services.keyring import KeyRing, Rotation
from services.token_service import REFRESH_TOKEN
from services.token_vault import TokenVault
from tests.contract.records import some_user
from tests.contract.test_people import account
from tests.google.world import CountingIds, ManualClock

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.storage import UnitOfWork

OLD, NEW, STRANGE = "the old secret key", "the new secret key", "the key of somebody else"


def vault(*keys: str) -> TokenVault:
    return TokenVault.from_secrets(*keys, ids=CountingIds())


def ring(uow: UnitOfWork, *keys: str) -> KeyRing:
    return KeyRing(uow=uow, vault=vault(*keys), clock=ManualClock())


async def linked(uow: UnitOfWork, key: str, text: str = "token", **fields) -> UUID:
    user_id = await some_user(uow)
    sealed = vault(key).seal(text, purpose=REFRESH_TOKEN, user_id=user_id)
    async with uow() as tx:
        await tx.accounts.save(account(user_id, **{"refresh_token": sealed, **fields}))
    return user_id


async def token_of(uow: UnitOfWork, user_id: UUID, *keys: str) -> str:
    async with uow.reading() as tx:
        found = await tx.accounts.find(user_id)
    assert found is not None
    return vault(*keys).open(found.refresh_token or "", purpose=REFRESH_TOKEN, user_id=user_id)


async def refuses(keyring: KeyRing) -> None:
    with pytest.raises(SettingsError) as caught:
        await keyring.check()
    assert caught.value.variable == "SECRET_KEY"


async def test_a_wrong_key_is_refused_before_anything_is_read(uow: UnitOfWork) -> None:
    await ring(uow, OLD).check()
    await refuses(ring(uow, STRANGE))
    await refuses(ring(uow, STRANGE, NEW))
    await ring(uow, OLD).check()
    await ring(uow, STRANGE, OLD).check()


async def test_going_back_to_the_old_key_alone_is_refused_as_well(uow: UnitOfWork) -> None:
    """What was sealed since the change would not open any more."""
    await ring(uow, OLD).check()
    await ring(uow, NEW, OLD).check()
    await refuses(ring(uow, OLD))
    await ring(uow, OLD, NEW).check()


async def test_rotation_makes_the_old_key_dispensable(uow: UnitOfWork) -> None:
    await ring(uow, OLD).check()
    users = [await linked(uow, OLD, f"token {number}") for number in range(3)]
    users.append(await linked(uow, NEW, "token 3"))
    gone = await linked(uow, OLD, status=AccountStatus.DISCONNECTED, refresh_token=None)
    both = ring(uow, NEW, OLD)
    await both.check()

    assert await both.rotate() == Rotation(resealed=3)
    assert await both.rotate() == Rotation()

    await ring(uow, NEW).check()
    await refuses(ring(uow, OLD))
    for number, user_id in enumerate(users):
        assert await token_of(uow, user_id, NEW) == f"token {number}"
    async with uow.reading() as tx:
        untouched = await tx.accounts.find(gone)
    assert untouched is not None
    assert untouched.refresh_token is None


async def test_more_than_one_batch(uow: UnitOfWork) -> None:
    for _ in range(101):
        await linked(uow, OLD)
    assert await ring(uow, NEW, OLD).rotate() == Rotation(resealed=101)


async def test_an_interrupted_rotation_goes_on_where_it_stopped(uow: UnitOfWork) -> None:
    await ring(uow, OLD).check()
    first, second = await linked(uow, OLD), await linked(uow, OLD)
    sealed = vault(NEW).seal("token", purpose=REFRESH_TOKEN, user_id=first)
    async with uow() as tx:
        await tx.accounts.save(account(first, refresh_token=sealed))
    both = ring(uow, NEW, OLD)
    await both.check()
    await refuses(ring(uow, NEW))
    assert await both.rotate() == Rotation(resealed=1)
    assert [await token_of(uow, each, NEW) for each in (first, second)] == ["token", "token"]


async def test_what_no_key_opens_is_counted_and_kept_and_so_are_the_canaries(uow: UnitOfWork) -> None:
    await ring(uow, OLD).check()
    readable, lost = await linked(uow, OLD), await linked(uow, STRANGE)
    both = ring(uow, NEW, OLD)
    done = await both.rotate()
    assert (done, done.complete) == (Rotation(resealed=1, unreadable=1), False)
    await refuses(ring(uow, NEW))
    assert await token_of(uow, readable, NEW) == "token"
    assert await token_of(uow, lost, STRANGE) == "token"


async def test_a_lost_key_costs_its_users_a_new_link_and_nothing_else(uow: UnitOfWork) -> None:
    await ring(uow, OLD).check()
    lost, known = await linked(uow, OLD), await linked(uow, NEW)
    apart = await linked(uow, OLD, status=AccountStatus.DISCONNECTED)
    alone = ring(uow, NEW)
    await refuses(alone)

    assert await alone.rotate(forget_unreadable=True) == Rotation(forgotten=2)

    await alone.check()
    async with uow.reading() as tx:
        found = await tx.accounts.find_many([lost, known, apart])
        calendars = {each: await tx.calendars.find(each, "primary") for each in (lost, known, apart)}
    assert found[lost] == replace(
        account(lost), status=AccountStatus.REAUTHORISATION_REQUIRED, refresh_token=None, version=2
    )
    assert found[known].status is AccountStatus.CONNECTED
    assert (found[apart].status, found[apart].refresh_token) == (AccountStatus.DISCONNECTED, None)
    statuses = {user_id: calendar.status for user_id, calendar in calendars.items() if calendar is not None}
    assert statuses[lost] is CalendarStatus.REAUTHORISATION_REQUIRED
    assert statuses[known] is statuses[apart] is CalendarStatus.ACTIVE


async def test_ciphertexts_that_were_swapped_between_users_open_for_neither(uow: UnitOfWork) -> None:
    ada, eve = await linked(uow, OLD, "of ada"), await linked(uow, OLD, "of eve")
    async with uow() as tx:
        theirs = await tx.accounts.find_many([ada, eve])
        await tx.accounts.save(replace(theirs[ada], refresh_token=theirs[eve].refresh_token))
        await tx.accounts.save(replace(theirs[eve], refresh_token=theirs[ada].refresh_token))
    for user_id in (ada, eve):
        with pytest.raises(DecryptionError):
            await token_of(uow, user_id, OLD)
    assert await ring(uow, NEW, OLD).rotate() == Rotation(unreadable=2)
